"""Facts about each blueprint version, taken from its content once."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FALL = 0.1
"""A selector that passes on so much fewer pages than in the version before has fallen."""

# A version is compared with the one before, whose facts must be there; one that is deleted meanwhile is left out.
# Facts are looked up one by one: a join would read all that there are.
_MEASURE = text(
    """
    WITH version AS (
        SELECT b.id, b.site_id, b.version, b.created_at, b.confidence_score, b.restored_version, b.content,
            s.created_at AS registered_at
        FROM blueprints b JOIN sites s ON s.id = b.site_id
        WHERE b.id = ANY(CAST(:ids AS uuid[]))
            AND (SELECT f.id FROM blueprint_facts f WHERE f.blueprint_id = b.id) IS NULL
            AND (b.version = 1 OR (
                SELECT f.id FROM blueprint_facts f WHERE f.site_id = b.site_id AND f.version = b.version - 1
            ) IS NOT NULL)
        FOR KEY SHARE OF s, b
    ), item AS (
        SELECT v.id, v.site_id, v.version, v.created_at, position,
            left(e->>'page_type', 200) AS page_type, left(e->>'field_name', 200) AS field_name,
            CASE WHEN (e->>'pages_tested')::int > 0 THEN (e->>'test_pass_rate')::float8 END AS pass_rate,
            md5(jsonb_build_array(e->'css', e->'xpath', e->'attribute', e->'scope', coalesce(e->'multiple', 'false'))
                ::text)::uuid AS digest
        FROM version v, jsonb_array_elements(v.content->'selectors') WITH ORDINALITY AS element(e, position)
        WHERE e->>'page_type' IS NOT NULL AND e->>'field_name' IS NOT NULL
    ), numbered AS (
        SELECT item.*,
            row_number() OVER (PARTITION BY id, page_type, field_name ORDER BY position) - 1 AS ordinal
        FROM item
    ), fact AS (
        SELECT n.*, p.pass_rate AS previous_pass_rate,
            CASE WHEN p.digest = n.digest THEN p.since_version ELSE n.version END AS since_version,
            CASE WHEN p.digest = n.digest THEN p.since_at ELSE n.created_at END AS since_at
        FROM numbered n LEFT JOIN LATERAL (
            SELECT * FROM selector_facts before
            WHERE before.site_id = n.site_id AND before.version = n.version - 1
                AND before.page_type = n.page_type AND before.field_name = n.field_name AND before.ordinal = n.ordinal
            LIMIT 1
        ) AS p ON true
    ), whole AS (
        INSERT INTO blueprint_facts (id, created_at, updated_at, blueprint_id, site_id, version, published_at, restored,
            confidence, selectors, tested, pass_rate, fallen, waited_seconds)
        SELECT gen_random_uuid(), now(), now(), v.id, v.site_id, v.version, v.created_at,
            v.restored_version IS NOT NULL, v.confidence_score, count(f.id), count(f.pass_rate), avg(f.pass_rate),
            count(*) FILTER (WHERE f.previous_pass_rate - f.pass_rate > :fall),
            CASE WHEN v.version = 1 THEN greatest(extract(epoch FROM v.created_at - v.registered_at), 0) END
        FROM version v LEFT JOIN fact f ON f.id = v.id
        GROUP BY v.id, v.site_id, v.version, v.created_at, v.restored_version, v.confidence_score, v.registered_at
    )
    INSERT INTO selector_facts (id, created_at, updated_at, blueprint_id, site_id, version, page_type, field_name,
        ordinal, digest, pass_rate, previous_pass_rate, since_version, since_at)
    SELECT gen_random_uuid(), now(), now(), id, site_id, version, page_type, field_name,
        ordinal, digest, pass_rate, previous_pass_rate, since_version, since_at
    FROM fact
    """
)
# Of the same sites also what lies before: clocks differ, and so a version's id may be lower than its predecessor's.
_UNMEASURED = text(
    """
    SELECT DISTINCT before.version, before.id
    FROM blueprints b JOIN blueprints before ON before.site_id = b.site_id AND before.version <= b.version
    WHERE b.id = ANY(CAST(:ids AS uuid[]))
        AND (SELECT f.id FROM blueprint_facts f WHERE f.blueprint_id = before.id) IS NULL
    ORDER BY before.version
    """
)


async def measure(session: AsyncSession, blueprint_ids: Sequence[UUID]) -> None:
    """Note the facts of versions of which each is the next one of its site; the others are left for later."""
    await session.execute(_MEASURE, {"ids": list(blueprint_ids), "fall": FALL})


async def measure_all(session: AsyncSession, blueprint_ids: Sequence[UUID]) -> None:
    """Note the facts of versions, in order and with whatever lies before them."""
    rows = (await session.execute(_UNMEASURED, {"ids": list(blueprint_ids)})).tuples().all()
    for _, versions in groupby(rows, key=lambda row: row[0]):
        await measure(session, [blueprint_id for _, blueprint_id in versions])
