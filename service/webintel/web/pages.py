"""The pages, and what they are made of."""

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from litestar import Request, get
from litestar.datastructures import CacheControlHeader
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.types import ExceptionHandlersMap

from webintel import __version__
from webintel.settings import Settings
from webintel.web.api_state import ApiWatch

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY}

logger = structlog.get_logger(__name__)


def shared_values() -> dict[str, object]:
    """What every page may show; `static_version` changes with the files, so that they can be cached for ever."""
    files = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))
    return {"version": __version__, "static_version": hashlib.sha256(files).hexdigest()[:12]}


@get("/", media_type=MediaType.HTML)
async def home(settings: NamedDependency[Settings], api_watch: NamedDependency[ApiWatch]) -> Template:
    """Show what this is and how it is."""
    values = {"api": await api_watch.look(), "api_url": settings.api_public_url or settings.api_url}
    return Template("home.html", context=values, headers=_HEADERS)


static_files = create_static_files_router(
    "/static",
    [STATIC],
    cache_control=CacheControlHeader(public=True, max_age=31536000, immutable=True),
)


def show_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Template:
    """Show a failure that the framework found."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return show_unexpected(request, error)
    return _error_page(request, HTTPStatus(error.status_code), error.headers)


def show_unexpected(request: Request[Any, Any, Any], error: Exception) -> Template:
    """Show as little as possible; the log has the rest."""
    logger.error("unexpected failure", exc_info=error)
    return _error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _error_page(request: Request[Any, Any, Any], status: HTTPStatus, headers: dict[str, str] | None = None) -> Template:
    values = {"status": status.value, "phrase": status.phrase, "request_id": request.scope["state"]["request_id"]}
    return Template("error.html", context=values, status_code=status, headers={**(headers or {}), **_HEADERS})


EXCEPTION_HANDLERS: ExceptionHandlersMap = {HTTPException: show_http_error, Exception: show_unexpected}
