"""What routes of every area take from a request."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from asyncpg import Connection
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import HeaderParameter
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.idempotency import Answer as StoredAnswer
from webintel.accounts.idempotency import IdempotentRequest
from webintel.accounts.queries import Caller
from webintel.api.answers import Answer
from webintel.db import Database
from webintel.settings import Settings

AnyRequest = Request[Any, Any, Any]
Made = TypeVar("Made")

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A name for this request: sent again within a day with the same body, it gets the same answer.",
    ),
]
IfMatchHeader = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=200,
        pattern=r'^(\*|(W/)?"[^"\x00-\x1f]*")$',
        description="The `ETag` that was read, with its quotes, to change only that state.",
    ),
]

_ETAG = re.compile(r'"(\d{1,9})"')
_NO_REVISION = -1


async def provide_session(database: NamedDependency[Database]) -> AsyncIterator[AsyncSession]:
    """Give a session that is committed before the response is sent, or rolled back when the request fails."""
    async with database.transaction() as session:
        yield session


def provide_caller(request: AnyRequest) -> Caller:
    """Give whoever the gate has let in."""
    caller: Caller = request.scope["user"]
    return caller


class Once:
    """Does the work of a request once, however often its caller sends it."""

    def __init__(
        self, request: AnyRequest, caller: Caller, key: str | None, *, database: Database, lifetime: timedelta
    ) -> None:
        self._request = request
        self._caller = caller
        self._key = key
        self._database = database
        self._lifetime = lifetime

    async def create(self, make: Callable[[Connection], Awaitable[tuple[str, Made]]]) -> Response[Made]:
        """Answer 201 with what `make` gives, a location and a body, or with the stored answer of the first time.

        What `make` does in the transaction that it is given is committed before the response is sent.
        """
        if self._key is None:
            async with self._database.writing() as connection:
                made = await make(connection)
            return _created(_answer(*made))
        named = IdempotentRequest(
            user_id=self._caller.user_id,
            operation=f"{self._request.method} {self._request.scope['path_template']}",
            key=self._key,
            body=await self._request.body(),
        )
        async with self._database.writing() as connection:
            answer = await named.begin(connection, self._lifetime)
            if answer is not None:
                return _created(answer, {"Idempotent-Replayed": "true"})
            answer = _answer(*await make(connection))
            await named.finish(connection, answer, self._lifetime)
        return _created(answer)


def once_with(database: Database, settings: Settings) -> Callable[..., Once]:
    """Make the provider of `Once`. It asks for as little as it can: Litestar starts a task for each of several."""
    lifetime = timedelta(hours=settings.idempotency_key_hours)

    def provide_once(
        request: AnyRequest, caller: NamedDependency[Caller], idempotency_key: IdempotencyKeyHeader = None
    ) -> Once:
        return Once(request, caller, idempotency_key, database=database, lifetime=lifetime)

    return provide_once


def _answer(location: str, body: object) -> StoredAnswer:
    return StoredAnswer(status_code=201, location=location, body=msgspec.json.encode(body))


def _created(answer: StoredAnswer, headers: dict[str, str] | None = None) -> Response[Any]:
    return Answer(
        answer.body,
        status_code=answer.status_code,
        media_type="application/json",
        headers={"Location": answer.location, **(headers or {})},
    )


def etag(revision: int) -> str:
    """Write a revision as an entity tag."""
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int | None:
    """Read `If-Match`; none when any state will do, and no revision at all for a tag that is not ours."""
    if if_match is None or if_match == "*":
        return None
    tag = _ETAG.fullmatch(if_match)
    return int(tag[1]) if tag else _NO_REVISION
