"""A made-up past of the platform: the same whenever its seed is."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from webintel.analytics.totals import Totals, first_id
from webintel.blueprints.models import Blueprint
from webintel.db import Database
from webintel.jobs.models import ENDED, Job, JobType
from webintel.sites.models import Site

NOW = datetime(2026, 11, 28, 17, 23, 45, tzinfo=UTC)
PLATFORMS = ("shopify", "magento", None)
_NONE = {"added": 0, "removed": 0, "changed": 0}
_UNCHANGED = {"categories": _NONE, "endpoints": _NONE, "selectors": _NONE}


@dataclass
class History:
    """Rows, as they are in the database."""

    sites: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    blueprints: list[dict[str, Any]] = field(default_factory=list)

    def site(self, created_at: datetime, **fields: Any) -> dict[str, Any]:
        number = len(self.sites)
        domain = f"shop-{number}.example"
        row = {
            "id": _id(created_at, number), "created_at": created_at, "updated_at": created_at, "domain": domain,
            "domain_unicode": domain, "status": "pending", "platform": None, "priority": 50, "revision": 1,
            "business_value_score": None, "blueprint_version": None, "last_discovered_at": None, **fields,
        }  # fmt: skip
        self.sites.append(row)
        return row

    def job(
        self, site: dict[str, Any], ended_at: datetime | None, seconds: float = 60.0, **fields: Any
    ) -> dict[str, Any]:
        created_at = fields.pop("created_at", (ended_at or NOW) - timedelta(seconds=seconds + 5))
        row = {
            "id": _id(created_at, 10_000 + len(self.jobs)), "created_at": created_at, "updated_at": created_at,
            "site_id": site["id"], "job_type": "discovery", "method": "auto", "priority": 50, "parameters": {},
            "status": "success", "progress_percentage": 0.0, "attempt_count": 1, "fence": 1, "ended_at": ended_at,
            "started_at": ended_at - timedelta(seconds=seconds) if ended_at else None, "error_code": None, **fields,
        }  # fmt: skip
        self.jobs.append(row)
        return row

    def blueprint(
        self, site: dict[str, Any], created_at: datetime, selectors: list[dict[str, Any]], **fields: Any
    ) -> dict[str, Any]:
        version = (site["blueprint_version"] or 0) + 1
        row = {
            "id": _id(created_at, 1_000_000 + len(self.blueprints)), "created_at": created_at,
            "updated_at": created_at, "site_id": site["id"], "version": version, "confidence_score": 0.9,
            "content": {"selectors": selectors}, "changes": _UNCHANGED,
            "job_id": None, "restored_version": None, **fields,
        }  # fmt: skip
        site["blueprint_version"] = version
        self.blueprints.append(row)
        return row

    async def write(self, database: Database) -> None:
        async with database.transaction() as session:
            for model, rows in ((Site, self.sites), (Job, self.jobs), (Blueprint, self.blueprints)):
                if rows:
                    await session.execute(insert(model), rows)


def _id(moment: datetime, number: int) -> UUID:
    return UUID(int=first_id(moment).int | 7 << 76 | 2 << 62 | number)


def selector(
    name: str, form: int = 0, pass_rate: float = 1.0, page_type: str = "detail", tested: int = 5
) -> dict[str, Any]:
    return {
        "field_name": name, "page_type": page_type, "css": f".form-{form}", "xpath": f"//*[{form}]", "attribute": None,
        "test_pass_rate": pass_rate, "pages_tested": tested, "scope": None, "multiple": False,
    }  # fmt: skip


def invent(seed: int, *, sites: int = 12, jobs: int = 400) -> History:
    """Make up more than a year: bursts and quiet months, every end a job can have, versions whose selectors change."""
    chance = random.Random(seed)
    history = History()
    for number in range(sites):
        registered = NOW - timedelta(days=chance.uniform(0, 420))
        history.site(registered, platform=PLATFORMS[number % 3])
    for moment in sorted(_moments(chance, jobs)):
        site = chance.choice([one for one in history.sites if one["created_at"] <= moment] or history.sites[:1])
        status = chance.choices(ENDED, weights=(70, 15, 10, 5))[0]
        job = history.job(
            site,
            moment,
            chance.lognormvariate(4, 1.5),
            job_type=chance.choice(list(JobType)),
            method=chance.choice(("auto", "static")),
            status=status,
            attempt_count=chance.randint(1, 3),
        )
        if chance.random() < 0.05:
            job["started_at"] = None  # cancelled or given up before it was started
        # The last minutes are what totals lack; a version of theirs would have its facts from its publication.
        settled = site["created_at"] < moment < NOW - timedelta(minutes=11)
        if settled and status == "success" and job["job_type"] in {"discovery", "blueprint_update"}:
            _publish(chance, history, site, job)
    return history


def _moments(chance: random.Random, number: int) -> Iterator[datetime]:
    yield from (NOW - timedelta(days=chance.uniform(0, 400)) for _ in range(number // 2))
    yield from (NOW - timedelta(hours=chance.uniform(0, 50)) for _ in range(number // 4 - 5))
    yield from (NOW - timedelta(minutes=chance.uniform(0, 10)) for _ in range(5))
    for _ in range(number // 8):
        midnight = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=chance.randint(0, 370))
        yield midnight + timedelta(microseconds=chance.choice((-1, 0, 1)))
    # Many at one and the same moment.
    yield from [NOW - timedelta(days=3, minutes=7)] * (number // 8)


def _publish(chance: random.Random, history: History, site: dict[str, Any], job: dict[str, Any]) -> None:
    before = next((b for b in reversed(history.blueprints) if b["site_id"] == site["id"]), None)
    names = [("detail", f"field {n}") for n in range(6)] + [("listing", "name"), ("listing", "name")]
    old = {(s["page_type"], s["field_name"]): s for s in before["content"]["selectors"]} if before else {}
    selectors = []
    for page_type, name in names:
        if chance.random() < 0.1:
            continue
        form = int(old[page_type, name]["css"].rsplit("-", 1)[1]) if (page_type, name) in old else 0
        if chance.random() < 0.2:
            form += 1
        rate = chance.choice((1.0, 1.0, 0.9, 0.75, 1 / 3, 0.0))
        selectors.append(selector(name, form, rate, page_type, tested=chance.choice((0, 3, 5, 5))))
    restored = 1 if before and chance.random() < 0.1 else None
    history.blueprint(
        site,
        job["ended_at"],
        selectors,
        confidence_score=round(chance.uniform(0.3, 1), 3),
        job_id=None if restored else job["id"],
        restored_version=restored,
    )


async def roll_up(database: Database, now: datetime = NOW) -> int:
    """Bring the totals up to date, and say how many batches that took."""
    batches = 1
    while await Totals(database).step(now):
        batches += 1
    return batches
