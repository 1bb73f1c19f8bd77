# ruff: noqa: S608, E501 - our own numbers and names, in statements that read better whole
"""Rows by the million: sites with a job each, and blueprints of the first ten thousand."""

import json
from uuid import UUID

import asyncpg
import msgspec

from webintel.blueprints.changes import Changes

CALLERS = 100
BLUEPRINTS = 10_000
_ID = "(lpad(to_hex(1700000000000 + g), 12, '0') || '{kind}' || lpad(to_hex(g), 16, '0'))::uuid"
_SITE, _JOB, _BLUEPRINT, _USER = (_ID.format(kind=kind) for kind in ("7001", "7002", "7003", "7004"))
_CONTENT = {
    "domain": "shop.example", "start_url": "https://shop.example/", "discovery_method": "static",
    "fingerprint": {"technologies": [{"name": f"technology {n}", "confidence": 0.9} for n in range(10)]},
    "categories": [{"name": f"Category {n}", "url": f"https://shop.example/c/{n}", "depth": 1} for n in range(40)],
    "page_types": [{"name": "detail", "url_pattern": "/p/*", "page_count": 100, "confidence": 0.9}],
    "selectors": [
        {"page_type": "detail", "field_name": f"field {n}", "css": f".product .field-{n}", "pages_tested": 10,
         "test_pass_rate": 1.0} for n in range(20)
    ],
    "endpoints": [], "pagination": {"kind": "query"}, "filters": [], "render_hints": {"requires_js": False},
}  # fmt: skip


async def seed(connection: asyncpg.Connection, done: int, sites: int) -> None:
    """Go on from `done` sites to `sites`."""
    span = f"generate_series({done + 1}, {sites}) g"
    content = json.dumps(_CONTENT)
    if not done:
        await connection.execute(
            "INSERT INTO users (id, created_at, updated_at, email, name, role, password_hash, is_active, token_version) "
            f"SELECT {_USER}, now(), now(), 'u' || g || '@shop.example', 'U', 'admin', 'none', true, 1 "
            f"FROM generate_series(1, {CALLERS}) g"
        )
    await connection.execute(
        "INSERT INTO sites (id, created_at, updated_at, domain, domain_unicode, platform, status, priority, "
        "complexity_score, business_value_score, notes, revision, fingerprint) "
        f"SELECT {_SITE}, now(), now(), 's' || g || '.example.com', 's' || g || '.example.com', 'shopify', 'ready', 50, "
        f"0.5, 0.7, 'A note about the site', 1, '{json.dumps(_CONTENT['fingerprint'])}' FROM {span}"
    )
    await connection.execute(
        "INSERT INTO jobs (id, created_at, updated_at, site_id, job_type, method, priority, parameters, status, "
        "progress_percentage, attempt_count, fence, started_at, ended_at, result) "
        f"SELECT {_JOB}, now(), now(), {_SITE}, 'discovery', 'auto', 50, '{{}}', 'success', 100, 1, 1, now(), now(), "
        f"'{{\"pages\": 150}}' FROM {span}"
    )
    await connection.execute(
        "INSERT INTO blueprints (id, created_at, updated_at, site_id, version, confidence_score, content, changes) "
        f"SELECT {_BLUEPRINT}, now(), now(), {_SITE}, 1, 0.9, $1::jsonb, $2::jsonb "
        f"FROM generate_series({done + 1}, {min(sites, BLUEPRINTS)}) g",
        content,
        json.dumps(_changes()),
    )
    await connection.execute("VACUUM ANALYZE")


def _changes() -> dict[str, object]:
    nothing = {"added": 0, "removed": 0, "changed": 0}
    return msgspec.to_builtins(msgspec.convert(dict.fromkeys(Changes.__struct_fields__, nothing), Changes))  # type: ignore[no-any-return]


def identifier(kind: str, number: int) -> UUID:
    """The id of a seeded row."""
    return UUID(f"{1700000000000 + number:012x}{kind}{number:016x}")


SITE, JOB, BLUEPRINT, USER = "7001", "7002", "7003", "7004"
