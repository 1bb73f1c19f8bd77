"""What a type of job is to the worker."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.engine.model import FetchRecord
from webintel.engine.progress import Progress
from webintel.jobs.runs import Effects, Run

Report = Callable[[Progress], None]


async def nothing(_session: AsyncSession) -> dict[str, Any]:
    """Change nothing else."""
    return {}


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What a job found, and what its end changes."""

    result: dict[str, Any]
    fetches: list[FetchRecord]
    effects: Effects
    publishes: bool = False


class Task(Protocol):
    """One type of job."""

    async def work(self, run: Run, report: Report) -> Finished:
        """Do it.

        Raises:
            EngineError: it cannot be done.
        """
        ...

    def failed(self, run: Run) -> Effects:
        """Say what its failure changes."""
        ...
