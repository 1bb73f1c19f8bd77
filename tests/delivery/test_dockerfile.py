"""What the Dockerfile promises, read from it."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.delivery.dockerfile import Stage, parse

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "service/Dockerfile").read_text()


@pytest.fixture
def stages() -> list[Stage]:
    return parse(TEXT)


@pytest.fixture
def final(stages: list[Stage]) -> Stage:
    return stages[-1]


def test_every_stage_begins_with_one_base_known_by_its_digest(stages: list[Stage]) -> None:
    names = {stage.name for stage in stages}
    foreign = [stage.base for stage in stages if stage.base not in names]
    assert len(foreign) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", foreign[0])


def test_it_runs_as_one_account_without_privileges_on_a_read_only_tree(final: Stage) -> None:
    assert final.values("USER") == ["10001:10001"]
    assert final.pairs("ENV")["HOME"] == "/tmp"  # noqa: S108 - the one place that can be written
    assert final.values("STOPSIGNAL") == ["SIGTERM"]
    assert final.values("ENTRYPOINT") == ['["webintel"]']


def test_the_last_stage_only_receives(final: Stage) -> None:
    assert not final.values("RUN")
    assert [step.source_stage for step in final.instructions if step.keyword == "COPY"] == ["build"]


def test_it_says_what_it_is(final: Stage) -> None:
    labels = {name.removeprefix("org.opencontainers.image.") for name in final.pairs("LABEL")}
    assert {"title", "description", "licenses", "source", "revision"} <= labels


def test_packages_come_from_the_lock_file_and_tools_have_a_version(stages: list[Stage]) -> None:
    commands = " && ".join(command for stage in stages for command in stage.values("RUN"))
    assert "uv sync --frozen --no-dev" in commands
    assert "--all-extras" not in commands
    assert "--extra" not in commands
    tools = re.search(r"pip install ([^&]+?)(?: &&|$)", commands)
    assert tools
    assert all(re.fullmatch(r"[a-z]+==[\d.]+", tool) for tool in tools.group(1).split())


def test_uv_is_the_one_that_developers_use() -> None:
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert version
    assert f"uv=={version.group(1)}" in TEXT


def test_the_base_has_a_python_that_the_project_supports(stages: list[Stage]) -> None:
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    version = re.match(r"python:(\d+)\.(\d+)", stages[0].base)
    assert version
    assert tuple(map(int, version.groups())) >= tuple(map(int, lowest.split(".")))


def test_health_is_left_to_who_runs_it() -> None:
    assert "HEALTHCHECK" not in TEXT


@pytest.mark.parametrize("line", ["ADD https://example.com/x /x", "HEALTHCHECK CMD true", "ONBUILD RUN true"])
def test_an_instruction_that_the_tests_would_not_follow_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="unknown instruction"):
        parse(f"FROM base\n{line}\n")
