"""Requests that may be sent twice and are done once."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.models import IdempotencyKey
from webintel.problems import Conflict, KeyReused

_CLEAN_UP_BATCH = 100


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

    async def begin(self, session: AsyncSession, lifetime: timedelta) -> Answer | None:
        """Give the answer of the first time, or none when this is the first time.

        Raises:
            Conflict: the same request is being worked on right now.
            KeyReused: the key belongs to another request.
        """
        named = f"{self.user_id} {self.operation} {self.key}".encode()
        lock = int.from_bytes(hashlib.sha256(named).digest()[:8], signed=True)
        # An advisory lock tells at once whether somebody is at it; a unique index would wait until they are done.
        locked = await session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": lock})
        if not locked:
            raise Conflict("A request with this Idempotency-Key is in progress.", code="idempotency-in-progress")
        stored = await session.scalar(
            select(IdempotencyKey).where(
                IdempotencyKey.user_id == self.user_id,
                IdempotencyKey.operation == self.operation,
                IdempotencyKey.key == self.key,
            )
        )
        if stored is None:
            return None
        if stored.created_at < datetime.now(UTC) - lifetime:
            await session.delete(stored)
            await session.flush()
            return None
        if stored.body_hash != self._body_hash:
            raise KeyReused("This Idempotency-Key was used with another body; take a new key for a new request.")
        return Answer(status_code=stored.status_code, location=stored.location or "", body=stored.body)

    async def finish(self, session: AsyncSession, answer: Answer, lifetime: timedelta) -> None:
        """Store the answer in the transaction of the work itself, and drop some that are too old."""
        session.add(
            IdempotencyKey(
                user_id=self.user_id,
                operation=self.operation,
                key=self.key,
                body_hash=self._body_hash,
                status_code=answer.status_code,
                location=answer.location,
                body=answer.body,
            )
        )
        await session.flush()
        outdated = (
            select(IdempotencyKey.id)
            .where(IdempotencyKey.created_at < datetime.now(UTC) - lifetime)
            .limit(_CLEAN_UP_BATCH)
            .with_for_update(skip_locked=True)
        )
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.id.in_(outdated)))
