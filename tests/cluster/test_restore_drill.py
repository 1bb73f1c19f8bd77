"""The restore drill makes a Cluster of CloudNativePG and never leaves it behind; the test plays the operator."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import pytest
import yaml
from sqlalchemy import make_url

from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.definitions import definitions
from tests.service.second_server import own_server
from webintel.db.engine import driver_dsn
from webintel.db.migrate import migrate
from webintel.settings import load_settings

COMPONENT = Path(__file__).parents[2] / "gitops" / "components" / "restore-drill-cloudnative"
MANIFEST = COMPONENT / "restored-cluster.yaml"
CLUSTER = ("postgresql.cnpg.io/v1", "Cluster")
NAME = yaml.safe_load(MANIFEST.read_text())["metadata"]["name"]
HEALTHY = "Cluster in healthy state"
UNRECOVERABLE = "Cluster is unrecoverable and needs manual intervention"


class Databases(NamedTuple):
    live: str
    restored: str

    async def failures(self) -> list[str | None]:
        """What the live database knows of the drills, oldest first."""
        connection = await asyncpg.connect(driver_dsn(self.live))
        rows = await connection.fetch("SELECT failure FROM restore_drills ORDER BY finished_at")
        await connection.close()
        return [row["failure"] for row in rows]


class Place(NamedTuple):
    """A namespace in which a service account may do what the component's Role says."""

    cluster: Cluster
    namespace: str
    options: list[str]

    def restored(self) -> dict[str, Any] | None:
        return self.cluster.get(*CLUSTER, NAME, self.namespace)

    def claims(self) -> list[dict[str, Any]]:
        return self.cluster.all("v1", "PersistentVolumeClaim", self.namespace)

    def make_cluster(self, **metadata: object) -> dict[str, Any]:
        """A Cluster with a volume, as an earlier drill may have left it."""
        manifest = yaml.safe_load(MANIFEST.read_text())
        manifest["metadata"] = {"name": NAME, "namespace": self.namespace, **metadata}
        made = self.cluster.apply_one(manifest).object
        self.make_claim(made)
        return made

    def make_claim(self, owner: dict[str, Any]) -> None:
        """A volume of a Cluster, as the operator makes it."""
        reference = {"apiVersion": CLUSTER[0], "kind": CLUSTER[1], "name": NAME, "uid": owner["metadata"]["uid"]}
        self.cluster.apply_one(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": f"{NAME}-1",
                    "namespace": self.namespace,
                    "labels": {"cnpg.io/cluster": NAME},
                    "ownerReferences": [{**reference, "controller": True}],
                },
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        )


@pytest.fixture(scope="module")
async def databases() -> AsyncIterator[Databases]:
    with own_server() as server:
        admin = await asyncpg.connect(driver_dsn(server.url))
        await admin.execute("CREATE DATABASE live")
        live, restored = (
            make_url(server.url).set(database=name).render_as_string(hide_password=False)
            for name in ("live", "restored")
        )
        await migrate(load_settings(database_url=live))
        connection = await asyncpg.connect(driver_dsn(live))
        await connection.execute(
            "INSERT INTO sites (id, created_at, updated_at, domain, domain_unicode, status, priority, revision) "
            "SELECT gen_random_uuid(), at, at, 'shop.example', 'shop.example', 'pending', 50, 1 "
            "FROM (SELECT now() - interval '2 days' AS at)"
        )
        await connection.close()
        await admin.execute("CREATE DATABASE restored TEMPLATE live")
        await admin.close()
        yield Databases(live, restored)


@pytest.fixture
def place(control_plane: Cluster, tmp_path: Path) -> Iterator[Place]:
    if not control_plane.own:
        pytest.skip("the operator of the cluster that --kubeconfig names would answer: run it without")
    namespace = f"restore-drill-{uuid4().hex[:8]}"
    role = yaml.safe_load((COMPONENT / "role.yaml").read_text())
    role["metadata"] = {"name": "restore-drill", "namespace": namespace}
    account = {"name": "restore-drill", "namespace": namespace}
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "restore-drill"},
        "subjects": [{"kind": "ServiceAccount", **account}],
    }
    control_plane.apply(
        [
            *(one for one in definitions() if one["metadata"]["name"] == "clusters.postgresql.cnpg.io"),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
            role,
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": account, **binding},
        ]
    )
    token = tmp_path / "token"
    accounts = control_plane.resource("v1", "ServiceAccount")
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = accounts.subresources["token"].create(name="restore-drill", namespace=namespace, body=asked)
    token.write_text(answer.status.token)
    server = control_plane.api.configuration
    options = [
        *("--cluster-manifest", str(MANIFEST), "--namespace", namespace),
        *("--kubernetes-api", server.host, "--kubernetes-token-file", str(token)),
        *("--kubernetes-ca-file", server.ssl_ca_cert),
    ]
    yield Place(control_plane, namespace, options)
    if (left := control_plane.get(*CLUSTER, NAME, namespace)) and left["metadata"].get("finalizers"):
        control_plane.patch(*CLUSTER, NAME, {"metadata": {"finalizers": None}}, namespace=namespace)
    control_plane.delete("v1", "Namespace", namespace)


@contextmanager
def operator(place: Place, *phases: str) -> Iterator[None]:
    """Take each new Cluster through some phases; with the last, its instances are ready if it is healthy."""
    ended = threading.Event()

    def work() -> None:
        done: set[str] = set()
        while not ended.wait(0.1):
            found = place.restored()
            if found is None or found["metadata"]["uid"] in done or "deletionTimestamp" in found["metadata"]:
                continue
            place.make_claim(found)
            for phase in phases:
                status = {"phase": phase, "instances": 1, "readyInstances": int(phase == HEALTHY)}
                place.cluster.patch(*CLUSTER, NAME, {"status": status}, namespace=place.namespace, subresource="status")
            done.add(found["metadata"]["uid"])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of error."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("webintel: ")]
        return line


async def run_drill(
    place: Place,
    databases: Databases,
    *options: str,
    restored: str | None = "",
    meanwhile: Callable[[asyncio.subprocess.Process], None] | None = None,
) -> Outcome:
    """Run the command as the CronJob does; `restored` is where the restored database answers, if not where it is."""
    environment = {**os.environ, "WEBINTEL_DATABASE_URL": databases.live}
    if restored is not None:
        environment["WEBINTEL_RESTORED_DATABASE_URL"] = restored or databases.restored
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webintel", "restore-drill", *place.options, *options),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(90):
            if meanwhile:
                await asyncio.to_thread(meanwhile, process)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Outcome(process.returncode or 0, out.decode(), err.decode())


async def test_it_restores_compares_and_leaves_nothing_behind(place: Place, databases: Databases) -> None:
    left_over = place.make_cluster()
    with operator(place, "Setting up primary", HEALTHY):
        outcome = await run_drill(place, databases)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "The backup restores: 1 rows came back, and it lacks nothing.\n"
    assert "left over from an earlier drill" in outcome.err
    assert left_over["metadata"]["uid"]
    assert (await databases.failures())[-1] is None
    assert place.restored() is None
    assert place.claims() == []


async def test_a_backup_that_cannot_be_recovered_is_no_reason_to_wait(place: Place, databases: Databases) -> None:
    with operator(place, "Setting up primary", UNRECOVERABLE):
        outcome = await run_drill(place, databases, "--restore-timeout", "80")
    assert outcome.code == 1
    assert f"Cluster {NAME} cannot recover the backup: {UNRECOVERABLE}" in outcome.error
    assert (await databases.failures())[-1] == outcome.error.removeprefix("webintel: ")
    assert place.restored() is None
    assert place.claims() == []


async def test_a_cluster_that_never_becomes_ready_is_deleted_in_the_end(place: Place, databases: Databases) -> None:
    with operator(place, "Setting up primary"):
        outcome = await run_drill(place, databases, "--restore-timeout", "4")
    assert outcome.code == 1
    assert "was not ready in time; it was last at: Setting up primary, 0 of 1 instances ready" in outcome.error
    assert place.restored() is None


async def test_told_to_end_it_cleans_up_first(place: Place, databases: Databases) -> None:
    def end_it(process: asyncio.subprocess.Process) -> None:
        place.cluster.wait_until(lambda: place.claims() and place.restored(), "the Cluster was made")
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)

    with operator(place, "Setting up primary"):
        outcome = await run_drill(place, databases, meanwhile=end_it)
    assert outcome.code == 1
    assert "stopped by a signal" in outcome.error
    assert "Traceback" not in outcome.err
    assert (await databases.failures())[-1] == outcome.error.removeprefix("webintel: ")
    assert place.restored() is None
    assert place.claims() == []


async def test_the_live_role_is_used_on_the_restored_host(place: Place, databases: Databases) -> None:
    with operator(place, HEALTHY):
        outcome = await run_drill(place, databases, "--restore-timeout", "4", restored=None)
    assert outcome.code == 1
    assert f"postgresql://webintel@{NAME}-rw.{place.namespace}:5432/live does not answer" in outcome.error
    assert place.restored() is None


async def test_what_cannot_be_deleted_is_said(place: Place, databases: Databases) -> None:
    place.make_cluster(finalizers=["webintel.io/test"])
    outcome = await run_drill(place, databases, "--cleanup-timeout", "2")
    assert outcome.code == 1
    assert f"was not gone from namespace {place.namespace} in time (the Cluster is still there)" in outcome.error


async def test_what_the_account_may_not_do_is_said(place: Place, databases: Databases) -> None:
    place.cluster.delete("rbac.authorization.k8s.io/v1", "RoleBinding", "restore-drill", place.namespace)
    outcome = await run_drill(place, databases)
    assert outcome.code == 1
    assert "The Kubernetes API refused GET" in outcome.error
    assert "forbidden" in outcome.error
