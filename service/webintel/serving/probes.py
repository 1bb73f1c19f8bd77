"""What orchestrators are told."""

from typing import Annotated, Literal

import msgspec
from litestar import Response
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from webintel import __version__

DRAINING = "draining"


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"
    service: str = "webintel"
    version: str = __version__


class Readiness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether requests can be served, and if not, why."""

    status: Literal["ok", "unavailable"]
    reason: Annotated[str, msgspec.Meta(examples=[DRAINING])] | None = None


def readiness(problem: str | None) -> Response[Readiness]:
    """Answer a probe: 503 with the reason where there is a problem."""
    if problem is None:
        return Response(Readiness(status="ok"), status_code=HTTP_200_OK)
    return Response(Readiness(status="unavailable", reason=problem), status_code=HTTP_503_SERVICE_UNAVAILABLE)
