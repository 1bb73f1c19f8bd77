"""Months of work, made up: every end that a job can have, versions that get worse, and names that mean harm."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.service.analytics.history import History, roll_up, selector
from webintel.db import create_database
from webintel.settings import load_settings

HOSTILE_PLATFORM = "<script>alert(1)</script>"
HOSTILE_FIELD = '"><img src=x onerror=alert(1)>'
_PLATFORMS = ("shopify", "shopware", "magento", "woocommerce", "wordpress", "prestashop", None)
_STATUSES = ("ready",) * 7 + ("review", "failed", "fingerprinted")
_FIELDS = ("name", "price", "currency", "sku", "brand", "description", "image", "availability", "rating")


class Past(NamedTuple):
    """Sites that tests look at."""

    best: dict[str, Any]
    """Of the highest value, with the most versions."""
    failed: dict[str, Any]
    dead_job: dict[str, Any]


async def invent_past(database_url: str) -> Past:
    """Write it into a database, up to this moment, and add it up as workers do."""
    now = datetime.now(UTC)
    chance = random.Random(7)
    history = History()
    for number in range(64):
        created = now - timedelta(days=chance.uniform(3, 200))
        history.site(
            created,
            platform=_PLATFORMS[min(int(chance.expovariate(0.5)), 6)],
            status=_STATUSES[number % 10],
            business_value_score=round(chance.uniform(0.1, 0.95), 2),
            last_discovered_at=now - timedelta(days=chance.uniform(0, 20)),
        )
    best = history.sites[0]
    best.update(business_value_score=0.99, status="review", domain_unicode="schöne-<b>dinge</b>.example")
    history.sites[1].update(platform=HOSTILE_PLATFORM, last_discovered_at=now - timedelta(days=45))
    for _ in range(1800):
        hours = chance.choice((chance.uniform(0, 24), chance.uniform(0, 24 * 90), chance.uniform(0, 24 * 360)))
        _work(chance, history, now - timedelta(hours=hours))
    for number in range(14):
        _version(chance, history, best, now - timedelta(days=90 - 6 * number), number)
    for site in history.sites[1:40]:
        _version(chance, history, site, site["created_at"] + timedelta(seconds=chance.lognormvariate(5.5, 0.7)), 0)
        _version(chance, history, site, now - timedelta(hours=chance.uniform(1, 60)), 3)
    failed = next(site for site in history.sites if site["status"] == "failed")
    for site in history.sites[50:55]:
        dead_job = history.job(
            site, now - timedelta(hours=2), 30, status="dead", attempt_count=3, error_code="timed_out"
        )
    for number in range(5):
        history.job(
            history.sites[number + 20], None, status="queued", created_at=now - timedelta(minutes=95 + 7 * number)
        )
    settings = load_settings(database_url=database_url)
    async with create_database(settings, role="test") as database:
        await history.write(database)
        await roll_up(database, now)
    return Past(best, failed, dead_job)


def _work(chance: random.Random, history: History, moment: datetime) -> None:
    site = chance.choice(history.sites[:50])
    history.job(
        site,
        moment,
        chance.lognormvariate(4, 0.8),
        job_type=chance.choices(("discovery", "fingerprint", "extraction", "blueprint_update"), (3, 1, 4, 4))[0],
        method=chance.choices(("auto", "static"), (4, 1))[0],
        status=chance.choices(("success", "failed", "cancelled", "dead"), (88, 7, 3, 2))[0],
        error_code=None,
    )


def _version(chance: random.Random, history: History, site: dict[str, Any], moment: datetime, age: int) -> None:
    job = history.job(site, moment, chance.lognormvariate(4, 0.6), job_type="blueprint_update")
    selectors = []
    for index, name in enumerate((*_FIELDS, HOSTILE_FIELD)):
        rate = min(max(1 - index * 0.03 - age * 0.02 * (index % 4) + chance.uniform(-0.1, 0.05), 0), 1)
        selectors.append(selector(name, age // (2 + index), round(rate, 2), tested=chance.choice((4, 5, 5, 0))))
    selectors.extend(selector(name, 0, round(chance.uniform(0.85, 1), 2), "listing") for name in ("name", "price"))
    history.blueprint(site, moment, selectors, confidence_score=round(chance.uniform(0.6, 0.97), 2), job_id=job["id"])
