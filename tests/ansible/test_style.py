"""What every role and playbook keeps to: said once here instead of in each review."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.conftest import MakePlayer
from tests.ansible.playing import ANSIBLE, PLAYBOOKS, PROGRAM, ROOT

ROLES = sorted(path for path in (ANSIBLE / "roles").iterdir() if path.is_dir())
VERBS = sorted(PLAYBOOKS.glob("*.yml"))
NESTED = ("block", "rescue", "always")
# What holds a value that must not be seen.
SECRET = re.compile(r"\bvault_\w+|password|secret_key|access_token|\bkind: Secret\b", re.IGNORECASE)
# They carry a secret's name or say what is wrong with it, never its value.
SPEAKS = ("ansible.builtin.debug", "ansible.builtin.fail", "ansible.builtin.assert", "ansible.builtin.include_tasks")
TOOLS = re.compile(r"\b(kubectl|helm)\b")
RUNS = ("ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw", "ansible.builtin.script")

Task = dict[str, Any]


def flat(tasks: list[Task]) -> list[Task]:
    """Every task, those of blocks too; what a block says of `no_log` holds for what is in it."""
    found = []
    for task in tasks:
        inner = [{"no_log": task.get("no_log", False), **one} for key in NESTED for one in task.get(key, [])]
        found += flat(inner) if inner else [task]
    return found


def tasks_of(role: Path) -> list[Task]:
    files = sorted([*(role / "tasks").rglob("*.yml"), *(role / "handlers").rglob("*.yml")])
    return [task for file in files for task in flat(yaml.safe_load(file.read_text()) or [])]


def needs_no_log(task: Task) -> bool:
    """Whether a task's text names a secret, but for its name, its conditions and what it only says."""
    if any(speaks in task for speaks in SPEAKS):
        return False
    text = yaml.safe_dump({key: value for key, value in task.items() if key not in {"name", "when", "no_log", "vars"}})
    return bool(SECRET.search(text))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_says_what_it_is_given(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {}
    assert specs["short_description"]
    assert all(option["description"] and option["type"] for option in specs["options"].values())
    assert all(name.startswith(f"{role.name}_") for name in defaults)
    # What may be set is said, and whoever sets a secret is not told it again when it is wrong.
    assert set(defaults) <= set(specs["options"])
    secret = [option for name, option in specs["options"].items() if SECRET.search(name)]
    assert not any("choices" in option or "default" in option for option in secret)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_secret_passes_through_a_task_that_logs(role: Path) -> None:
    assert [task["name"] for task in tasks_of(role) if needs_no_log(task) and task.get("no_log") is not True] == []


def test_a_task_that_logs_a_secret_is_found() -> None:
    text = "- name: Ask\n  ansible.builtin.uri:\n    url: x\n    body: {password: '{{ vault_x }}'}\n"
    (careless,) = flat(yaml.safe_load(f"- name: All\n  block:\n    {text.replace(chr(10), chr(10) + '    ')}"))
    assert needs_no_log(careless)
    assert careless["no_log"] is False
    (covered,) = flat([{"name": "All", "no_log": True, "block": [careless | {"no_log": True}]}])
    assert covered["no_log"] is True


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_role_calls_kubectl_or_helm(role: Path) -> None:
    called = [task["name"] for task in tasks_of(role) for module in RUNS if TOOLS.search(str(task.get(module, "")))]
    assert called == []


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.stem)
def test_a_playbook_is_a_list_of_roles_and_begins_with_preflight(verb: Path) -> None:
    plays = yaml.safe_load(verb.read_text())
    if verb.stem != "preflight":
        assert plays[0]["ansible.builtin.import_playbook"] == "preflight.yml"
        assert plays[0]["vars"] == {"preflight_for": verb.stem}
    for play in plays:
        assert "tasks" not in play
        for role in play.get("roles", []):
            assert role["tags"] == ("always" if role["role"] == "preflight" else role["role"])
            assert (ANSIBLE / "roles" / role["role"]).is_dir()


def test_a_playbook_that_reaches_nobody_fails(player: MakePlayer, tmp_path: Path) -> None:
    """Each begins with preflight, which is where it ends."""
    inventory = tmp_path / "nobody" / "hosts.yml"
    inventory.parent.mkdir()
    own = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(yaml.safe_dump({"all": {"children": {"somebody": {"hosts": {"elsewhere": own}}}}}))
    operator = player(None, str(inventory.parent))
    given = {"cluster_name": "local", "cluster_environment": "local", "cluster_kubeconfig": "/nowhere"}
    done = operator.play("site", **given)
    assert done.code != 0
    assert "control" in done.text
    assert done.tasks == []
    # The group may have another name.
    reached = operator.play("preflight", control_group="somebody", **given)
    assert reached.failures() == ["preflight : Tell all problems"]


def test_handlers_are_called_by_topic() -> None:
    for role in ROLES:
        handlers = [task for file in (role / "handlers").glob("*.yml") for task in yaml.safe_load(file.read_text())]
        called = {task["notify"] for task in tasks_of(role) if "notify" in task}
        assert called == {task.get("listen") for task in handlers}, role.name


def test_the_guide_names_every_tag() -> None:
    guide = (ROOT / "DEPLOY_AND_SCALE.md").read_text()
    listed = subprocess.run(
        [PROGRAM, "--inventory", ANSIBLE / "inventories" / "local", "--list-tags", *VERBS],
        cwd=ROOT,
        env={"ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tags = {tag.strip() for found in re.findall(r"TASK TAGS: \[(.*)\]", listed) for tag in found.split(",")} - {""}
    assert tags - {"always"} == {verb.stem for verb in VERBS} - {"preflight", "site"}
    assert [tag for tag in tags - {"always"} if f"`{tag}`" not in guide] == []


def test_every_inventory_is_of_a_cluster_that_there_is() -> None:
    inventories = {path.name for path in (ANSIBLE / "inventories").iterdir()}
    clusters = {path.name for path in (ROOT / "gitops" / "clusters").iterdir()}
    assert inventories == clusters
    for name in inventories:
        said = yaml.safe_load((ANSIBLE / "inventories" / name / "group_vars" / "all" / "main.yml").read_text())
        settings = yaml.safe_load((ROOT / f"gitops/clusters/{name}/settings/cluster-settings.yaml").read_text())["data"]
        assert said["cluster_name"] == settings["cluster"] == name
        assert said["cluster_environment"] == settings["environment"]
        assert said["cluster_region"] == settings["region"]


def test_the_collections_are_those_that_the_package_brings() -> None:
    wanted = yaml.safe_load((ANSIBLE / "collections" / "requirements.yml").read_text())["collections"]
    used = {
        module.rpartition(".")[0]
        for role in ROLES
        for task in tasks_of(role)
        for module in task
        if module.count(".") == 2 and not module.startswith("ansible.builtin.")
    }
    assert used == {one["name"] for one in wanted}


def test_a_run_needs_nothing_but_the_repository() -> None:
    """No path of somebody's machine is in a role, a playbook or an inventory."""
    listed = subprocess.run(
        ["git", "ls-files", "ansible", "playbooks"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert listed
    own = re.compile(r"/(home|Users|root)/")
    assert [name for name in listed if (ROOT / name).is_file() and own.search((ROOT / name).read_text())] == []
