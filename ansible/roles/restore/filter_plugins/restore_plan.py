"""Decides what a restore still needs, from what git says (as it is live), what is remembered and what is there."""

import re

PLUGIN = "barman-cloud.cloudnative-pg.io"


def restore_database(server, cluster, settings):
    """The database in one shape, whichever of the two forms it has; nothing where none has an archive.

    `live` is what git told it: the archive's name, and where from and until when to restore. `whole` is whether it
    serves, as git describes it.
    """
    if cluster:
        return _cloudnative(cluster[0])
    if server and settings:
        status, data = server[0].get("status") or {}, settings[0]["data"]
        live = {"archive": data["BACKUP_SERVER"], "from": data["RESTORE_FROM"], "time": data["RESTORE_TIME"]}
        now = status.get("observedGeneration") == server[0]["metadata"]["generation"]
        latest = status.get("currentRevision") == status.get("updateRevision")
        whole = now and latest and status.get("readyReplicas", 0) == 1
        return {"kind": "StatefulSet", "uids": [], "live": live, "whole": whole, "follows": False}
    return {}


def _cloudnative(cluster):
    spec, status = cluster["spec"], cluster.get("status") or {}
    recovery = (spec.get("bootstrap") or {}).get("recovery") or {}
    external = {one["name"]: _parameters(one.get("plugin") or {}) for one in spec.get("externalClusters") or []}
    plugin = next((_parameters(one) for one in spec.get("plugins") or [] if one["name"] == PLUGIN), {})
    replica = spec.get("replica") or {}
    return {
        "kind": "Cluster",
        "uids": [cluster["metadata"]["uid"]],
        "live": {
            "archive": plugin.get("serverName", ""),
            "from": external.get(recovery.get("source"), {}).get("serverName", ""),
            "time": (recovery.get("recoveryTarget") or {}).get("targetTime", ""),
        },
        "whole": status.get("readyInstances", 0) == spec["instances"],
        "follows": replica.get("self") != replica.get("primary"),
        "store": plugin.get("barmanObjectName", ""),
        "external": spec.get("externalClusters") or [],
    }


def _parameters(plugin):
    return plugin.get("parameters") or {}


def restore_plan(database, claims, remembered, wish):
    """What is next (`commit`: git does not say it yet; `replace`, `await`, `done`), and what it goes by.

    `lost` are the identities of what is replaced: they are remembered before anything is deleted, so that what is
    made anew is never taken for it.
    """
    live = database["live"]
    known = remembered.get("restore") == restore_key(live)
    finished = database["whole"] or (known and remembered.get("finished") == "true")
    present = sorted(database["uids"] + [one["metadata"]["uid"] for one in claims])
    lost = remembered.get("lost", "").split(",") if known else present
    plan = {
        "known": known,
        "lost": lost,
        "volumes": [one["spec"]["volumeName"] for one in claims if one["spec"].get("volumeName")],
        "claims": [one["metadata"]["name"] for one in claims],
        "following": _counted_on(live["archive"]),
    }
    said = live["from"] and wish["time"] in ("", live["time"]) and wish["archive"] in ("", live["archive"])
    if not said or (finished and not database["whole"]):
        # Until a restore has ended, its new archive is empty, and what was lost is still in the one before.
        begun = live["from"] and not finished
        same = begun and database["kind"] == "StatefulSet"
        target = {
            "archive": wish["archive"] or (live["archive"] if same else plan["following"]),
            "from": live["from"] if begun else live["archive"],
            "time": wish["time"],
        }
        return {**plan, "next": "commit", "target": target}
    if known and set(lost) & set(present):
        step = "replace"
    elif database["whole"]:
        step = "done"
    else:
        step = "await" if known else "replace"
    return {**plan, "next": step, "target": live}


def restore_claims(claims):
    """The claims of the database, of either form."""
    own = (("app.kubernetes.io/name", "postgres"), ("cnpg.io/cluster", "postgres"))
    return [one for one in claims if set(own) & set((one["metadata"].get("labels") or {}).items())]


def restore_key(target):
    """What tells one restore from another."""
    return " ".join([target["archive"], target["from"], target["time"]])


def _counted_on(name):
    """The archive's next name: postgres, postgres-2, postgres-3."""
    found = re.fullmatch(r"(.*?)-(\d+)", name)
    return f"{found[1]}-{int(found[2]) + 1}" if found else f"{name}-2"


def restore_patch(database, target):
    """The patch by which CloudNativePG's Cluster is made from the archive of the one that was lost."""
    parameters = {"barmanObjectName": database["store"], "serverName": target["from"]}
    lost = {"name": "lost", "plugin": {"name": PLUGIN, "parameters": parameters}}
    others = [one for one in database["external"] if one["name"] != "lost"]
    until = {"recoveryTarget": {"targetTime": target["time"]}} if target["time"] else {}
    owner = {"database": "web_intelligence", "owner": "wip", "secret": {"name": "postgres-app"}}
    recovery = {"source": "lost", **owner, **until}
    return {"bootstrap": {"initdb": None, "recovery": recovery}, "externalClusters": [*others, lost]}


def restore_volume(name):
    """What keeps a volume when its claim goes."""
    spec = {"persistentVolumeReclaimPolicy": "Retain"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def restore_claim(name, namespace):
    """A claim, to be deleted."""
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace}}


class FilterModule:
    """Makes the functions filters."""

    def filters(self):
        """Each function under its own name."""
        functions = (
            restore_database,
            restore_plan,
            restore_claims,
            restore_key,
            restore_patch,
            restore_volume,
            restore_claim,
        )
        return {function.__name__: function for function in functions}
