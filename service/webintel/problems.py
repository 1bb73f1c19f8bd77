"""Failures that a caller of the service can act on; the API shows them as problem documents (RFC 9457)."""

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Exception):  # noqa: N818 - named after what clients get
    """An expected failure.

    Attributes:
        status: the HTTP status that fits it.
        code: a stable name that clients may branch on.
        detail: one sentence for people; never database text.
        errors: the fields at fault, for bad input.
        retry_after: seconds to wait before another try, where that helps.
    """

    status = 400
    code = "bad-request"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = errors
        self.retry_after = retry_after


class InvalidInput(Problem):
    """The request is well formed but its content cannot be used."""

    code = "invalid-input"

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidInput":
        """Blame one field."""
        return cls(f"{field}: {message}", errors=(FieldError(field, message),))


class NotSignedIn(Problem):
    """Nobody, or nobody we know, is asking."""

    status = 401
    code = "not-signed-in"


class NotAllowed(Problem):
    """The caller's role does not include this."""

    status = 403
    code = "not-allowed"


class NotFound(Problem):
    """There is no such thing, or none that the caller may see."""

    status = 404
    code = "not-found"


class Conflict(Problem):
    """The request does not fit the present state."""

    status = 409
    code = "conflict"


class Stale(Problem):
    """The caller has seen an older version than the one that it wants to change."""

    status = 412
    code = "stale"


class UnsupportedMediaType(Problem):
    """The body is not JSON."""

    status = 415
    code = "unsupported-media-type"


class KeyReused(Problem):
    """An idempotency key came back with another body."""

    status = 422
    code = "idempotency-key-reused"


class TooManyRequests(Problem):
    """A limit is reached."""

    status = 429
    code = "too-many-requests"


class Unavailable(Problem):
    """Something that the service needs does not answer."""

    status = 503
    code = "unavailable"
