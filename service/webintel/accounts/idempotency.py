"""Requests that may be sent twice and are done once."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from asyncpg import Connection
from sqlalchemy import BigInteger, bindparam, delete, func, insert, select
from uuid_utils.compat import uuid7

from webintel.accounts.models import IdempotencyKey
from webintel.db.reads import at_most
from webintel.db.writes import Write
from webintel.problems import Conflict, KeyReused

_CLEAN_UP_BATCH = 100

_COLUMNS = IdempotencyKey.__table__.c
_LOCK = Write(select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger))))
_STORED = Write(
    select(*_COLUMNS).where(*(_COLUMNS[name] == bindparam(name) for name in ("user_id", "operation", "key")))
)
_STORE = Write(insert(IdempotencyKey).values({column.name: bindparam(column.name) for column in _COLUMNS}))
_FORGET = Write(delete(IdempotencyKey).where(IdempotencyKey.id == bindparam("id")))
_OUTDATED = (
    select(IdempotencyKey.id)
    .where(IdempotencyKey.created_at < bindparam("before"))
    .limit(at_most(_CLEAN_UP_BATCH))
    .with_for_update(skip_locked=True)
)
_CLEAN_UP = Write(delete(IdempotencyKey).where(IdempotencyKey.id.in_(_OUTDATED)))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered with."""

    status_code: int
    location: str
    body: bytes


class IdempotentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that its caller has named."""

    user_id: UUID
    operation: str
    key: str
    body: bytes

    @property
    def _body_hash(self) -> bytes:
        return hashlib.sha256(self.body).digest()

    async def begin(self, connection: Connection, lifetime: timedelta) -> Answer | None:
        """Give the answer of the first time, or none when this is the first time.

        Raises:
            Conflict: the same request is being worked on right now.
            KeyReused: the key belongs to another request.
        """
        named = f"{self.user_id} {self.operation} {self.key}".encode()
        lock = int.from_bytes(hashlib.sha256(named).digest()[:8], signed=True)
        # An advisory lock tells at once whether somebody is at it; a unique index would wait until they are done.
        if not (await _LOCK.run(connection, lock=lock))[0][0]:
            raise Conflict("A request with this Idempotency-Key is in progress.", code="idempotency-in-progress")
        found = await _STORED.run(connection, user_id=self.user_id, operation=self.operation, key=self.key)
        if not found:
            return None
        (stored,) = found
        if stored["created_at"] < datetime.now(UTC) - lifetime:
            await _FORGET.run(connection, id=stored["id"])
            return None
        if stored["body_hash"] != self._body_hash:
            raise KeyReused("This Idempotency-Key was used with another body; take a new key for a new request.")
        return Answer(status_code=stored["status_code"], location=stored["location"] or "", body=stored["body"])

    async def finish(self, connection: Connection, answer: Answer, lifetime: timedelta) -> None:
        """Store the answer in the transaction of the work itself, and drop some that are too old."""
        now = datetime.now(UTC)
        await _STORE.run(
            connection,
            id=uuid7(),
            created_at=now,
            updated_at=now,
            user_id=self.user_id,
            operation=self.operation,
            key=self.key,
            body_hash=self._body_hash,
            status_code=answer.status_code,
            location=answer.location,
            body=answer.body,
        )
        await _CLEAN_UP.run(connection, before=now - lifetime)
