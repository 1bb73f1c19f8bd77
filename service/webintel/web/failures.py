"""What visitors see when something goes wrong: what happened, and what to do."""

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from webintel.problems import NotSignedIn, Problem, TooManyRequests
from webintel.web.api import ApiAway
from webintel.web.returning import START, path_of, sign_in_path
from webintel.web.visit import Visit, visit_of

_NOTICE = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Reselect": ".notice"}
"""A part of a page that cannot be had leaves what is on the page, and says so above it."""

logger = structlog.get_logger(__name__)
AnyRequest = Request[Any, Any, Any]


def show_problem(request: AnyRequest, error: Problem) -> Response[Any]:
    """Show an expected failure."""
    return _show(visit_of(request), HTTPStatus(error.status), problem=error)


def ask_to_sign_in(request: AnyRequest, _: NotSignedIn) -> Response[Any]:
    """Lead to the sign-in page, and from there back."""
    visit = visit_of(request)
    visit.session.end()
    return visit.redirect(sign_in_path(_where_one_is(visit)))


def show_http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Show a failure that the framework found."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return show_unexpected(request, error)
    return _show(visit_of(request), HTTPStatus(error.status_code), headers=error.headers)


def show_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """Show as little as possible; the log has the rest."""
    logger.error("unexpected failure", exc_info=error)
    return _show(visit_of(request), HTTPStatus.INTERNAL_SERVER_ERROR)


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    NotSignedIn: ask_to_sign_in,
    Problem: show_problem,
    HTTPException: show_http_error,
    Exception: show_unexpected,
}


def _show(
    visit: Visit,
    status: HTTPStatus,
    *,
    problem: Problem | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    values = {
        "status": status.value,
        "phrase": status.phrase,
        "detail": problem.detail if problem else None,
        "retry_after": problem.retry_after if isinstance(problem, TooManyRequests) else None,
        "api_away": isinstance(problem, ApiAway),
        # What changes something is never sent again by itself: perhaps it was done.
        "then": None if visit.request.method == "GET" else _where_one_is(visit),
        "request_id": visit.request.scope["state"]["request_id"],
    }
    if visit.by_htmx:
        return visit.open_page(
            "failures/fragment.html", status_code=status, headers={**(headers or {}), **_NOTICE}, **values
        )
    return visit.open_page("failures/page.html", status_code=status, headers=headers, **values)


def _where_one_is(visit: Visit) -> str:
    """Give the page that the visitor looks at."""
    headers = visit.request.headers
    if visit.by_htmx:
        return path_of(headers.get("hx-current-url", START))
    if visit.request.method == "GET":
        return path_of(str(visit.request.url))
    # After a form: its page, so that it can be filled in again.
    return path_of(headers.get("referer", START))
