"""What a site's page tells people to do next."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from webintel.web.next_steps import next_step
from webintel.web.views.jobs import Failure, JobRow, Progress
from webintel.web.views.site import Site

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def _site(status: str, version: int | None = None) -> Site:
    return Site(
        id=uuid4(),
        domain="shop.example",
        domain_unicode="shop.example",
        platform=None,
        status=status,
        complexity_score=None,
        business_value_score=None,
        priority=50,
        blueprint_version=version,
        last_discovered_at=None,
        created_at=NOW,
        notes=None,
        discovery_method=None,
        fingerprint=None,
    )


def _job(job_type: str, status: str, error: Failure | None = None) -> JobRow:
    return JobRow(
        id=uuid4(),
        site_id=uuid4(),
        job_type=job_type,
        status=status,
        progress=Progress(step=None, percentage=0, message=None),
        attempt_count=3,
        created_at=NOW,
        started_at=None,
        ended_at=None,
        next_retry_at=None,
        error=error,
    )


AWAY = Failure(code="unreachable", message="The site does not answer.", recovery_action="Look at it in a browser.")


@pytest.mark.parametrize(
    ("site", "jobs", "tone", "title", "text"),
    [
        (_site("pending"), [], "info", "Not visited yet", "Start a discovery"),
        (_site("fingerprinted"), [], "info", "No blueprint yet", "Start a discovery"),
        (_site("failed"), [_job("discovery", "cancelled")], "bad", "No blueprint yet", "see its jobs"),
        (_site("ready", 3), [_job("discovery", "success")], "good", "Version 3 is ready to use", "Export it"),
        (_site("review", 2), [], "warn", "Version 2 needs a person's eyes", "pass on few pages"),
        (_site("pending"), [_job("fingerprint", "queued")], "info", "Fingerprint under way", "as soon as a worker"),
        (_site("ready", 1), [_job("extraction", "running")], "info", "Extraction under way", "Version 1 stays in use"),
        (_site("failed"), [_job("discovery", "failed", AWAY)], "bad", "Discovery failed", "Look at it in a browser."),
        (_site("ready", 1), [_job("discovery", "failed", AWAY)], "bad", "Discovery failed", "Version 1 of the"),
        (_site("failed"), [_job("discovery", "dead", AWAY)], "bad", "Discovery failed", "It was tried 3 times"),
        (_site("failed"), [_job("discovery", "dead")], "bad", "Discovery failed", "The job's page says more."),
    ],
)
def test_the_next_step(site: Site, jobs: list[JobRow], tone: str, title: str, text: str) -> None:
    step = next_step(site, jobs)
    assert (step.tone, step.title) == (tone, title)
    assert text in step.text


def test_several_jobs_are_named_in_the_order_in_which_they_were_asked_for() -> None:
    jobs = [_job("discovery", "queued"), _job("fingerprint", "running"), _job("extraction", "success")]
    step = next_step(_site("pending"), jobs)
    assert step.title == "Fingerprint and Discovery under way"
    assert [job.job_type for job in step.jobs] == ["discovery", "fingerprint"]
