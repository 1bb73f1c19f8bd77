"""What a person should do next about a site."""

from collections.abc import Sequence

import msgspec

from webintel.web.formats import words
from webintel.web.views.jobs import JobRow
from webintel.web.views.site import Site


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of advice; `tone` is one of those that notices have."""

    tone: str
    title: str
    text: str
    jobs: Sequence[JobRow] = ()
    """What is under way."""
    to_blueprint: bool = False


def next_step(site: Site, jobs: Sequence[JobRow]) -> Step:
    """Say how things stand and what helps.

    Args:
        site: the site.
        jobs: its newest jobs, the newest first.
    """
    under_way = [job for job in jobs if job.under_way]
    if under_way:
        return _wait(site, under_way)
    if jobs and jobs[0].gave_up:
        return _failed(site, jobs[0])
    if site.blueprint_version is None:
        return _begin(site)
    if site.status == "review":
        return Step(
            tone="warn",
            title=f"Version {site.blueprint_version} needs a person's eyes",
            text="The blueprint is not sure enough by itself. Look at the selectors that pass on few pages; "
            "then use it as it is, start an update, or roll back to a better version.",
            to_blueprint=True,
        )
    return Step(
        tone="good",
        title=f"Version {site.blueprint_version} is ready to use",
        text="Export it for your scraper, or start an update when the site has changed.",
        to_blueprint=True,
    )


def _wait(site: Site, jobs: Sequence[JobRow]) -> Step:
    names = " and ".join(dict.fromkeys(words(job.job_type) for job in reversed(jobs)))
    if any(job.status == "running" for job in jobs):
        text = "You can stay and watch, or come back later."
    else:
        text = "It begins as soon as a worker is free."
    if site.blueprint_version is not None:
        text += f" Version {site.blueprint_version} stays in use meanwhile."
    return Step(tone="info", title=f"{names} under way", text=text, jobs=jobs)


def _failed(site: Site, job: JobRow) -> Step:
    why = f"{job.error.message} {job.error.recovery_action}" if job.error else "The job's page says more."
    if job.status == "dead":
        why += f" It was tried {job.attempt_count} times and is not tried again by itself."
    if site.blueprint_version is not None:
        why += f" Version {site.blueprint_version} of the blueprint is still there."
    return Step(tone="bad", title=f"{words(job.job_type)} failed", text=why)


def _begin(site: Site) -> Step:
    if site.status == "fingerprinted":
        return Step(
            tone="info",
            title="No blueprint yet",
            text="It is known what the site runs on. Start a discovery to learn how to scrape it.",
        )
    if site.status == "failed":
        return Step(
            tone="bad", title="No blueprint yet", text="The visits so far failed: see its jobs, then start a discovery."
        )
    return Step(tone="info", title="Not visited yet", text="Start a discovery to get the first blueprint.")
