"""The guide and the README: every command in them is one that there is."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.gitops.rendering import ROOT
from webintel.settings import Settings

GUIDE = "DEPLOY_AND_SCALE.md"
PAGES = ("README.md", GUIDE)
PHASES = (
    "Local tests", "Images", "A cluster", "Autoscaling", "Tuning", "Monitoring and alerts", "Load at scale",
    "Troubleshooting", "Backup and disaster recovery", "Production checklist",
)  # fmt: skip
EVERYWHERE = {"cluster_kubeconfig"}


def text(page: str) -> str:
    return (ROOT / page).read_text()


def commands(page: str) -> list[str]:
    """What stands in blocks and between backticks."""
    blocks = re.findall(r"^```\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^```\n.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)
    return [line for line in lines if line] + re.findall(r"`([^`]+)`", rest)


def made(page: str) -> list[list[str]]:
    return [shlex.split(command) for command in commands(page) if command.startswith("make ")]


def variables(arguments: str) -> set[str]:
    """The variables that are given to a playbook."""
    given = shlex.split(arguments)
    values = [value for option, value in pairwise(given) if option == "-e"]
    return {
        name
        for value in values
        for name in (yaml.safe_load(value) if value.startswith("{") else [value.partition("=")[0]])
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_verb_of_make_and_every_playbook_exists_and_takes_what_it_is_given(page: str) -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    seen = made(page)
    assert seen
    for _, verb, *settings in seen:
        assert verb in verbs, verb
        given = dict(setting.split("=", 1) for setting in settings)
        if "ENV" in given:
            assert (ROOT / "ansible" / "inventories" / given["ENV"]).is_dir(), given
        if verb == "test":
            paths = given.get("ARGS", "").split()
            assert all((ROOT / path).exists() for path in paths), given
        if verb == "play":
            name = given["VERB"]
            assert (ROOT / "playbooks" / f"{name}.yml").is_file(), name
            assert variables(given.get("ARGS", "")) <= options_of(name) | EVERYWHERE, given


def options_of(playbook: str) -> set[str]:
    """What the role of a playbook's name takes; `site` has none, it runs those of the others."""
    specification = ROOT / "ansible" / "roles" / playbook / "meta" / "argument_specs.yml"
    if playbook == "site":
        return set()
    return set(yaml.safe_load(specification.read_text())["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("page", PAGES)
def test_every_playbook_that_is_only_named_exists(page: str) -> None:
    for name in re.findall(r"VERB=([a-z0-9_]+)", text(page)):
        assert (ROOT / "playbooks" / f"{name}.yml").is_file(), name


def test_every_playbook_is_in_the_guide() -> None:
    verbs = {file.stem for file in (ROOT / "playbooks").glob("*.yml")} - {"site"}
    assert verbs <= set(re.findall(r"VERB=([a-z0-9_]+)", text(GUIDE)))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    top = ("gitops/", "argocd/", "ansible/", "playbooks/", "tests/", "service/", ".ci/", ".github/")
    words = [word.strip(",.:;)'") for command in commands(page) for word in command.split()]
    paths = [word for word in words if word.startswith(top)]
    assert paths
    for path in paths:
        pattern = re.sub(r"<[a-z]+>|\{[^}]*\}", "*", path)
        made_by_its_owner = pattern.endswith("group_vars/all/vault.yml")
        assert made_by_its_owner or list(ROOT.glob(pattern.rstrip("/"))), path


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_leads_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([A-Za-z_.]*)#([^)]+)\)", text(page)):
        headings = re.findall(r"^#+ (.+)$", text(target or page), re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors


@pytest.mark.parametrize("page", PAGES)
def test_every_option_of_our_own_program_exists(page: str) -> None:
    for command in commands(page):
        found = re.match(r"(?:\.venv/bin/|docker compose exec api )webintel ([a-z]+(?: add)?)(.*)", command)
        if found:
            told = subprocess.run(
                [Path(sys.executable).with_name("webintel"), *found[1].split(), "--help"],
                capture_output=True, text=True, check=False, timeout=60,
            )  # fmt: skip
            assert told.returncode == 0, command
            for option in re.findall(r"--[a-z][a-z-]+", found[2]):
                assert option in told.stdout, command


def test_the_guide_has_its_ten_phases_and_each_line_of_the_checklist_a_command() -> None:
    headings = re.findall(r"^## (\d+)\. (.+)$", text(GUIDE), re.MULTILINE)
    assert headings == [(str(number), name) for number, name in enumerate(PHASES, 1)]
    checklist = text(GUIDE).partition("## 10. ")[2].splitlines()
    lines = [line for line in checklist if line.startswith("|")][2:]
    assert len(lines) > 10
    for line in lines:
        assert re.search(r"\| `make (play|test) [^`]+` \|$", line), line


def test_every_setting_that_the_guide_names_exists() -> None:
    load_testers = {"LOAD_API_KEY", "LOAD_TOKEN"}
    for name in re.findall(r"WEBINTEL_([A-Z_]+)", text(GUIDE)):
        assert name in load_testers or name.lower() in Settings.model_fields, name
