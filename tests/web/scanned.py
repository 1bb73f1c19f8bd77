"""Sites to look at: one that was really visited, and some whose blueprint a test writes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from tests.web.conftest import PASSWORD, Person
from tests.web.platform import Platform
from webintel.blueprints.services import BlueprintService
from webintel.db import create_database
from webintel.engine.model import (
    Blueprint,
    Category,
    Endpoint,
    Evidence,
    Filter,
    Fingerprint,
    PageType,
    Pagination,
    Reason,
    RenderHints,
    Selector,
    Technology,
)
from webintel.settings import load_settings
from webintel.sites.models import Site

_PATIENCE = 300.0

Publish = Callable[..., Awaitable["Written"]]


class Scanned(NamedTuple):
    """A site of the demo shop with its first blueprint."""

    id: str
    domain: str


class Written(NamedTuple):
    """A site, and its versions from the first to the last."""

    id: str
    domain: str
    versions: list[str]


@pytest.fixture(scope="session")
async def scanned(platform: Platform, people: dict[str, Person]) -> Scanned:
    """A site that the worker has visited, for tests that only read it."""
    domain = f"scanned-{uuid4().hex[:8]}.example"
    async with httpx.AsyncClient(base_url=platform.api.url, timeout=30) as client:
        body = {"email": people["admin"].email, "password": PASSWORD}
        tokens = (await client.post("/api/v1/auth/login", json=body)).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        body = {"domain": domain, "business_value_score": 0.8, "notes": "Ask Ada first.\nShe knows them."}  # type: ignore[dict-item]
        created = await client.post("/api/v1/sites", json=body)
        assert created.status_code == 201, created.text
        site = created.json()
        deadline = time.monotonic() + _PATIENCE
        # An API that is short of time may refuse a question now and then.
        while (await client.get(f"/api/v1/sites/{site['id']}")).json().get("blueprint_version") is None:
            assert time.monotonic() < deadline, "no blueprint"
            await asyncio.sleep(0.5)
    return Scanned(site["id"], domain)


@pytest.fixture
def publish(platform: Platform) -> Publish:
    """Give a new site the blueprints of a test: `await publish(content, changed_content)`."""

    async def publish(*contents: Blueprint, **fields: object) -> Written:
        domain = f"written-{uuid4().hex[:8]}.example"
        settings = load_settings(database_url=platform.database_url)
        async with create_database(settings, role="test") as database:
            async with database.transaction() as session:
                site = Site(domain=domain, domain_unicode=domain, **fields)
                session.add(site)
                await session.flush()
                site_id: UUID = site.id
            versions = []
            for content in contents:
                async with database.transaction() as session:
                    made = await BlueprintService().publish(session, site_id=site_id, content=content)
                    versions.append(str(made.id))
        return Written(str(site_id), domain, versions)

    return publish


def category(name: str, parent: Category | None = None, **changes: object) -> Category:
    """A category below another."""
    identity = str(uuid4())
    made = Category(
        id=identity,
        name=name,
        slug=name.lower(),
        url=f"https://shop.example/c/{identity[:8]}",
        parent_id=parent.id if parent else None,
        depth=parent.depth + 1 if parent else 0,
        example_url=None,
        confidence=0.9,
    )
    return msgspec.structs.replace(made, **changes)


def selector(field_name: str, css: str, **changes: object) -> Selector:
    """A selector of product pages."""
    made = Selector(
        field_name=field_name,
        page_type="detail",
        css=css,
        xpath=f"//{css}",
        attribute=None,
        sample_values=["A sample"],
        confidence=0.9,
        test_pass_rate=1.0,
        method="heuristic",
        pages_tested=4,
    )
    return msgspec.structs.replace(made, **changes)


def content(**changes: object) -> Blueprint:
    """A small blueprint."""
    made = Blueprint(
        domain="shop.example",
        start_url="https://shop.example/",
        discovery_method="static",
        confidence_score=0.9,
        fingerprint=Fingerprint(
            platform="WooCommerce",
            requires_js=False,
            requires_js_confidence=0.8,
            requires_js_reasons=["The text is in the page as it is served."],
            technologies=[
                Technology(
                    name="WooCommerce",
                    group="platform",
                    version="9.1",
                    confidence=0.97,
                    evidence=[Evidence(kind="meta", detail="generator: Shop 9.1", url="https://shop.example/about")],
                )
            ],
            complexity_score=0.2,
            complexity_reasons=[Reason(factor="templates", weight=0.2, detail="Every site has templates of its own.")],
        ),
        categories=[category("Kitchen")],
        page_types=[
            PageType(
                name="detail",
                kind="product",
                url_pattern="^https://shop\\.example/p/",
                example_urls=["https://shop.example/p/1"],
                page_count=12,
                confidence=0.9,
            )
        ],
        selectors=[selector("name", "h1"), selector("price", "span.price")],
        endpoints=[
            Endpoint(
                url="https://shop.example/feed",
                method="GET",
                kind="feed",
                params=[],
                response_schema=None,
                confidence=0.9,
            )
        ],
        pagination=Pagination(kind="query", url_pattern="?page={page}", next_selector="a.next"),
        filters=[Filter(name="Colour", param="colour", kind="facet", values=["red", "blue"])],
        render_hints=RenderHints(requires_js=False, wait_for_selector=None, infinite_scroll=False, timeout_seconds=20),
    )
    return msgspec.structs.replace(made, **changes)
