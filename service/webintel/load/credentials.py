"""Credentials of a load test: from the environment or a file, never from arguments, and never shown."""

import os
import re
from pathlib import Path

import msgspec

from webintel.load.errors import LoadError

API_KEY_VARIABLE = "WEBINTEL_LOAD_API_KEY"
TOKEN_VARIABLE = "WEBINTEL_LOAD_TOKEN"  # noqa: S105 - a variable's name
MOST = 1000
"""Credentials at once."""
_USABLE = re.compile(r"[\x21-\x7e]{1,4096}")


class Credentials(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """What clients prove with who they are; several share the limits of several callers."""

    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Tell how many there are, and nothing else."""
        return f"Credentials({len(self.headers)})"

    def of(self, number: int) -> dict[str, str]:
        """Give the header of a client, in turn."""
        return dict([self.headers[number % len(self.headers)]]) if self.headers else {}


def find_credentials(api_key_file: Path | None, token_file: Path | None) -> Credentials:
    """Read the credentials: of a file that is named, else of the environment.

    Raises:
        LoadError: they cannot be read, or used.
    """
    if api_key_file and token_file:
        raise LoadError("Give either --api-key-file or --token-file.")
    if api_key_file or token_file:
        file = api_key_file or token_file
        assert file is not None  # noqa: S101 - for mypy
        return _read(_text_of(file), str(file), is_key=api_key_file is not None)
    if key := os.environ.get(API_KEY_VARIABLE):
        return _read(key, API_KEY_VARIABLE, is_key=True)
    if token := os.environ.get(TOKEN_VARIABLE):
        return _read(token, TOKEN_VARIABLE, is_key=False)
    return Credentials()


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise LoadError(f"{file}: {error.strerror}. Name a file that holds one credential a line.") from error
    except UnicodeDecodeError as error:
        raise LoadError(f"{file} is no text. Name a file that holds one credential a line.") from error


def _read(text: str, place: str, *, is_key: bool) -> Credentials:
    found = text.split()
    if not found or len(found) > MOST or not all(map(_USABLE.fullmatch, found)):
        raise LoadError(f"{place} holds no credential: it takes one a line, at most {MOST}.")
    if is_key:
        return Credentials(tuple(("X-API-Key", key) for key in found))
    return Credentials(tuple(("Authorization", f"Bearer {token}") for token in found))
