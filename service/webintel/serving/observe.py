"""What every response carries and leaves behind: headers, a log line, and counters."""

import functools
import os
import re
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from webintel import logs
from webintel.serving.metrics import RequestMetrics
from webintel.settings import Settings
from webintel.tracing import spans

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID_NAME = REQUEST_ID_HEADER.lower().encode()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CONVERTER = re.compile(r":\w+(?=\})")
_PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
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


class Application(Litestar):
    """Litestar, with a request id and a start time before anything else, so that no request goes without."""

    def __init__(self, settings: Settings, metrics: RequestMetrics, **parts: Any) -> None:
        super().__init__(**parts)
        self._metrics = metrics
        security = _SECURITY_HEADERS | {"Content-Security-Policy": STRICT_POLICY, "Cache-Control": "no-store"}
        if settings.production:
            security["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(name.lower().encode(), value.encode()) for name, value in security.items()]

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
                await super().__call__(scope, receive, self._observed(send, scope))
            except Exception:
                # It was counted when it began, as what its status said then.
                if outcome := state.get("outcome"):
                    self._metrics.count_failure(*outcome)
                raise

    def _observed(self, send: Send, scope: HTTPScope) -> Send:
        """Complete, count and log every response as it begins, those of no route and those of failures included."""

        def observe(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                self._complete(message, scope)
                self._record(message, scope)
            return send(message)

        return observe

    def _complete(self, message: HTTPResponseStartEvent, scope: HTTPScope) -> None:
        state, headers = scope["state"], list(message.get("headers", ()))
        named = {name.lower() for name, _ in headers}
        headers += [header for header in self._headers if header[0] not in named]
        headers.append((_REQUEST_ID_NAME, state["request_id"].encode("latin-1")))
        headers += state.get("limit_headers", ())
        message["headers"] = headers

    def _record(self, message: HTTPResponseStartEvent, scope: HTTPScope) -> None:
        seconds = time.perf_counter() - scope["state"]["started"]
        method = scope["method"] if scope["method"] in _METHODS else "other"
        path = _route(scope.get("path_template") or UNMATCHED)
        self._metrics.count_request(method, path, message["status"], seconds)
        scope["state"]["outcome"] = (method, path, message["status"])
        _log(scope, method, path, message, seconds)

    @staticmethod
    def _patch_opentelemetry_middleware(config: AppConfig) -> AppConfig:
        """Change nothing: Litestar would import OpenTelemetry here, to look for a plugin that we do not use."""
        return config


@functools.lru_cache(maxsize=1024)
def _route(template: str) -> str:
    return _CONVERTER.sub("", template)


def _log(scope: HTTPScope, method: str, path: str, message: HTTPResponseStartEvent, seconds: float) -> None:
    caller, status = scope.get("user"), message["status"]
    values: dict[str, Any] = {
        "request_id": scope["state"]["request_id"],
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "caller": caller.user_id if caller else None,
        "caller_key": caller.api_key_id if caller else None,
    }
    values |= {name: value for name, value in scope.get("path_params", {}).items() if name.endswith("id")}
    if status == HTTPStatus.CREATED:
        values |= _made(message)
    # That the service is not ready is logged when it changes, not each time a probe hears of it.
    if path in _PROBES and (status < HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.SERVICE_UNAVAILABLE):
        logs.line("debug", "request", values)
    else:
        logs.line("error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "info", "request", values)


def _made(message: HTTPResponseStartEvent) -> dict[str, str]:
    """Name what a request has made."""
    for name, value in message["headers"]:
        if name.lower() == b"location":
            return {"made": value.decode("latin-1")}
    return {}


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID_NAME and _REQUEST_ID.fullmatch(given := value.decode("latin-1")):
            return str(given)
    return os.urandom(16).hex()
