"""Reads about blueprints."""

import functools
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, bindparam, cast, select

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.blueprints.changes import Changes, compare
from webintel.blueprints.models import Blueprint
from webintel.blueprints.schemas import BlueprintDetail, BlueprintDiff, BlueprintRef, BlueprintSummary
from webintel.db import Database
from webintel.db.reads import Read, at_most
from webintel.engine.model import Blueprint as Content
from webintel.problems import NotFound

_NEWEST_FIRST = "-created_at"
_NAMES = BlueprintSummary.__struct_fields__
_COLUMNS = tuple(getattr(Blueprint, name) for name in _NAMES if name != "changes")
_CHANGES = cast(Blueprint.changes, Text).label("changes")
_WHOLE = select(*_COLUMNS, _CHANGES, cast(Blueprint.content, Text).label("content"))
_ONE = Read(_WHOLE.where(Blueprint.id == bindparam("blueprint_id")))
_NEWEST = Read(
    _WHOLE.where(Blueprint.site_id == bindparam("site_id")).order_by(Blueprint.version.desc()).limit(at_most(1))
)
_changes_decoder = msgspec.json.Decoder(Changes)
_content_decoder = msgspec.json.Decoder(Content)


class _Parts(msgspec.Struct):
    """The content's members, each as the JSON that is stored."""

    domain: msgspec.Raw
    start_url: msgspec.Raw
    discovery_method: msgspec.Raw
    fingerprint: msgspec.Raw
    categories: msgspec.Raw
    page_types: msgspec.Raw
    selectors: msgspec.Raw
    endpoints: msgspec.Raw
    pagination: msgspec.Raw
    filters: msgspec.Raw
    render_hints: msgspec.Raw


_parts_decoder = msgspec.json.Decoder(_Parts)


class BlueprintQueries:
    """Reads, each in a statement of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, site_id: UUID | None, *, limit: int, cursor_text: str | None) -> Page[BlueprintSummary]:
        """List versions of one site or of all, newest first."""
        cursor = read_cursor(cursor_text, _NEWEST_FIRST)
        values = ({"site_id": site_id} if site_id else {}) | ({"after": cursor.id} if cursor else {})
        rows = await self._database.rows(_list(limit, of_site="site_id" in values, after="after" in values), **values)
        return make_page([_summary(row) for row in rows], limit, lambda b: Cursor(_NEWEST_FIRST, None, b.id))

    async def one(self, blueprint_id: UUID) -> BlueprintDetail:
        """Give one version.

        Raises:
            NotFound: there is no such blueprint.
        """
        return _detail(await self._row(_ONE, blueprint_id=blueprint_id))

    async def newest(self, site_id: UUID) -> BlueprintDetail:
        """Give a site's newest version.

        Raises:
            NotFound: there is no such site, or it has no blueprint yet.
        """
        return _detail(await self._row(_NEWEST, site_id=site_id))

    async def content(self, blueprint_id: UUID) -> tuple[Content, int]:
        """Give the engine's blueprint and its version.

        Raises:
            NotFound: there is no such blueprint.
        """
        row = await self._row(_ONE, blueprint_id=blueprint_id)
        return _content_decoder.decode(row["content"]), row["version"]

    async def difference(self, old_id: UUID, new_id: UUID) -> BlueprintDiff:
        """Compare two versions.

        Raises:
            NotFound: one of them does not exist.
        """
        old, new = await self._row(_ONE, blueprint_id=old_id), await self._row(_ONE, blueprint_id=new_id)
        differences = compare(_content_decoder.decode(old["content"]), _content_decoder.decode(new["content"]))
        return BlueprintDiff(old=_reference(old), new=_reference(new), **msgspec.structs.asdict(differences))

    async def _row(self, read: Read, **values: UUID) -> Any:
        row = await self._database.row(read, **values)
        if row is None:
            raise NotFound("There is no such blueprint.")
        return row


@functools.lru_cache(maxsize=256)
def _list(limit: int, *, of_site: bool, after: bool) -> Read:
    statement = select(*_COLUMNS, _CHANGES).order_by(Blueprint.id.desc())
    if of_site:
        statement = statement.where(Blueprint.site_id == bindparam("site_id"))
    if after:
        statement = statement.where(Blueprint.id < bindparam("after"))
    # The plan for one site may well depend on how many versions it has.
    return Read(statement.limit(limit + 1 if of_site else at_most(limit + 1)))


def summary_of(blueprint: Blueprint) -> BlueprintSummary:
    """Describe a version that has just been published."""
    fields = {name: getattr(blueprint, name) for name in _NAMES}
    return BlueprintSummary(**fields | {"changes": msgspec.convert(blueprint.changes, Changes)})


def _reference(row: Any) -> BlueprintRef:
    return BlueprintRef(id=row["id"], site_id=row["site_id"], version=row["version"])


def _fields(row: Any) -> dict[str, Any]:
    fields = dict(row)
    fields["changes"] = _changes_decoder.decode(fields["changes"])
    return fields


def _summary(row: Any) -> BlueprintSummary:
    return BlueprintSummary(**_fields(row))


def _detail(row: Any) -> BlueprintDetail:
    fields = _fields(row)
    # The stored JSON stands in for what it holds: decoding it only to encode it again would cost most of the request.
    parts = _parts_decoder.decode(fields.pop("content"))
    return BlueprintDetail(**fields, **msgspec.structs.asdict(parts))
