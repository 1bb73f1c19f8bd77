"""Following a job: the API's events, read in the background for one visitor."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Self
from uuid import UUID

import httpx
import msgspec

from webintel.web.api import ApiAway
from webintel.web.signed_in_api import Api
from webintel.web.views.jobs import JobDetail


class Following:
    """The newest state of a job; a slow visitor misses what lies between, and nothing piles up.

    The reading is a task of its own: when the visitor leaves, the server cancels whatever the response awaits, clean-up
    included, and the connection to the API would stay open.
    """

    def __init__(self, api: Api, job_id: UUID, draining: asyncio.Event) -> None:
        """Begin to read.

        Args:
            api: the API for this visitor.
            job_id: the job.
            draining: set when this process is about to end, and the following with it.
        """
        self._changed = asyncio.Event()
        self._newest: JobDetail | None = None
        self._reading = asyncio.create_task(self._read(api, job_id), name="follow job")
        self._ending = asyncio.create_task(draining.wait(), name="follow job until the end")
        for task in (self._reading, self._ending):
            task.add_done_callback(self._ended)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to come."""
        return self._ending.done() or (self._reading.done() and self._newest is None)

    async def next(self, patience_seconds: float) -> JobDetail | None:
        """Wait until the job has changed, and give it; none when the wait was in vain.

        Raises:
            Problem: what the API answers with instead.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._changed.wait()
        self._changed.clear()
        job, self._newest = self._newest, None
        if job is None and self._reading.done() and not self._ending.done():
            self._reading.result()
        return job

    def stop(self) -> None:
        """Read no more; awaits nothing."""
        self._reading.cancel()
        self._ending.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        # A failure that nobody waits for any more is no news for the log.
        if not task.cancelled():
            task.exception()
        self._changed.set()

    async def _read(self, api: Api, job_id: UUID) -> None:
        async with (
            api.stream(f"/api/v1/jobs/{job_id}/events") as response,
            contextlib.aclosing(_data(response)) as data,
        ):
            async for text in data:
                try:
                    self._newest = msgspec.json.decode(text, type=JobDetail)
                except msgspec.MsgspecError as error:
                    raise ApiAway("The API tells of the job in a way that this page does not understand.") from error
                self._changed.set()


async def _data(response: httpx.Response) -> AsyncGenerator[str, None]:
    """Give the data of each event."""
    lines: list[str] = []
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines.clear()
