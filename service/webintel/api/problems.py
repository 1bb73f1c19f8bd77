"""Every error as a problem document (RFC 9457), without a word from the database."""

import math
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

import asyncpg
import msgspec
import structlog
from advanced_alchemy.exceptions import RepositoryError
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import ParameterKwarg
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import SQLAlchemyError

from webintel.db.outage import is_outage, is_read_only
from webintel.jobs.errors import JobAlreadyRunning, JobError, JobNotFound, SiteNotFound
from webintel.problems import Conflict, FieldError, NotFound, Problem, Unavailable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

logger = structlog.get_logger(__name__)


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong."""

    type: str
    """`urn:webintel:problem:` and a stable name, or `about:blank` where the status says it all."""
    title: str
    status: int
    detail: str
    instance: str
    """The path that was asked for."""
    request_id: str
    """What to name when reporting it."""
    errors: list[FieldError] | None = None
    """For invalid input: the fields at fault."""


def documented(*statuses: int, access: Literal["public", "protected"] = "protected") -> dict[int, ResponseSpec]:
    """Describe the errors of a route for OpenAPI: those named, and those that any route can give."""
    everywhere = {400, 429, 500, 503} | ({401, 403} if access == "protected" else set())
    return {
        status: ResponseSpec(
            data_container=ProblemDocument,
            media_type=MEDIA_TYPE,
            description=HTTPStatus(status).phrase,
            generate_examples=False,
        )
        for status in sorted(everywhere | set(statuses))
    }


def handle_problem(request: Request[Any, Any, Any], error: Problem) -> Response[ProblemDocument]:
    """Answer with an expected failure."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="webintel"'
    return _respond(
        request,
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=list(error.errors) or None,
        headers=headers,
    )


def handle_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemDocument]:
    """Answer with a failure that the framework found."""
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return handle_unexpected(request, error)
    errors = _field_errors(request, error.extra) if isinstance(error, ValidationException) else None
    code = "invalid-input" if error.status_code == HTTPStatus.BAD_REQUEST else None
    detail = "; ".join(f"{e.field}: {e.message}" for e in errors) if errors else _public_detail(error)
    return _respond(
        request, status=error.status_code, detail=detail, code=code, errors=errors, headers=error.headers or {}
    )


def handle_job_error(request: Request[Any, Any, Any], error: JobError) -> Response[ProblemDocument]:
    """Answer with what the jobs area refuses."""
    if isinstance(error, (JobNotFound, SiteNotFound)):
        return handle_problem(request, NotFound(str(error)))
    code = "job-already-running" if isinstance(error, JobAlreadyRunning) else "conflict"
    return handle_problem(request, Conflict(str(error), code=code))


def handle_database_error(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDocument]:
    """Answer 503 while the database is away, and 500 for a fault of ours."""
    cause = error.__cause__ if isinstance(error, RepositoryError) else error
    if cause is None or not is_outage(cause):
        return handle_unexpected(request, error)
    if is_read_only(cause):
        detail = "The database takes no changes at the moment."
    else:
        detail = "The database does not answer at the moment."
    logger.warning(detail, error=type(error).__name__)
    return handle_problem(request, Unavailable(detail, retry_after=RETRY_AFTER_SECONDS))


def handle_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDocument]:
    """Answer with as little as possible; the log has the rest."""
    # As text, because a rendering with local variables would write credentials into the log.
    logger.error("unexpected failure", traceback="".join(traceback.format_exception(error)))
    return _respond(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="Something went wrong on our side; report it with the request id.",
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    Problem: handle_problem,
    JobError: handle_job_error,
    HTTPException: handle_http_exception,
    SQLAlchemyError: handle_database_error,
    RepositoryError: handle_database_error,
    asyncpg.PostgresError: handle_database_error,
    asyncpg.InterfaceError: handle_database_error,
    OSError: handle_database_error,
    TimeoutError: handle_database_error,
    Exception: handle_unexpected,
}


def _respond(  # noqa: PLR0913 - the members of a problem document
    request: Request[Any, Any, Any],
    *,
    status: int,
    detail: str,
    code: str | None = None,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[ProblemDocument]:
    document = ProblemDocument(
        type=f"urn:webintel:problem:{code}" if code else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.scope["path"],
        request_id=request.scope["state"].get("request_id", ""),
        errors=errors,
    )
    return Response(document, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _public_detail(error: HTTPException) -> str:
    # The framework's own details quote its internals for malformed bodies; the phrase says enough.
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return "The request is malformed."
    return f"{HTTPStatus(error.status_code).phrase}."


def _field_errors(request: Request[Any, Any, Any], extra: object) -> list[FieldError] | None:
    if not isinstance(extra, list):
        return None
    parameters = request.route_handler.parsed_fn_signature.parameters
    errors = []
    for item in extra:
        field = str(item.get("key") or "body")
        # Clients know a parameter by the name in the URL or the header, not by the one in our code.
        declared = parameters[field].kwarg_definition if field in parameters else None
        public_name = declared.name if isinstance(declared, ParameterKwarg) else None
        errors.append(FieldError(public_name or field, str(item.get("message", "is not valid"))))
    return errors or None
