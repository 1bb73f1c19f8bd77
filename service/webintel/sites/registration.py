"""Registering a site, which starts its first two jobs."""

from datetime import UTC, datetime
from uuid import UUID

from asyncpg import Connection, UniqueViolationError
from sqlalchemy import bindparam, insert, select
from uuid_utils.compat import uuid7

from webintel.db.writes import Write
from webintel.engine.errors import EngineError
from webintel.engine.fetch import Domain, parse_domain
from webintel.jobs.models import JobType
from webintel.jobs.services import JobService
from webintel.problems import Conflict, InvalidInput, NotFound
from webintel.sites.models import Site, SiteStatus
from webintel.sites.schemas import NewSite, SiteCreated

FIRST_JOBS = (JobType.FINGERPRINT, JobType.DISCOVERY)

_GIVEN = (
    *("id", "created_at", "updated_at", "domain", "domain_unicode", "status", "business_value_score", "priority"),
    *("notes", "created_by", "revision"),
)
_RECORD = Write(insert(Site).values({name: bindparam(name) for name in _GIVEN}))
_PRIORITY = Write(select(Site.priority).where(Site.id == bindparam("site_id")))


async def register(connection: Connection, data: NewSite, requested_by: UUID | None) -> SiteCreated:
    """Add a site and start its fingerprint and its discovery, in the connection's transaction.

    Raises:
        InvalidInput: the domain is no public domain name.
        Conflict: it is registered already.
    """
    domain, site_id, now = public_domain(data.domain), uuid7(), datetime.now(UTC)
    try:
        await _RECORD.run(
            connection,
            id=site_id,
            created_at=now,
            updated_at=now,
            domain=domain.ascii,
            domain_unicode=domain.unicode,
            status=SiteStatus.PENDING,
            business_value_score=data.business_value_score,
            priority=data.priority,
            notes=data.notes,
            created_by=requested_by,
            revision=1,
        )
    except UniqueViolationError as error:
        raise Conflict(
            f"The site {domain.unicode} is registered already, with or without `www.`.", code="domain-taken"
        ) from error
    first, _ = await JobService().start_all(
        connection, site_id=site_id, job_types=FIRST_JOBS, priority=data.priority, requested_by=requested_by
    )
    return SiteCreated(
        id=site_id,
        domain=domain.ascii,
        domain_unicode=domain.unicode,
        platform=None,
        status=SiteStatus.PENDING,
        complexity_score=None,
        business_value_score=data.business_value_score,
        priority=data.priority,
        notes=data.notes,
        blueprint_version=None,
        discovery_method=None,
        created_at=now,
        updated_at=now,
        last_discovered_at=None,
        fingerprint=None,
        last_job=None,
        job_id=first.id,
    )


async def priority_of(connection: Connection, site_id: UUID) -> int:
    """Give the priority that a site's jobs inherit, in the connection's transaction.

    Raises:
        NotFound: there is no such site.
    """
    rows = await _PRIORITY.run(connection, site_id=site_id)
    if not rows:
        raise NotFound("There is no site with this id.")
    return int(rows[0]["priority"])


def public_domain(text: str) -> Domain:
    """Read a domain.

    Raises:
        InvalidInput: it is no public domain name, or more than that.
    """
    try:
        domain = parse_domain(text)
    except (EngineError, UnicodeError) as error:
        message = error.message if isinstance(error, EngineError) else "This is not a domain name."
        raise InvalidInput.of("domain", message) from error
    if domain.port is not None:
        raise InvalidInput.of("domain", "Give the name without a port.")
    return domain
