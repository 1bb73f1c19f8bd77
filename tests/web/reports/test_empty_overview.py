"""The overview of a platform on its first day."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.service.conftest import SECRET_KEY, MakeDatabase
from tests.web.browser import inspect
from tests.web.conftest import OpenAs, Person, add_people
from tests.web.platform import Platform, StillPlatform, running
from webintel.db import create_database
from webintel.settings import load_settings


@pytest.fixture(scope="module")
async def platform(
    make_database: MakeDatabase, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """API and web UI on an empty database."""
    database_url = await make_database(template)
    async with running(StillPlatform(database_url, SECRET_KEY, 9, tmp_path_factory.mktemp("empty"))) as platform:
        yield platform


@pytest.fixture(scope="module")
async def people(platform: Platform) -> dict[str, Person]:
    """One person of each role."""
    async with create_database(load_settings(database_url=platform.database_url), role="test") as database:
        return await add_people(database)


async def test_an_empty_platform_says_what_to_do_first(open_as: OpenAs) -> None:
    viewer = await open_as("viewer", "/")
    await expect(viewer.get_by_text("An admin or a product lead can add the first one.")).to_be_visible()
    await expect(viewer.get_by_role("button", name="Add the site")).to_have_count(0)
    await viewer.goto("/analytics")
    await expect(viewer.get_by_role("heading", name="No discovery has ended in the last 90 days")).to_be_visible()
    await inspect(viewer, "analytics-empty")
    for path, said in (("/sites", "No sites yet"), ("/jobs", "No jobs yet")):
        await viewer.goto(path)
        await expect(viewer.get_by_role("heading", name=said)).to_be_visible()
        await inspect(viewer, f"{path[1:]}-empty")
    page = await open_as("admin", "/")
    await expect(page.get_by_role("heading", name="Add the first site")).to_be_visible()
    await inspect(page, "overview-empty")
    await page.goto("/sites")
    await inspect(page, "sites-empty-admin")
    await page.goto("/")
    await page.get_by_label("Domain").fill("first.example")
    await page.get_by_role("button", name="Add the site").click()
    await expect(page.get_by_text("first.example is registered")).to_be_visible()
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_text("Nothing at the moment.")).to_be_visible()
    await expect(page.get_by_text("so there is nothing to plot")).to_be_visible()
    await inspect(page, "overview-first-site")
