"""Answers as JSON, made with as few steps as the framework allows: every request pays for each."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.background_tasks import BackgroundTask, BackgroundTasks
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send, TypeEncodersMap

T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_BODILESS = (204, 304)
_WRITABLE = (msgspec.Struct, bytes)


class Answer(Response[T]):
    """A response whose JSON is written by msgspec itself, or is written already, where that is all there is to do."""

    def __init__(
        self,
        content: T,
        *,
        headers: dict[str, str] | None = None,
        media_type: MediaType | str | None = None,
        status_code: int | None = None,
        type_encoders: "TypeEncodersMap | None" = None,
        **others: Any,
    ) -> None:
        """Take what Litestar's own takes, without its look at what each may be, which costs more than all the rest."""
        if any(others.values()):
            super().__init__(
                content,
                headers=headers,
                media_type=media_type,
                status_code=status_code,
                type_encoders=type_encoders,
                **others,
            )
            return
        self.content = content
        self.background = None
        self.cookies = []
        self.encoding = "utf-8"
        self.headers = headers or {}
        self.media_type = media_type
        self.status_code = status_code
        self.response_type_encoders = dict(type_encoders or {})

    def to_asgi_response(  # type: ignore[override]  # noqa: PLR0913 - the framework's signature
        self,
        app: None,
        request: Request[Any, Any, Any],
        *,
        background: BackgroundTask | BackgroundTasks | None = None,
        cookies: Iterable[Cookie] | None = None,
        encoded_headers: Iterable[tuple[bytes, bytes]] | None = None,
        headers: dict[str, str] | None = None,
        is_head_response: bool = False,
        media_type: MediaType | str | None = None,
        status_code: int | None = None,
        type_encoders: Any = None,
    ) -> "ASGIResponse | _Json":
        """Prepare to send it."""
        status, kind = self.status_code or status_code or 200, self.media_type or media_type or MediaType.JSON
        plain = not (background or self.background or cookies or self.cookies or is_head_response or encoded_headers)
        if plain and kind == MediaType.JSON and status not in _BODILESS and isinstance(self.content, _WRITABLE):
            body = self.content if isinstance(self.content, bytes) else _encoder.encode(self.content)
            return _Json(status, body, {**headers, **self.headers} if headers else self.headers)
        return super().to_asgi_response(
            app,
            request,
            background=background,
            cookies=cookies,
            encoded_headers=encoded_headers,
            headers=headers,
            is_head_response=is_head_response,
            media_type=media_type,
            status_code=status_code,
            type_encoders=type_encoders,
        )


class _Json:
    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, body: bytes, headers: dict[str, Any]) -> None:
        self._status = status
        self._body = body
        self._headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        self._headers += [(name.lower().encode(), str(value).encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
