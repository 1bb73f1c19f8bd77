"""A CloudNativePG Cluster that lives for as long as one drill."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from webintel.drill.errors import DrillError
from webintel.drill.kubernetes import KubernetesApi, KubernetesError, Object

GROUP, VERSION = "postgresql.cnpg.io", "v1"
HOPELESS = frozenset(
    {"Cluster is unrecoverable and needs manual intervention", "Invalid cluster definition"},
)
"""Phases that no waiting ends, in the operator's words."""
POLL_SECONDS = 2.0
SAY_SECONDS = 30.0

Say = Callable[[str], None]


def read_manifest(path: Path) -> Object:
    """Read the Cluster to make.

    Raises:
        DrillError: it is no Cluster, does not recover a backup, or could write to the archive that it reads.
    """
    try:
        content: Any = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise DrillError(f"{path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DrillError(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())}.") from error
    manifest = content if isinstance(content, dict) else {}
    spec = manifest.get("spec")
    kind = (manifest.get("apiVersion"), manifest.get("kind"))
    if kind != (f"{GROUP}/{VERSION}", "Cluster") or not isinstance(spec, dict):
        raise DrillError(f"{path} holds no Cluster of {GROUP}/{VERSION}.")
    if not (manifest.get("metadata") or {}).get("name"):
        raise DrillError(f"{path}: the Cluster has no metadata.name.")
    if not (spec.get("bootstrap") or {}).get("recovery"):
        raise DrillError(f"{path}: the Cluster has no spec.bootstrap.recovery, so it would restore nothing.")
    if any(plugin.get("isWALArchiver") for plugin in spec.get("plugins") or []) or spec.get("backup"):
        raise DrillError(f"{path}: the Cluster archives its own WAL (spec.plugins, spec.backup): a drill only reads.")
    return manifest


class DrillCluster:
    """Made, waited for, and deleted."""

    def __init__(self, api: KubernetesApi, manifest: Object, namespace: str, say: Say) -> None:
        self._api = api
        self._say = say
        self.name = str(manifest["metadata"]["name"])
        self.namespace = namespace
        self._manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        self._collection = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/clusters"
        self._path = f"{self._collection}/{self.name}"
        self._volumes = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"

    @property
    def host(self) -> str:
        """Where its primary answers."""
        return f"{self.name}-rw.{self.namespace}"

    async def create(self) -> None:
        """Make it."""
        await self._api.create(self._collection, self._manifest)
        self._say(f"made Cluster {self.name} in namespace {self.namespace}")

    async def until_ready(self, deadline: float) -> None:
        """Wait until every instance is ready.

        Raises:
            DrillError: it is not by the deadline, or never will be.
        """
        state, said_at = "", 0.0
        while True:
            before, problem = state, None
            try:
                state, ready = _state_of(await self._api.get(self._path))
                if ready:
                    self._say(f"Cluster {self.name} is ready")
                    return
            except KubernetesError as error:
                if not error.passing:
                    raise
                state = problem = str(error)
            if any(state.startswith(phase) for phase in HOPELESS):
                raise DrillError(f"Cluster {self.name} cannot recover the backup: {state}.")
            if time.monotonic() > deadline:
                raise DrillError(problem or f"Cluster {self.name} was not ready in time; it was last at: {state}.")
            if state != before or time.monotonic() - said_at > SAY_SECONDS:
                self._say(f"Cluster {self.name}: {state}")
                said_at = time.monotonic()
            await asyncio.sleep(POLL_SECONDS)

    async def delete(self, deadline: float) -> None:
        """Delete it with its volumes, and wait until all are gone, so that the next drill finds nothing of it.

        Raises:
            DrillError: something is left at the deadline.
        """
        asked = False
        while True:
            try:
                if not asked:
                    await self._api.delete(self._path)
                    asked = True
                left = await self._left()
                if not left:
                    return
            except KubernetesError as error:
                if not error.passing:
                    raise
                left = str(error).rstrip(".")
            if time.monotonic() > deadline:
                raise DrillError(
                    f"Cluster {self.name} was not gone from namespace {self.namespace} in time ({left}): "
                    "delete it by hand, with its volumes."
                )
            await asyncio.sleep(min(POLL_SECONDS, 0.5))

    async def exists(self) -> bool:
        """Whether there is one of its name."""
        return await self._api.get(self._path) is not None

    async def _left(self) -> str:
        if await self.exists():
            return "the Cluster is still there"
        claims = await self._api.get(self._volumes, labelSelector=f"cnpg.io/cluster={self.name}")
        return "its volumes are still there" if claims and claims.get("items") else ""


def _state_of(cluster: Object | None) -> tuple[str, bool]:
    """Where a Cluster stands, in words, and whether it is ready."""
    if cluster is None:
        raise DrillError("Somebody deleted the Cluster while it recovered.")
    status = cluster.get("status") or {}
    wanted, ready = cluster["spec"].get("instances", 1), status.get("readyInstances", 0)
    phase = status.get("phase") or "nothing said by the operator yet"
    reason = f" ({status['phaseReason']})" if status.get("phaseReason") else ""
    return f"{phase}{reason}, {ready} of {wanted} instances ready", ready >= wanted
