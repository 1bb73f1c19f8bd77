"""Following jobs: whoever changes a job's row announces it, whoever watches looks at the row again."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.db.listen import Listener
from webintel.settings import Settings

CHANNEL = "webintel_jobs"
"""The payload is the job's id."""


async def announce(session: AsyncSession, job_id: UUID) -> None:
    """Notify the watchers once the session's transaction is committed."""
    await session.execute(select(func.pg_notify(CHANNEL, str(job_id))))


def announcement(job_id: ColumnElement[UUID]) -> ColumnElement[Any]:
    """Write, for a statement that changes jobs, what notifies the watchers of each."""
    return func.pg_notify(literal_column(f"'{CHANNEL}'"), cast(job_id, Text))


class JobEvents:
    """Tells watchers that a job has changed, over one connection for all of them."""

    def __init__(self, settings: Settings) -> None:
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listener = Listener(settings, {CHANNEL: self._wake}, on_connected=self._wake_all)

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.__aexit__()

    @contextmanager
    def watch(self, job_id: UUID) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the job may have changed; the watcher clears it before it looks."""
        changed = asyncio.Event()
        key = str(job_id)
        self._watchers[key].add(changed)
        try:
            yield changed
        finally:
            self._watchers[key].discard(changed)
            if not self._watchers[key]:
                del self._watchers[key]

    def _wake(self, job_id: str) -> None:
        for changed in self._watchers.get(job_id, ()):
            changed.set()

    def _wake_all(self) -> None:
        """Something may have been missed while nobody listened."""
        for job_id in list(self._watchers):
            self._wake(job_id)
