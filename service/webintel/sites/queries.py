"""Reads about sites."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Text, cast, func, literal, or_, select, tuple_

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.jobs.queries import JobQueries
from webintel.json_columns import raw_json
from webintel.problems import NotFound
from webintel.sites.models import Site, SiteStatus
from webintel.sites.schemas import SiteDetail, SiteOrder, SiteSummary

_NO_SITE = "There is no site with this id."
_COLUMNS = (
    Site.id,
    Site.domain,
    Site.domain_unicode,
    Site.platform,
    Site.status,
    Site.complexity_score,
    Site.business_value_score,
    Site.priority,
    Site.notes,
    Site.blueprint_version,
    Site.discovery_method,
    Site.created_at,
    Site.updated_at,
    Site.last_discovered_at,
)


class _Order(NamedTuple):
    """A column to sort by, with the type in which a cursor gives its value back."""

    column: ColumnElement[Any]
    value_type: Any


# Sites without a score come after those with the lowest; ids are UUIDs of version 7 and so in order of creation.
_ORDERS = {
    "created_at": _Order(Site.id.expression, str),
    "updated_at": _Order(Site.updated_at.expression, datetime),
    "domain": _Order(Site.domain.expression, str),
    "business_value_score": _Order(func.coalesce(Site.business_value_score, -1), float),
    "complexity_score": _Order(func.coalesce(Site.complexity_score, -1), float),
    "priority": _Order(Site.priority.expression, int),
}


class SiteFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sites to list; none means any."""

    status: SiteStatus | None = None
    platform: str | None = None
    search: str | None = None
    min_score: float | None = None
    min_complexity: float | None = None
    max_complexity: float | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Write them for SQL."""
        if self.status is not None:
            yield Site.status == self.status
        if self.platform is not None:
            yield func.lower(Site.platform) == self.platform.lower()
        if self.search is not None:
            yield or_(
                Site.domain.icontains(self.search, autoescape=True),
                Site.domain_unicode.icontains(self.search, autoescape=True),
            )
        if self.min_score is not None:
            yield Site.business_value_score >= self.min_score
        if self.min_complexity is not None:
            yield Site.complexity_score >= self.min_complexity
        if self.max_complexity is not None:
            yield Site.complexity_score <= self.max_complexity


class SiteQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, chosen: SiteFilter, *, order: SiteOrder, limit: int, cursor_text: str | None, include_total: bool
    ) -> Page[SiteSummary]:
        """List sites, a page at a time."""
        descending, name = order.startswith("-"), order.removeprefix("-")
        column, value_type = _ORDERS[name]
        conditions = list(chosen.conditions())
        statement = select(*_COLUMNS, column.label("sort_value")).where(*conditions).limit(limit + 1)
        if cursor := read_cursor(cursor_text, order):
            here = tuple_(column, Site.id.expression)
            value = cursor.id if name == "created_at" else cursor.value_as(value_type)
            there = tuple_(literal(value, column.type), literal(cursor.id, Site.id.type))
            statement = statement.where(here < there if descending else here > there)
        statement = (
            statement.order_by(column.desc(), Site.id.desc()) if descending else statement.order_by(column, Site.id)
        )
        async with self._database.reading() as connection:
            rows = list((await connection.execute(statement)).mappings())
            total = None
            if include_total:
                total = await connection.scalar(select(func.count()).select_from(Site).where(*conditions))
        sort_values = {row["id"]: row["sort_value"] for row in rows}
        return make_page(
            [_summary(row) for row in rows],
            limit,
            lambda site: Cursor(order, _plain(sort_values[site.id]), site.id),
            total,
        )

    async def one(self, site_id: UUID) -> tuple[SiteDetail, int]:
        """Give one site with its last job, and its revision.

        Raises:
            NotFound: there is no such site.
        """
        statement = select(*_COLUMNS, Site.revision, cast(Site.fingerprint, Text).label("fingerprint")).where(
            Site.id == site_id
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound(_NO_SITE)
        fields: dict[str, Any] = {**row, "status": SiteStatus(row["status"])}
        revision = fields.pop("revision")
        last_job = await JobQueries(self._database).last_of(site_id)
        return SiteDetail(**fields | {"fingerprint": raw_json(row["fingerprint"]), "last_job": last_job}), revision

    async def require(self, site_id: UUID) -> None:
        """Make sure that a site exists.

        Raises:
            NotFound: there is no such site.
        """
        async with self._database.reading() as connection:
            if await connection.scalar(select(Site.id).where(Site.id == site_id)) is None:
                raise NotFound(_NO_SITE)


def _plain(value: object) -> str | int | float | None:
    return msgspec.to_builtins(value)  # type: ignore[no-any-return]


def _summary(row: RowMapping) -> SiteSummary:
    fields = {name: value for name, value in row.items() if name != "sort_value"}
    return SiteSummary(**fields | {"status": SiteStatus(row["status"])})
