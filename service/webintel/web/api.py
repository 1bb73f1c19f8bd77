"""Asking the API: typed answers, failures as exceptions, and never longer than a visitor waits."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec

from webintel.problems import (
    Conflict,
    FieldError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    Stale,
    TooManyRequests,
    Unavailable,
)

STREAM_SILENCE_SECONDS = 45.0
"""The API says something every 15 seconds on a stream."""
_CONNECTIONS = 100
_STREAMS = 200
"""What lasts has connections of its own: visitors who follow jobs in many tabs take none from those who read pages."""
_PROBLEM_TYPE = "urn:webintel:problem:"
_KINDS: Mapping[int, type[Problem]] = {
    kind.status: kind for kind in (InvalidInput, NotSignedIn, NotAllowed, NotFound, Conflict, Stale, TooManyRequests)
}

Content = TypeVar("Content")
Parameters = Mapping[str, str | int | float | bool | None]


class ApiAway(Unavailable):
    """The API does not answer, or not with sense."""

    code = "api-away"


class _Document(msgspec.Struct):
    """A problem document of the API."""

    detail: str
    type: str = ""
    errors: list[FieldError] = []


class Connections:
    """The connections to the API that all visitors share."""

    def __init__(self, url: str, patience_seconds: float) -> None:
        """Prepare them; each is made when it is first needed.

        Args:
            url: where the API answers.
            patience_seconds: how long a page waits for everything that it asks.
        """
        self.patience_seconds = patience_seconds
        self.calls = _client(url, patience_seconds, _CONNECTIONS)
        self.streams = _client(url, patience_seconds, _STREAMS)

    async def close(self) -> None:
        """Let go of them."""
        await self.calls.aclose()
        await self.streams.aclose()


class AnonymousApi:
    """The API during one request of a visitor who has not signed in."""

    def __init__(self, connections: Connections, headers: Mapping[str, str], deadline: float | None = None) -> None:
        """Prepare to ask.

        Args:
            connections: those of everybody.
            headers: what every call carries: the visitor's address, and the request's id.
            deadline: when the page must be done; without one each call has a visitor's patience to itself.
        """
        self._connections = connections
        self._patience = connections.patience_seconds
        self._headers = dict(headers)
        self._deadline = deadline

    async def post(self, path: str, kind: type[Content], body: object = None) -> Content:
        """Send something and read the answer."""
        content: Content = decoded(await self.call("POST", path, body=body), kind)
        return content

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request.

        Raises:
            Problem: of the kind that the API answers with.
            ApiAway: it does not answer in time, or has a fault.
        """
        request = self._request(method, path, body=body, params=params, headers=headers)
        left = self._patience if self._deadline is None else self._deadline - time.monotonic()
        try:
            async with asyncio.timeout(left):
                response = await self._connections.calls.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            raise away(method) from error
        raise_for_problem(response)
        return response

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Parameters | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Read an answer as it comes: a download, or events; the answer has begun in time, its end is open.

        Raises:
            Problem: of the kind that the API answers with.
            ApiAway: it does not answer in time, or falls silent.
        """
        request = self._request("GET", path, params=params, headers=headers)
        request.extensions["timeout"] = httpx.Timeout(self._patience, read=STREAM_SILENCE_SECONDS).as_dict()
        try:
            async with asyncio.timeout(self._patience):
                response = await self._connections.streams.send(request, stream=True)
        except (httpx.HTTPError, TimeoutError) as error:
            raise away("GET") from error
        try:
            if not response.is_success:
                await response.aread()
            raise_for_problem(response)
            yield response
        except httpx.HTTPError as error:
            raise away("GET") from error
        finally:
            await response.aclose()

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        return self._connections.calls.build_request(
            method,
            path,
            params={name: value for name, value in (params or {}).items() if value is not None},
            content=None if body is None else msgspec.json.encode(body),
            headers=sent,
        )


def _client(url: str, patience_seconds: float, connections: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        timeout=patience_seconds,
        trust_env=False,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections // 4),
    )


def away(method: str) -> ApiAway:
    """Say that the API does not answer."""
    if method == "GET":
        return ApiAway("The API does not answer at the moment.")
    return ApiAway("The API did not answer in time. Look whether it was done before you try again.")


def decoded(response: httpx.Response, kind: Any) -> Any:
    """Read an answer as what it should be.

    Raises:
        ApiAway: something else answers where the API should be.
    """
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiAway("Something answers where the API should be, but it is not the API.") from error


def raise_for_problem(response: httpx.Response) -> None:
    """Raise what the API answers with, unless it is a success."""
    if response.is_success:
        return
    try:
        document = msgspec.json.decode(response.content, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        document = _Document(detail="")
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or not document.detail:
        raise ApiAway(document.detail or "Something answers where the API should be, but it is not the API.")
    kind = _KINDS.get(response.status_code, InvalidInput)
    code = document.type.removeprefix(_PROBLEM_TYPE) if document.type.startswith(_PROBLEM_TYPE) else None
    raise kind(
        document.detail,
        code=code,
        errors=tuple(document.errors),
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
