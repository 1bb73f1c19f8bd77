"""Reading and writing the files that commands are given."""

import gzip
import os
import tempfile
import zlib
from pathlib import Path
from typing import Final, Literal

import click

Format = Literal["json", "yaml", "csv"]
FORMATS: Final[tuple[Format, ...]] = ("json", "yaml", "csv")
_EXTENSIONS: Final[dict[str, Format]] = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv"}
MAX_FILE_BYTES: Final = 64 * 1024 * 1024


def format_of(path: Path) -> Format:
    """Tell the format from a file's extension."""
    found = _EXTENSIONS.get(path.suffix.lower())
    if found is None:
        raise click.UsageError(f"{path} does not say its format: add --format json, yaml or csv.")
    return found


def require_place(path: Path) -> None:
    """Refuse, before a visit of minutes, a file that could not be written after it."""
    if not path.parent.is_dir():
        raise click.UsageError(f"There is no folder {path.parent} to write {path.name} to.")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step, so that nobody ever finds half of it.

    Raises:
        OSError: where it cannot be written; the old file is then as it was.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; the finished one has the rights of any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_page(path: Path) -> bytes:
    """Read a stored page, unpacking it where it is gzipped.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is damaged or too large.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            content = gzip.GzipFile(fileobj=file).read(MAX_FILE_BYTES + 1) if packed else file.read(MAX_FILE_BYTES + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"it is no whole gzip file ({error})") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it holds more than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    return content
