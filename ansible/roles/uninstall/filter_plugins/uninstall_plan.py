"""Decides what goes, in which order, and what stays, from what Argo CD says that each application made."""

# The way in goes first, operators go after what only they can clear away, and what others stand on goes last.
ORDER = ("edge", "workloads", "monitoring", "data", "secrets", "operators", "foundation")
DATA = ("data", "secrets", "foundation")
DATABASES = ("StatefulSet", "Cluster")
SEEDS = "platform-secrets"
CLUSTERS_OWN = {"default", "kube-node-lease", "kube-public", "kube-system"}
NAMESPACE, DEFINITION = "Namespace", "CustomResourceDefinition"
FIELDS = ("group", "version", "kind", "namespace", "name")


def uninstall_units(applications, remembered, cluster):
    """What each unit and operator of a cluster made: as it is remembered, or as Argo CD says it now."""
    units, prefix = dict(remembered), f"{cluster}-"
    for one in applications:
        name = one["metadata"]["name"]
        if not name.startswith(prefix) or name == f"{prefix}operators":
            continue
        made = (one.get("status") or {}).get("resources") or []
        units[name.removeprefix(prefix)] = {
            "operator": one["spec"]["project"] == "operators",
            "namespace": one["spec"]["destination"].get("namespace", ""),
            "resources": [{field: each[field] for field in FIELDS if each.get(field)} for each in made],
        }
    return units


def uninstall_strangers(applications, registered, cluster):
    """What else this Argo CD looks after, as sentences."""
    own = ("root", "argocd")
    others = [name for name in registered if name != cluster]
    names = [one["metadata"]["name"] for one in applications]
    known = tuple(f"{name}-" for name in (cluster, *others))
    strange = [name for name in names if name not in own and not name.startswith(known)]
    return [
        *(
            f"Argo CD here also looks after cluster {name}: delete its registration, Secret {name}, first."
            for name in others
        ),
        *(
            f"Application {name} is not of this repository: move it to another Argo CD, or delete it."
            for name in strange
        ),
    ]


def uninstall_plan(units, claims, served, given):
    """The waves and namespaces of what goes, what stays, and what has to be remembered of it."""
    data = given["data"]
    stays = {name: unit for name, unit in units.items() if not data and staying(name, unit, given["operators"])}
    every = {one["name"] for one in resources(units) if one["kind"] == NAMESPACE}
    every |= {unit["namespace"] for unit in units.values() if unit["operator"]}
    claimed = [one for one in claims if one["metadata"]["namespace"] in every]
    kept = set() if data else {SEEDS, *(one["metadata"]["namespace"] for one in claimed), *inhabited(stays)}
    namespaces = sorted(every - kept - CLUSTERS_OWN)
    going = sorted(set(units) - set(stays), key=lambda name: turn(name, units[name]))
    waves = [[document(one) for one in units[name]["resources"] if goes(one, served)] for name in going]
    definitions = [document(one) for one in resources(units) if one["kind"] == DEFINITION]
    return {
        "waves": [wave for wave in waves if wave],
        "namespaces": [document({"version": "v1", "kind": NAMESPACE, "name": name}) for name in namespaces],
        "definitions": definitions if data else [],
        "remembered": {} if data else remembered(units, stays, set(namespaces)),
        "kept": [] if data or not units else told(stays, claimed, kept & every, len(definitions)),
    }


def staying(name, unit, operators):
    """Whether it is data, or what data lives by."""
    return name in operators if unit["operator"] else name in DATA


def resources(units):
    """All of them."""
    return [one for unit in units.values() for one in unit["resources"]]


def inhabited(stays):
    """The namespaces of what stays; that a namespace is fenced in is no reason for it to stay."""
    found = {unit["namespace"] for unit in stays.values() if unit["operator"]}
    others = [unit for name, unit in stays.items() if name != "foundation"]
    return found | {one["namespace"] for unit in others for one in unit["resources"] if "namespace" in one}


def turn(name, unit):
    """The place in the order."""
    if unit["operator"]:
        name = "operators"
    return (ORDER.index(name) if name in ORDER else ORDER.index("monitoring"), name)


def goes(one, served):
    """Whether it is deleted by itself. What the cluster does not serve is gone already."""
    return one["kind"] not in {NAMESPACE, DEFINITION} and one["kind"] in served.get(api_version(one), {})


def api_version(one):
    """Group and version as manifests write them."""
    return f"{one['group']}/{one['version']}" if one.get("group") else one["version"]


def document(one):
    """As much of an object as it takes to delete it."""
    metadata = {key: one[key] for key in ("name", "namespace") if one.get(key)}
    return {"apiVersion": api_version(one), "kind": one["kind"], "metadata": metadata}


def uninstall_documents(objects):
    """As much of whole objects as it takes to delete them."""
    return [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "metadata": {key: one["metadata"][key] for key in ("name", "namespace") if one["metadata"].get(key)},
        }
        for one in objects
    ]


def remembered(units, stays, gone):
    """What is left once this is done."""
    left = {}
    for name, unit in units.items():
        found = [one for one in unit["resources"] if remains(one, name in stays, gone)]
        if found:
            left[name] = {**unit, "resources": found}
    return left


def remains(one, stays, gone):
    """Definitions do, for all objects of their kind would go with them."""
    if one["kind"] == NAMESPACE:
        return one["name"] not in gone
    return one["kind"] == DEFINITION or (stays and one.get("namespace") not in gone)


def told(stays, claimed, namespaces, definitions):
    """What was kept, in lines."""
    found = [one for one in resources(stays) if one["kind"] in DATABASES]
    databases = [f"{one['kind']} {one['namespace']}/{one['name']}" for one in found]
    volumes = [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in claimed]
    operators = [name for name, unit in stays.items() if unit["operator"]]
    lines = {
        "databases": databases,
        "volume claims": volumes,
        "namespaces": namespaces,
        "operators that they live by": operators,
        "definitions of kinds": [str(definitions)] if definitions else [],
    }
    return [f"{what}: {', '.join(sorted(names))}" for what, names in lines.items() if names]


class FilterModule:
    """For Ansible."""

    def filters(self):
        """All of them."""
        return {
            "uninstall_documents": uninstall_documents,
            "uninstall_plan": uninstall_plan,
            "uninstall_strangers": uninstall_strangers,
            "uninstall_units": uninstall_units,
        }
