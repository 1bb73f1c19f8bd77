"""A worker process of the tests: the real worker, with tasks that do what a job's parameters say."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from webintel.blueprints.services import BlueprintService
from webintel.db import Database
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import Blueprint, FetchRecord, Fingerprint, Pagination, RenderHints
from webintel.engine.progress import Progress
from webintel.jobs.models import JobType
from webintel.jobs.runs import Effects, Run
from webintel.logs import configure_logging
from webintel.settings import Settings, load_settings
from webintel.worker.app import serve
from webintel.worker.task import Finished, Report, Task, nothing


def blueprint_of(domain: str) -> Blueprint:
    return Blueprint(
        domain=domain,
        start_url=f"https://{domain}/",
        discovery_method="static",
        confidence_score=0.9,
        fingerprint=Fingerprint(
            platform=None,
            requires_js=False,
            requires_js_confidence=0.9,
            requires_js_reasons=[],
            technologies=[],
            complexity_score=0.1,
            complexity_reasons=[],
        ),
        categories=[],
        page_types=[],
        selectors=[],
        endpoints=[],
        pagination=Pagination(kind="none", url_pattern=None, next_selector=None),
        filters=[],
        render_hints=RenderHints(requires_js=False, wait_for_selector=None, infinite_scroll=False, timeout_seconds=10),
    )


class ObedientTask:
    """Does what the parameters say, and writes each step into a trace that the test reads."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    async def work(self, run: Run, report: Report) -> Finished:
        wanted = run.parameters
        self.note("start", run)
        if wanted.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if code := wanted.get("fail"):
            raise EngineError(ErrorCode(code), "As the test wants it.")
        if wanted.get("break"):
            raise ZeroDivisionError
        try:
            for step in range(int(wanted.get("steps", 1))):
                report(Progress(step="discovering", percentage=min(step, 99), message=f"step {step}"))
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.note("cancelled", run)
            raise
        self.note("end", run)

        async def publish(session: AsyncSession) -> dict[str, Any]:
            content = blueprint_of("shop.example")
            blueprint = await BlueprintService().publish(
                session, site_id=run.site_id, content=content, job_id=run.job_id
            )
            return {"blueprint_version": blueprint.version}

        fetches = [FetchRecord(url="https://shop.example/", outcome="ok", status=200)]
        return Finished(result={"worker": os.getpid()}, fetches=fetches, effects=publish, publishes=True)

    def failed(self, run: Run) -> Effects:
        self.note("failed", run)
        return nothing

    def note(self, event: str, run: Run) -> None:
        with self._trace.open("a") as trace:
            trace.write(f"{event} {run.job_id} {run.attempt} {run.job_type} {os.getpid()}\n")


def make_tasks(_database: Database, _settings: Settings) -> Mapping[str, Task]:
    task = ObedientTask(Path(os.environ["TRACE"]))
    return dict.fromkeys(JobType, task)


def main(variables: dict[str, str], log: Path) -> None:
    """Be a worker, as `webintel worker` is one."""
    os.environ.update(variables)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, sys.stderr.fileno())
    settings = load_settings()
    configure_logging(settings, role="worker", stream=sys.stderr)
    asyncio.run(serve(settings, make_tasks))
