"""Where jobs come from, so that logs and traces can be followed from the request that started one to its last step."""

import structlog

from webintel.tracing import spans

REQUEST_ID = "request_id"
TRACEPARENT = "traceparent"


def present_origin() -> dict[str, str] | None:
    """Name the request that is being served; none where there is none."""
    named = {REQUEST_ID: structlog.contextvars.get_contextvars().get(REQUEST_ID), TRACEPARENT: spans.traceparent()}
    return {name: value for name, value in named.items() if value} or None
