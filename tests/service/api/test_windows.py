"""Windows are exact, in memory and in Redis."""

import os
import uuid
from collections.abc import AsyncIterator

import pytest

from webintel.api.shared_windows import RedisWindows
from webintel.api.windows import MemoryWindows, Windows

REDIS_URL = os.environ.get("WEBINTEL_TEST_REDIS_URL", "")


@pytest.fixture(params=["memory", "redis"])
async def windows(request: pytest.FixtureRequest) -> AsyncIterator[Windows]:
    if request.param == "redis" and not REDIS_URL:
        pytest.skip("WEBINTEL_TEST_REDIS_URL names no Redis")
    made: Windows = MemoryWindows(60) if request.param == "memory" else RedisWindows(REDIS_URL, 60)
    yield made
    await made.close()


async def test_a_window_counts_to_its_limit_and_says_what_is_left(windows: Windows) -> None:
    name = uuid.uuid4().hex
    counts = [await windows.hit(name, 3) for _ in range(5)]
    assert [(count.allowed, count.remaining) for count in counts] == [
        (True, 2),
        (True, 1),
        (True, 0),
        (False, 0),
        (False, 0),
    ]
    assert all(1 <= count.reset_seconds <= 60 for count in counts)


async def test_looking_counts_nothing_and_clearing_forgets(windows: Windows) -> None:
    name = uuid.uuid4().hex
    assert (await windows.look(name, 1)).allowed
    assert (await windows.hit(name, 1)).allowed
    assert not (await windows.look(name, 1)).allowed
    assert (await windows.hit(uuid.uuid4().hex, 1)).allowed
    await windows.clear(name)
    assert (await windows.look(name, 1)).remaining == 1


async def test_what_is_older_than_the_window_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    windows = MemoryWindows(60)
    assert (await windows.hit("one", 2)).reset_seconds == 60
    now += 40
    assert (await windows.hit("one", 2)).reset_seconds == 20
    now += 20
    assert (await windows.hit("one", 2)).allowed
    assert not (await windows.hit("one", 2)).allowed


async def test_names_that_nobody_uses_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    windows = MemoryWindows(60)
    for number in range(100):
        await windows.hit(f"stranger {number}", 5)
    now += 30
    await windows.hit("somebody", 5)
    await windows.look("stranger 0", 5)
    now += 45
    await windows.hit("somebody else", 5)
    assert windows.names() == {"somebody", "somebody else"}
