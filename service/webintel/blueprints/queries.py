"""Reads about blueprints."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Text, cast, select

from webintel.api.pagination import Cursor, Page, make_page, read_cursor
from webintel.blueprints.changes import Changes, compare
from webintel.blueprints.models import Blueprint
from webintel.blueprints.schemas import BlueprintDetail, BlueprintDiff, BlueprintRef, BlueprintSummary
from webintel.db import Database
from webintel.engine.model import Blueprint as Content
from webintel.problems import NotFound

_NEWEST_FIRST = "-created_at"
_COLUMNS = (
    Blueprint.id,
    Blueprint.site_id,
    Blueprint.version,
    Blueprint.confidence_score,
    Blueprint.created_at,
    Blueprint.created_by,
    Blueprint.job_id,
    Blueprint.restored_version,
    Blueprint.reason,
    Blueprint.changes,
)
_CONTENT = cast(Blueprint.content, Text).label("content")
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
        statement = select(*_COLUMNS).order_by(Blueprint.id.desc()).limit(limit + 1)
        if site_id is not None:
            statement = statement.where(Blueprint.site_id == site_id)
        if cursor := read_cursor(cursor_text, _NEWEST_FIRST):
            statement = statement.where(Blueprint.id < cursor.id)
        async with self._database.reading() as connection:
            rows = list((await connection.execute(statement)).mappings())
        return make_page([_summary(row) for row in rows], limit, lambda b: Cursor(_NEWEST_FIRST, None, b.id))

    async def one(self, blueprint_id: UUID) -> BlueprintDetail:
        """Give one version.

        Raises:
            NotFound: there is no such blueprint.
        """
        return _detail(await self._row(Blueprint.id == blueprint_id))

    async def newest(self, site_id: UUID) -> BlueprintDetail:
        """Give a site's newest version.

        Raises:
            NotFound: there is no such site, or it has no blueprint yet.
        """
        return _detail(await self._row(Blueprint.site_id == site_id))

    async def content(self, blueprint_id: UUID) -> tuple[Content, int]:
        """Give the engine's blueprint and its version.

        Raises:
            NotFound: there is no such blueprint.
        """
        row = await self._row(Blueprint.id == blueprint_id)
        return _content_decoder.decode(row["content"]), row["version"]

    async def difference(self, old_id: UUID, new_id: UUID) -> BlueprintDiff:
        """Compare two versions.

        Raises:
            NotFound: one of them does not exist.
        """
        old, new = await self._row(Blueprint.id == old_id), await self._row(Blueprint.id == new_id)
        differences = compare(_content_decoder.decode(old["content"]), _content_decoder.decode(new["content"]))
        return BlueprintDiff(old=_reference(old), new=_reference(new), **msgspec.structs.asdict(differences))

    async def _row(self, condition: ColumnElement[bool]) -> RowMapping:
        statement = select(*_COLUMNS, _CONTENT).where(condition).order_by(Blueprint.version.desc()).limit(1)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such blueprint.")
        return row


def summary_of(blueprint: Blueprint) -> BlueprintSummary:
    """Describe a version that has just been published."""
    fields = {column.key: getattr(blueprint, column.key) for column in _COLUMNS}
    return BlueprintSummary(**fields | {"changes": msgspec.convert(blueprint.changes, Changes)})


def _reference(row: RowMapping) -> BlueprintRef:
    return BlueprintRef(id=row["id"], site_id=row["site_id"], version=row["version"])


def _fields(row: RowMapping) -> dict[str, Any]:
    return {**{column.key: row[column.key] for column in _COLUMNS}, "changes": msgspec.convert(row["changes"], Changes)}


def _summary(row: RowMapping) -> BlueprintSummary:
    return BlueprintSummary(**_fields(row))


def _detail(row: RowMapping) -> BlueprintDetail:
    parts = _parts_decoder.decode(row["content"])
    # The stored JSON stands in for what it holds: decoding it only to encode it again would cost most of the request.
    return BlueprintDetail(**_fields(row), **msgspec.structs.asdict(parts))
