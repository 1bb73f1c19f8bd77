"""A platform that has worked for months and stands still now, so that pages can be compared with the API."""

from collections.abc import AsyncIterator

import pytest

from tests.service.conftest import SECRET_KEY, MakeDatabase
from tests.web.conftest import Person, add_people
from tests.web.platform import Platform, StillPlatform, running
from tests.web.reports.past import Past, invent_past
from webintel.db import create_database
from webintel.settings import load_settings


@pytest.fixture(scope="package")
async def platform(
    make_database: MakeDatabase, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """API and web UI on a database of their own."""
    database_url = await make_database(template)
    async with running(StillPlatform(database_url, SECRET_KEY, 9, tmp_path_factory.mktemp("reports"))) as platform:
        yield platform


@pytest.fixture(scope="package")
async def people(platform: Platform) -> dict[str, Person]:
    """One person of each role."""
    async with create_database(load_settings(database_url=platform.database_url), role="test") as database:
        return await add_people(database)


@pytest.fixture(scope="package")
async def past(platform: Platform) -> Past:
    """What has happened on it."""
    return await invent_past(platform.database_url)
