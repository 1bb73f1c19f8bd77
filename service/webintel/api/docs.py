"""The OpenAPI document's UI, from files of our own: no request leaves the origin."""

import functools
import gzip
import hashlib
import string
from pathlib import Path

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from webintel.accounts.roles import Permission
from webintel.api.access import allow
from webintel.problems import NotFound

_STATIC = Path(__file__).parent / "static"
_SWAGGER_UI = _STATIC / "swagger-ui-5.35.0"
_FILES = {
    "docs.js": (_STATIC / "docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", "text/css; charset=utf-8"),
    "favicon-32x32.png": (_SWAGGER_UI / "favicon-32x32.png", "image/png"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FOREVER = "public, max-age=31536000, immutable"


class _File(msgspec.Struct, frozen=True):
    plain: bytes
    compressed: bytes
    media_type: str


@functools.cache
def _load(name: str) -> _File:
    path, media_type = _FILES[name]
    content = path.read_bytes()
    return _File(content, gzip.compress(content, 9, mtime=0), media_type)


@functools.cache
def _page() -> str:
    """Fill in a version that changes with any of the files, so that they can be cached for ever."""
    version = hashlib.sha256(b"".join(path.read_bytes() for path, _ in _FILES.values())).hexdigest()[:12]
    return string.Template((_STATIC / "docs.html").read_text("utf-8")).substitute(version=version)


@get("/", media_type=MediaType.HTML, sync_to_thread=True)
def docs_page() -> Response[str]:
    """Show the API."""
    return Response(
        _page(),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
    )


@get("/static/{name:str}", sync_to_thread=True)
def docs_file(request: Request[None, None, State], name: FromPath[str]) -> Response[bytes]:
    """Give a file of the UI, compressed once for everybody."""
    if name not in _FILES:
        raise NotFound("There is no such file.")
    file = _load(name)
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(file.plain, media_type=file.media_type, headers=headers)
    return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})


router = Router(
    "/docs",
    route_handlers=[docs_page, docs_file],
    include_in_schema=False,
    opt=allow(Permission.PUBLIC, unlimited=True, uncompressed=True),
)
