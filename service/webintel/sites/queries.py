"""Reads about sites."""

import functools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, Float, Select, String, Text, bindparam, cast, func, or_, select, true, tuple_

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.db import Database
from webintel.db.reads import Read, at_most
from webintel.jobs.queries import newest, newest_of
from webintel.json_columns import raw_json
from webintel.problems import InvalidInput, NotFound
from webintel.sites.models import Site, SiteStatus
from webintel.sites.schemas import SiteDetail, SiteOrder, SiteSummary

_NO_SITE = "There is no site with this id."
_NAMES = SiteSummary.__struct_fields__
_COLUMNS = tuple(getattr(Site, name) for name in _NAMES)
_WIDTH = len(_COLUMNS)
_STATUS = _NAMES.index("status")
_STATUSES = {status.value: status for status in SiteStatus}
_NO_SCORE = -1.0

_LAST_JOB, _LAST_JOB_COLUMNS = newest(Site.id.expression)
_ONE = Read(
    select(*_COLUMNS, Site.revision, cast(Site.fingerprint, Text).label("fingerprint"), *_LAST_JOB_COLUMNS)
    .outerjoin(_LAST_JOB, true())
    .where(Site.id == bindparam("site_id"))
)
_EXISTS = Read(select(Site.id).where(Site.id == bindparam("site_id")))


class _Order(NamedTuple):
    """What to sort by: for SQL, as the type in which a cursor gives it back, and of a site that was read."""

    column: ColumnElement[Any]
    value_type: Any
    of: Callable[[SiteSummary], Any]


# Sites without a score come after those with the lowest; ids are UUIDs of version 7 and so in order of creation.
_ORDERS = {
    "created_at": _Order(Site.id.expression, UUID, lambda site: site.id),
    "updated_at": _Order(Site.updated_at.expression, datetime, lambda site: site.updated_at),
    "domain": _Order(Site.domain.expression, str, lambda site: site.domain),
    "business_value_score": _Order(
        func.coalesce(Site.business_value_score, -1), float, lambda site: _score(site.business_value_score)
    ),
    "complexity_score": _Order(
        func.coalesce(Site.complexity_score, -1), float, lambda site: _score(site.complexity_score)
    ),
    "priority": _Order(Site.priority.expression, int, lambda site: site.priority),
}

_LIKE = bindparam("search", type_=String)
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "status": Site.status == bindparam("status"),
    "platform": func.lower(Site.platform) == bindparam("platform"),
    "search": or_(Site.domain.icontains(_LIKE, escape="/"), Site.domain_unicode.icontains(_LIKE, escape="/")),
    "min_score": Site.business_value_score >= bindparam("min_score", type_=Float),
    "min_complexity": Site.complexity_score >= bindparam("min_complexity", type_=Float),
    "max_complexity": Site.complexity_score <= bindparam("max_complexity", type_=Float),
}


class SiteFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sites to list; none means any."""

    status: SiteStatus | None = None
    platform: str | None = None
    search: str | None = None
    min_score: float | None = None
    min_complexity: float | None = None
    max_complexity: float | None = None

    def values(self) -> dict[str, Any]:
        """Give what is asked for, for SQL."""
        values = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        if self.platform is not None:
            values["platform"] = self.platform.lower()
        if self.search is not None:
            values["search"] = self.search.replace("/", "//").replace("%", "/%").replace("_", "/_")
        return values


class SiteQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self, chosen: SiteFilter, *, order: SiteOrder, limit: int, cursor_text: str | None, include_total: bool
    ) -> Page[SiteSummary]:
        """List sites, a page at a time."""
        filters = chosen.values()
        kind = _ORDERS[order.removeprefix("-")]
        after: dict[str, Any] = {}
        if cursor := read_cursor(cursor_text, order):
            after = {"after": cursor.value_as(kind.value_type), "after_id": cursor.id}
        read = _list(frozenset(filters), order, limit, after=bool(after))
        try:
            rows = await self._database.rows(read, **filters, **after)
        except asyncpg.DataError as error:
            if not cursor:
                raise
            raise InvalidInput.of("cursor", "is not one of ours; start again without it") from error
        total = await self._database.row(_total(frozenset(filters)), **filters) if include_total else None
        return make_page(
            [SiteSummary(*_members(row)) for row in rows],
            limit,
            lambda site: Cursor(order, msgspec.to_builtins(kind.of(site)), site.id),
            total and total[0],
        )

    async def one(self, site_id: UUID) -> tuple[SiteDetail, int]:
        """Give one site with its last job, and its revision.

        Raises:
            NotFound: there is no such site.
        """
        row = await self._database.row(_ONE, site_id=site_id)
        if row is None:
            raise NotFound(_NO_SITE)
        fingerprint, revision = raw_json(row["fingerprint"]), row["revision"]
        return SiteDetail(*_members(row[:_WIDTH]), fingerprint=fingerprint, last_job=newest_of(row)), revision

    async def require(self, site_id: UUID) -> None:
        """Make sure that a site exists.

        Raises:
            NotFound: there is no such site.
        """
        if await self._database.row(_EXISTS, site_id=site_id) is None:
            raise NotFound(_NO_SITE)


@functools.lru_cache(maxsize=256)
def _list(filters: frozenset[str], order: SiteOrder, limit: int, *, after: bool) -> Read:
    column, descending = _ORDERS[order.removeprefix("-")].column, order.startswith("-")
    statement = _where(select(*_COLUMNS), filters)
    if after:
        here = tuple_(column, Site.id.expression)
        there = tuple_(bindparam("after", type_=column.type), bindparam("after_id", type_=Site.id.type))
        statement = statement.where(here < there if descending else here > there)
    sorted_by = (column.desc(), Site.id.desc()) if descending else (column, Site.id)
    # With filters the plan may well depend on their values.
    return Read(statement.order_by(*sorted_by).limit(limit + 1 if filters else at_most(limit + 1)))


@functools.lru_cache(maxsize=64)
def _total(filters: frozenset[str]) -> Read:
    return Read(_where(select(func.count()).select_from(Site), filters))


def _where(statement: Select[Any], filters: frozenset[str]) -> Select[Any]:
    return statement.where(*(_CONDITIONS[name] for name in sorted(filters)))


def _score(value: float | None) -> float:
    return _NO_SCORE if value is None else value


def _members(row: Iterable[Any]) -> list[Any]:
    values = list(row)
    values[_STATUS] = _STATUSES[values[_STATUS]]
    return values
