"""compose.yaml: what clusters run, on one machine, with no secret in it."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from webintel.settings import load_settings

ROOT = Path(__file__).parents[2]
WORKLOADS = ROOT / "gitops/base/workloads"
POSTGRES = ROOT / "gitops/components/postgres-statefulset/statefulset.yaml"
VALKEY = ROOT / "gitops/base/data/valkey/deployment.yaml"
OURS = {"api": "api", "migration": "migration", "web": "web", "worker": "worker"}
HERE = {"WEBINTEL_TRUSTED_PROXY_HOPS": "0", "WEBINTEL_API_PUBLIC_URL": "http://localhost:8000"}
"""What differs on one machine, where no gateway stands in front."""
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}

Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The Compose specification's own schema."""
    package = find_spec("check_jsonschema")
    if package is None or package.origin is None:
        pytest.skip("The Compose specification's schema comes with check-jsonschema: run `make setup`.")
    path = Path(package.origin).parent / "builtin_schemas/vendor/compose-spec.json"
    return dict(json.loads(path.read_text()))


def in_the_cluster(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A workload's pod and its first container, from the manifest."""
    path = {"postgres": POSTGRES, "valkey": VALKEY}.get(name) or next((WORKLOADS / name).glob("[dj]*o*.yaml"))
    pod = yaml.safe_load(path.read_text())["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([a-zA-Z]+)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, item in value.items():
                yield from (f"{key}={item}", *texts(item))
        case list():
            for item in value:
                yield from texts(item)
        case _:
            yield str(value)


def test_it_is_valid_by_the_specification(compose: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(schema).validate(compose)


@pytest.mark.parametrize("change", [{"comand": ["api"]}, {"ports": 8000}, {"depends_on": {"api": {"condition": "up"}}}])
def test_the_specification_refuses_mistakes(compose: dict[str, Any], schema: dict[str, Any], change: Service) -> None:
    broken = {**compose, "services": {**compose["services"], "api": {**compose["services"]["api"], **change}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(broken)


def test_the_ports_are_those_that_people_know_and_for_this_machine_only(compose: dict[str, Any]) -> None:
    published = {port for service in compose["services"].values() for port in service.get("ports", [])}
    assert published == {f"127.0.0.1:{port}:{port}" for port in (8000, 3000, 5432, 6379)}


@pytest.mark.parametrize("name", ["api", "migration", "web", "worker", "postgres", "valkey"])
def test_a_service_is_as_shut_in_as_in_the_cluster(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & service.keys()


def test_everything_that_serves_has_a_health_check(compose: dict[str, Any]) -> None:
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == {"migration"}


def test_each_starts_after_what_it_needs(compose: dict[str, Any]) -> None:
    needs = {
        name: {needed: how["condition"] for needed, how in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    assert needs["migration"] == {"postgres": "service_healthy"}
    assert needs["api"] == {"migration": "service_completed_successfully", "valkey": "service_healthy"}
    assert needs["worker"] == {"migration": "service_completed_successfully"}
    assert needs["web"] == {"api": "service_healthy"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_what_the_cluster_runs(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    pod, container = in_the_cluster(name)
    assert service["command"] == container["args"]
    assert service["build"] == {"context": ".", "dockerfile": "service/Dockerfile"}
    assert size(service["mem_limit"]) == size(container["resources"]["limits"]["memory"])
    if name != "migration":
        assert seconds(service["stop_grace_period"]) == pod["terminationGracePeriodSeconds"]
        probe = container["readinessProbe"]
        port = next(port["containerPort"] for port in container["ports"] if port["name"] == probe["httpGet"]["port"])
        assert f"http://127.0.0.1:{port}{probe['httpGet']['path']}" in service["healthcheck"]["test"][-1]
        assert seconds(service["healthcheck"]["interval"]) == probe["periodSeconds"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_has_the_settings_of_the_cluster(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    pod, container = in_the_cluster(name)
    assert container["envFrom"] == [{"configMapRef": {"name": "webintel-settings"}}]
    assert service["env_file"] == "gitops/base/workloads/settings.env"
    assert service["environment"] == HERE | {item["name"]: item["value"] for item in container.get("env", [])}
    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container["volumeMounts"]
        for volume in pod["volumes"]
        if volume["name"] == mount["name"]
        for source in volume.get("projected", {}).get("sources", [])
        # What only a rotation brings is not made on one machine.
        if not source["secret"].get("optional")
        for item in source["secret"]["items"]
    }
    assert {secret["target"] for secret in service.get("secrets", [])} == mounted


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_data_service_is_the_one_of_the_cluster(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    pod, container = in_the_cluster(name)
    assert service["image"] == container["image"]
    assert service["user"] == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert size(service["mem_limit"]) == size(container["resources"]["limits"]["memory"])
    said = " ".join(" ".join(service["command"]).replace("$$", "$").split())
    wanted = container["command"][-1] if name == "valkey" else " ".join([*container["command"], *container["args"]])
    assert " ".join(wanted.split()) in said


def test_what_is_mounted_from_the_repository_is_there_and_read_only(compose: dict[str, Any]) -> None:
    mounts = [
        volume for service in compose["services"].values() for volume in service.get("volumes", []) if volume[0] == "."
    ]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).exists()
        assert mode == "ro"


def test_no_password_is_in_the_file(compose: dict[str, Any]) -> None:
    for text in texts(compose):
        assert not re.search(r"://[^/\s:]*:[^@\s{$]+@", text), text
        assert not re.search(r"(?i)(password|secret_key|token)[\"']?\s*[:=]\s*[\"']?[^\s\"'$(/{.=]{4,}", text), text
    assert all(list(secret) == ["file"] for secret in compose["secrets"].values())


def test_every_secret_is_made_once_for_this_machine_only(compose: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/compose-secrets", tmp_path / ".ci")
    script = tmp_path / ".ci/compose-secrets"
    subprocess.run([script], check=True, umask=0o077)
    made = {str(path.relative_to(tmp_path)): path.read_text() for path in (tmp_path / ".secrets").iterdir()}
    assert set(made) == {secret["file"] for secret in compose["secrets"].values()}
    assert stat.S_IMODE((tmp_path / ".secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in made} == {0o644}
    assert len(made[".secrets/secret-key"]) == 64
    assert made[".secrets/postgres-password"] in made[".secrets/database-url"]
    assert made[".secrets/valkey-password"] in made[".secrets/redis-url"]
    assert len(set(made.values())) == len(made)

    subprocess.run([script], check=True)
    assert {name: (tmp_path / name).read_text() for name in made} == made


def test_git_does_not_take_the_secrets(compose: dict[str, Any]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("This is no git checkout: clone the repository to run this test.")
    files = [secret["file"] for secret in compose["secrets"].values()]
    ignored = subprocess.run(["git", "check-ignore", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == files


def test_what_the_secrets_hold_is_what_the_service_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/compose-secrets", tmp_path / ".ci")
    subprocess.run([tmp_path / ".ci/compose-secrets"], check=True)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for secret in compose["services"]["api"]["secrets"]:
        source = tmp_path / compose["secrets"][secret["source"]]["file"]
        (mounted / Path(secret["target"]).name).write_text(source.read_text())
    lines = (WORKLOADS / "settings.env").read_text().splitlines()
    shared = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for name, value in {**shared, **compose["services"]["api"]["environment"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WEBINTEL_SECRETS_DIR", str(mounted))
    settings = load_settings()
    assert settings.production
    assert settings.require_database_url().endswith("@postgres:5432/web_intelligence")
    assert settings.require_secret_key()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value().endswith("@valkey:6379/0")
