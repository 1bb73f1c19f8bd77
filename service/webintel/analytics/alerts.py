"""What needs a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from webintel.analytics.dashboard_schemas import Alert, AlertItem, AlertKind, Backlog, SiteCounts
from webintel.analytics.periods import Period
from webintel.analytics.totals import first_id
from webintel.sites.models import SiteStatus

MOST_ITEMS = 10
MOST_COUNTED = 1000
"""Beyond, a person learns nothing more from an exact number."""
WAITING_TOO_LONG = timedelta(hours=1)
NOT_DISCOVERED_FOR = timedelta(days=30)

Severity = Literal["critical", "warning"]

_SITES_IN = text(
    """
    SELECT s.id AS site_id, s.domain_unicode AS domain, s.updated_at AS since, f.blueprint_id, f.confidence
    FROM (SELECT * FROM sites WHERE status = :status ORDER BY id DESC LIMIT :items) AS s
    LEFT JOIN LATERAL (
        SELECT * FROM blueprint_facts WHERE site_id = s.id AND version = s.blueprint_version LIMIT 1
    ) AS f ON true
    ORDER BY s.id DESC
    """
)
# A dead job after which the site got another one of its type needs nobody any more.
_DEAD_JOBS = text(
    """
    WITH dead AS MATERIALIZED (
        SELECT id, site_id, job_type, attempt_count, ended_at, error_code FROM jobs
        WHERE status = 'dead' AND id >= CAST(:first_id AS uuid) ORDER BY id DESC LIMIT :counted
    ), open AS (
        SELECT * FROM dead WHERE (
            SELECT later.id FROM jobs later
            WHERE later.site_id = dead.site_id AND later.id > dead.id AND later.job_type = dead.job_type LIMIT 1
        ) IS NULL
    )
    SELECT s.id AS site_id, s.domain_unicode AS domain, open.id AS job_id, open.ended_at AS since, open.job_type,
        open.attempt_count, open.error_code,
        (SELECT count(*) FROM open) AS number, (SELECT count(*) FROM dead) >= :counted AS capped
    FROM open JOIN sites s ON s.id = open.site_id ORDER BY open.id DESC LIMIT :items
    """
)
_WAITING_JOBS = text(
    """
    WITH waiting AS MATERIALIZED (
        SELECT id, site_id, job_type, created_at FROM jobs
        WHERE status = 'queued' AND id < CAST(:last_id AS uuid) ORDER BY id LIMIT :counted
    )
    SELECT s.id AS site_id, s.domain_unicode AS domain, w.id AS job_id, w.created_at AS since, w.job_type,
        (SELECT count(*) FROM waiting) AS number, (SELECT count(*) FROM waiting) >= :counted AS capped
    FROM waiting w JOIN sites s ON s.id = w.site_id ORDER BY w.id LIMIT :items
    """
)
_FALLEN = text(
    """
    WITH fallen AS MATERIALIZED (
        SELECT f.blueprint_id, f.site_id, f.version, f.published_at, f.fallen, f.pass_rate FROM blueprint_facts f
        WHERE f.fallen > 0 AND f.blueprint_id >= CAST(:first_id AS uuid) ORDER BY f.blueprint_id DESC LIMIT :counted
    ), newest AS MATERIALIZED (
        SELECT fallen.*, s.domain_unicode AS domain
        FROM fallen JOIN sites s ON s.id = fallen.site_id AND s.blueprint_version = fallen.version
    )
    SELECT n.site_id, n.domain, n.blueprint_id, n.published_at AS since, n.version, n.fallen,
        (SELECT string_agg(worst.name, ', ') FROM (
            SELECT s.page_type || '.' || s.field_name AS name FROM selector_facts s
            WHERE s.blueprint_id = n.blueprint_id AND s.previous_pass_rate > s.pass_rate
            ORDER BY s.previous_pass_rate - s.pass_rate DESC, name LIMIT 3
        ) AS worst) AS names,
        (SELECT count(*) FROM newest) AS number, (SELECT count(*) FROM fallen) >= :counted AS capped
    FROM newest n ORDER BY n.blueprint_id DESC LIMIT :items
    """
)
_NOT_DISCOVERED = text(
    """
    WITH idle AS MATERIALIZED (
        SELECT id, domain_unicode, last_discovered_at FROM sites
        WHERE last_discovered_at < CAST(:before AS timestamptz) ORDER BY last_discovered_at LIMIT :counted
    )
    SELECT id AS site_id, domain_unicode AS domain, last_discovered_at AS since,
        (SELECT count(*) FROM idle) AS number, (SELECT count(*) FROM idle) >= :counted AS capped
    FROM idle ORDER BY last_discovered_at LIMIT :items
    """
)


class _Found(NamedTuple):
    """Items of one kind, and how many there are."""

    items: list[AlertItem]
    number: int
    exact: bool = True


async def find_alerts(
    connection: AsyncConnection, period: Period, sites: SiteCounts, backlog: Sequence[Backlog]
) -> list[Alert]:
    """Look for everything that needs a person, the most urgent first; what has passed by itself is left out."""
    bounds = {"first_id": first_id(period.since), "items": MOST_ITEMS, "counted": MOST_COUNTED}
    failed = await _sites_in(connection, SiteStatus.FAILED, sites)
    review = await _sites_in(connection, SiteStatus.REVIEW, sites)
    dead = _found(await _rows(connection, _DEAD_JOBS, bounds), _dead_job)
    waiting = _Found([], 0)
    if any((one.oldest_queued_seconds or 0) > WAITING_TOO_LONG.total_seconds() for one in backlog):
        late = bounds | {"last_id": first_id(period.now - WAITING_TOO_LONG)}
        waiting = _found(await _rows(connection, _WAITING_JOBS, late), _waiting_job)
    fell = _found(await _rows(connection, _FALLEN, bounds), _fallen)
    idle_before = bounds | {"before": period.now - NOT_DISCOVERED_FOR}
    idle = _found(await _rows(connection, _NOT_DISCOVERED, idle_before), _not_discovered)
    days = NOT_DISCOVERED_FOR.days
    alerts = [
        _alert("jobs_dead", "critical", dead, "{} given up: see why, then retry.", "job was", "jobs were"),
        _alert(
            "jobs_waiting",
            "critical",
            waiting,
            "{} waited for more than an hour: start more workers, or see what holds them up.",
            "job has",
            "jobs have",
        ),
        _alert(
            "sites_failed",
            "critical",
            failed,
            "{} no blueprint because a discovery failed: see the job's error.",
            "site has",
            "sites have",
        ),
        _alert(
            "sites_in_review",
            "warning",
            review,
            "{} to be looked at by a person before the blueprint is relied on.",
            "site has",
            "sites have",
        ),
        _alert(
            "selectors_fell",
            "warning",
            fell,
            "{} selectors that pass on fewer pages than in the version before: compare the two, or roll back.",
            "newest blueprint has",
            "newest blueprints have",
        ),
        _alert(
            "sites_not_discovered",
            "warning",
            idle,
            f"{{}} not been discovered for {days} days: start an update of its blueprint.",
            "site has",
            "sites have",
        ),
    ]
    return [alert for alert in alerts if alert.count]


def _alert(kind: AlertKind, severity: Severity, found: _Found, sentence: str, one: str, many: str) -> Alert:  # noqa: PLR0913, PLR0917 - the parts of a sentence
    number = str(found.number) if found.exact else f"At least {found.number}"
    return Alert(
        kind=kind,
        severity=severity,
        count=found.number,
        count_is_exact=found.exact,
        sentence=sentence.format(f"{number} {one if found.number == 1 else many}"),
        items=found.items,
    )


async def _rows(connection: AsyncConnection, statement: Any, values: dict[str, Any]) -> Sequence[RowMapping]:
    return (await connection.execute(statement, values)).mappings().all()


def _found(rows: Sequence[RowMapping], describe: Any) -> _Found:
    if not rows:
        return _Found([], 0)
    return _Found([_item(row, describe(row)) for row in rows], rows[0]["number"], not rows[0]["capped"])


def _item(row: RowMapping, sentence: str) -> AlertItem:
    return AlertItem(
        site_id=row["site_id"],
        domain=row["domain"],
        job_id=row.get("job_id"),
        blueprint_id=row.get("blueprint_id"),
        since=row["since"],
        sentence=sentence,
    )


async def _sites_in(connection: AsyncConnection, status: SiteStatus, sites: SiteCounts) -> _Found:
    if not sites.by_status[status]:
        return _Found([], 0)
    rows = await _rows(connection, _SITES_IN, {"status": status, "items": MOST_ITEMS})
    return _Found([_item(row, _site_sentence(row, status)) for row in rows], sites.by_status[status])


def _site_sentence(row: RowMapping, status: SiteStatus) -> str:
    if status == SiteStatus.FAILED:
        return f"The discovery of {row['domain']} failed, and it has no blueprint."
    if row["confidence"] is None:
        return f"{row['domain']} has to be reviewed."
    return f"{row['domain']} has to be reviewed: its blueprint's confidence is {row['confidence']:.2f}."


def _dead_job(row: RowMapping) -> str:
    reason = f" ({row['error_code']})" if row["error_code"] else ""
    attempts = "1 attempt" if row["attempt_count"] == 1 else f"{row['attempt_count']} attempts"
    return f"The {row['job_type']} job of {row['domain']} was given up after {attempts}{reason}."


def _waiting_job(row: RowMapping) -> str:
    return f"The {row['job_type']} job of {row['domain']} has waited since {_written(row['since'])}."


def _fallen(row: RowMapping) -> str:
    more = f" and {row['fallen'] - 3} more" if row["fallen"] > 3 else ""
    return f"In version {row['version']} of {row['domain']} pass on fewer pages: {row['names']}{more}."


def _not_discovered(row: RowMapping) -> str:
    return f"{row['domain']} was last discovered on {row['since']:%Y-%m-%d}."


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
