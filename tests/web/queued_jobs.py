"""Jobs that wait, because the worker rests until a test lets it go on."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.web.conftest import ApiAs
from tests.web.platform import Platform, Program

NewDomain = Callable[[], str]
Started = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def idle_worker(platform: Platform) -> Iterator[Program]:
    """The worker at rest, so that jobs stay queued; it goes on with `thaw`."""
    platform.worker.freeze()
    yield platform.worker
    platform.worker.thaw()


@pytest.fixture
async def started(api_as: ApiAs, new_domain: NewDomain) -> Started:
    """Register a site, which starts its first job: `site = await started()` has `domain` and `job_id`."""

    async def started() -> dict[str, Any]:
        response = await (await api_as("admin")).post("/api/v1/sites", json={"domain": new_domain()})
        assert response.status_code == 201, response.text
        site: dict[str, Any] = response.json()
        return site

    return started
