"""What every response carries and leaves behind: headers, a log line, and counters."""

import functools
import os
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.types import BeforeMessageSendHookHandler, HTTPResponseStartEvent, Message, Receive, Scope, Send

from webintel.serving.metrics import RequestMetrics
from webintel.settings import Settings
from webintel.tracing import spans

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CONVERTER = re.compile(r":\w+(?=\})")
UNMATCHED = "unmatched"

STRICT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For what is no page; a page names what it loads in a policy of its own."""
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

logger = structlog.get_logger("webintel.request")


class Application(Litestar):
    """Litestar, with a request id and a start time before anything else, so that no request goes without."""

    def __init__(
        self,
        settings: Settings,
        metrics: RequestMetrics,
        *,
        before_send: Sequence[BeforeMessageSendHookHandler] = (),
        **parts: Any,
    ) -> None:
        super().__init__(before_send=[*before_send, *response_hooks(settings, metrics)], **parts)
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Receive | Any, send: Send | Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["started"] = time.perf_counter()
        state["request_id"] = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=state["request_id"])
        with spans.request(scope):
            try:
                await super().__call__(scope, receive, send)
            except Exception:
                # It was counted when it began, as what its status said then.
                if outcome := state.get("outcome"):
                    self._metrics.count_failure(*outcome)
                raise

    @staticmethod
    def _patch_opentelemetry_middleware(config: AppConfig) -> AppConfig:
        """Change nothing: Litestar would import OpenTelemetry here, to look for a plugin that we do not use."""
        return config


def response_hooks(settings: Settings, metrics: RequestMetrics) -> list[BeforeMessageSendHookHandler]:
    """Make the hooks that see every response, those of no route and those of failures included."""
    security = _SECURITY_HEADERS | {"Content-Security-Policy": STRICT_POLICY, "Cache-Control": "no-store"}
    if settings.production:
        security["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    defaults = [_encode(name, value) for name, value in security.items()]

    async def complete_headers(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = list(message.get("headers", ()))
        named = {name.lower() for name, _ in headers}
        headers += [header for header in defaults if header[0] not in named]
        headers.append(_encode(REQUEST_ID_HEADER, scope["state"]["request_id"]))
        headers += [_encode(name, value) for name, value in scope["state"].get("limit_headers", {}).items()]
        message["headers"] = headers

    async def record(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        seconds = time.perf_counter() - scope["state"]["started"]
        method = scope["method"] if scope["method"] in _METHODS else "other"  # type: ignore[typeddict-item]
        path = _route(scope.get("path_template") or UNMATCHED)
        metrics.count_request(method, path, message["status"], seconds)
        scope["state"]["outcome"] = (method, path, message["status"])
        _log(scope, method, path, message, seconds)

    return [complete_headers, record]


@functools.lru_cache(maxsize=1024)
def _route(template: str) -> str:
    return _CONVERTER.sub("", template)


def _encode(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), value.encode("latin-1")


def _log(scope: Scope, method: str, path: str, message: HTTPResponseStartEvent, seconds: float) -> None:
    caller, status = scope.get("user"), message["status"]
    level = "debug" if path in {"/health/live", "/health/ready", "/metrics"} else "info"
    getattr(logger, "error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else level)(
        "request",
        request_id=scope["state"]["request_id"],
        method=method,
        path=path,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        caller=str(caller.user_id) if caller else None,
        caller_key=str(caller.api_key_id) if caller and caller.api_key_id else None,
        **{name: str(value) for name, value in scope.get("path_params", {}).items() if name.endswith("id")},
        **_made(message),
    )


def _made(message: HTTPResponseStartEvent) -> dict[str, str]:
    """Name what a request has made."""
    if message["status"] == HTTPStatus.CREATED:
        for name, value in message["headers"]:
            if name.lower() == b"location":
                return {"made": value.decode("latin-1")}
    return {}


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(given := value.decode("latin-1")):
            return str(given)
    return os.urandom(16).hex()
