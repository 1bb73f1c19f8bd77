"""Style sheets, scripts and pictures: compressed once, and kept by browsers for as long as they do not change."""

import gzip
import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import brotli
import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from webintel.serving.compression import UNCOMPRESSED, accepted_encodings

STATIC = Path(__file__).parent / "static"
_PREFIX = "/static"
_VERSION_LENGTH = 12
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file in each form that a browser may take."""

    media_type: str
    version: str
    bodies: dict[str, bytes]
    """By content encoding, the best first; `identity` is the file itself."""


class Assets:
    """Every file of the folder, in memory: they are few and small."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._assets = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in _MEDIA_TYPES
        }

    def url(self, name: str) -> str:
        """Give the address of a file; it changes with the content."""
        return f"{_PREFIX}/{name}?v={self._assets[name].version}"

    def find(self, name: str) -> Asset | None:
        """Give a file."""
        return self._assets.get(name)


@get(f"{_PREFIX}/{{path:path}}", opt={UNCOMPRESSED: True}, sync_to_thread=False)
def asset(path: FromPath[Path], request: Request[Any, Any, Any], assets: NamedDependency[Assets]) -> Response[bytes]:
    """Give a file; for ever only under the version that it has, because another pod may have another one."""
    found = assets.find(path.as_posix().lstrip("/"))
    if found is None:
        raise NotFoundException
    accepted = accepted_encodings(request.headers.get("accept-encoding", ""))
    encoding = next(name for name in found.bodies if name in accepted or name == "identity")
    headers = {
        "Cache-Control": _FOR_EVER if request.query_params.get("v") == found.version else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    return Response(found.bodies[encoding], status_code=HTTPStatus.OK, media_type=found.media_type, headers=headers)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(
        media_type=_MEDIA_TYPES[path.suffix],
        version=hashlib.sha256(body).hexdigest()[:_VERSION_LENGTH],
        bodies={
            "br": brotli.compress(body, quality=9),
            "gzip": gzip.compress(body, 9, mtime=0),
            "identity": body,
        },
    )
