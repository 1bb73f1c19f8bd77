"""Servers that stall, fail or vanish: it is all counted, and nothing hangs."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.service.load.conftest import Answer, Ended, Serve, end_of, response, run_load, start_load
from webintel.load.cleaning import PATIENCE


async def well(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(response())


def stalling(at: int, seconds: float) -> Answer:
    """Answer at once, until the whole server stands still for a while from the n-th request on."""
    going = asyncio.Event()
    going.set()

    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        if number == at:
            going.clear()
            asyncio.get_running_loop().call_later(seconds, going.set)
        await going.wait()
        writer.write(response())

    return answer


async def measure(tmp_path: Path, *arguments: object) -> tuple[Ended, dict[str, Any]]:
    file = tmp_path / "out.json"
    done = await run_load(*arguments, "--json", file)
    return done, json.loads(file.read_text())


async def test_a_stall_shows_in_the_open_model_and_hides_in_the_closed_one(serve: Serve, tmp_path: Path) -> None:
    shared = ("--get", "/", "--seconds", "4")
    _, closed = await measure(tmp_path, *shared, "--users", "1", "--target", await serve(stalling(50, 2.0)))
    _, open_ = await measure(tmp_path, *shared, "--rate", "50", "--target", await serve(stalling(50, 2.0)))
    # One client waits and counts one slow request; fifty a second were due all the while.
    assert closed["latency"]["max"] >= 1.9
    assert closed["latency"]["p99"] < 1
    assert open_["latency"]["p90"] > 1
    assert open_["latency"]["max"] >= 1.9
    assert open_["requests"] == 200


async def test_waiting_for_a_connection_counts_too(serve: Serve, tmp_path: Path) -> None:
    done, found = await measure(
        tmp_path, "--get", "/", "--seconds", "3", "--rate", "50", "--connections", "1",
        "--target", await serve(stalling(25, 1.5)),
    )  # fmt: skip
    assert found["latency"]["p90"] > 0.5
    assert found["tester"]["processes"][0]["most_in_flight"] == 1
    assert any("waited for a free connection" in reason for reason in found["tester"]["at_its_limit"])
    assert "so the server may be faster than this" in done.out


async def broken(number: int, writer: asyncio.StreamWriter) -> None:
    if number % 5 == 0:
        writer.write(response(500))
    elif number % 5 == 1:
        writer.write(response(429, b"{}", "Retry-After: 9"))
    elif number % 5 == 2:
        writer.close()
    elif number % 5 == 3:
        writer.write(b"no HTTP at all\r\n\r\n")
        writer.close()
    else:
        await asyncio.sleep(600)


async def test_every_kind_of_failure_has_its_name(serve: Serve, tmp_path: Path) -> None:
    done, found = await measure(
        tmp_path, "--get", "/", "--users", "1", "--requests", "10", "--timeout", "0.5", "--seconds", "60",
        "--fail-if", "error_rate>0", "--target", await serve(broken),
    )  # fmt: skip
    assert done.code == 1
    assert "No request succeeded" in done.err
    assert found["errors"] == {
        "HTTP 429": 2,
        "closed by the server": found["errors"]["closed by the server"],
        "timeout": 2,
        "HTTP 500": 2,
    }
    assert sum(found["errors"].values()) == 10
    assert found["latency"]["max"] >= 0.5
    assert "WEBINTEL_RATE_LIMIT_PER_MINUTE" in done.out


async def test_thresholds_set_the_exit_code(serve: Serve, tmp_path: Path) -> None:
    url = await serve(well)
    options = ("--get", "/a?x=1", "--requests", "20", "--target", url)
    done, found = await measure(tmp_path, *options, "--fail-if", "p50>30s", "--fail-if", "requests<20")
    assert (done.code, found["thresholds_broken"], list(found["endpoints"])) == (0, [], ["GET /a"])
    done, found = await measure(tmp_path, *options, "--fail-if", "p50>30s", "--fail-if", "requests<1000")
    assert (done.code, found["thresholds_broken"]) == (3, ["requests<1000: it is 20"])
    assert "FAILED requests<1000: it is 20" in done.out


async def test_taking_away_waits_for_who_is_still_out_of_breath(serve: Serve) -> None:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        status = 503 if number == 1 else 200
        writer.write(response(status, b'{"items": []}', *(["Retry-After: 1"] if status == 503 else [])))

    async def silent(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            await asyncio.sleep(PATIENCE + 2)
        writer.write(response(200, b'{"items": []}'))

    for behaviour in (answer, silent):
        done = await run_load("--clean-up", "--target", await serve(behaviour), WEBINTEL_LOAD_API_KEY="key")
        assert (done.code, done.out) == (0, "0 sites of load tests removed.\n")
    gone = await run_load("--clean-up", "--target", "http://127.0.0.1:1", WEBINTEL_LOAD_API_KEY="key")
    assert gone.code == 1
    assert "not connected" in gone.error


async def test_nobody_there_is_no_success() -> None:
    done = await run_load("--get", "/", "--requests", "3", "--target", "http://127.0.0.1:1")
    assert done.code == 1
    assert "3 x not connected" in done.out


@pytest.mark.parametrize(
    ("number", "code", "processes"), [(signal.SIGTERM, 143, 1), (signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 2)]
)
async def test_a_signal_ends_it_with_what_was_measured(
    serve: Serve, tmp_path: Path, number: signal.Signals, code: int, processes: int
) -> None:
    file, seen = tmp_path / "out.json", asyncio.Event()

    async def answer(count: int, writer: asyncio.StreamWriter) -> None:
        writer.write(response())
        if count == 100:
            seen.set()

    process = await start_load(
        "--get", "/", "--users", "4", "--seconds", "3600", "--think", "0,0.01", "--processes", processes,
        "--json", file, "--target", await serve(answer),
    )  # fmt: skip
    await asyncio.wait_for(seen.wait(), 30)
    process.send_signal(number)
    done = await end_of(process)
    found = json.loads(file.read_text())
    assert done.code == code, done
    assert found["interrupted"] == number.name
    assert found["requests"] >= 90
    assert len(found["tester"]["processes"]) == processes
    assert f"ended early by {number.name}" in done.out


async def test_a_hanging_server_does_not_keep_it_from_ending(serve: Serve, tmp_path: Path) -> None:
    seen = asyncio.Event()

    async def hang(_: int, __: asyncio.StreamWriter) -> None:
        seen.set()
        await asyncio.sleep(600)

    process = await start_load(
        "--get", "/", "--rate", "20", "--seconds", "600", "--timeout", "300", "--target", await serve(hang)
    )
    await asyncio.wait_for(seen.wait(), 30)
    process.terminate()
    done = await end_of(process)
    assert done.code == 143
    assert "cut off at the end of the test" in done.out


async def test_processes_end_with_the_one_that_started_them(serve: Serve) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc: run it on Linux")
    seen = asyncio.Event()

    async def answer(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(response())
        seen.set()

    process = await start_load(
        "--get", "/", "--users", "2", "--seconds", "3600", "--processes", "2", "--target", await serve(answer)
    )
    await asyncio.wait_for(seen.wait(), 30)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    process.kill()
    await process.communicate()
    for _ in range(300):
        if not any(Path(f"/proc/{child}/cmdline").exists() and alive(child) for child in children):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("they live on")


def alive(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
