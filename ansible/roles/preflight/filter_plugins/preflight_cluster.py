"""Judges what preflight reads of a cluster: each problem with the command or line that mends it."""

from decimal import Decimal

DEFAULT_CLASS = "is-default-class"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MILLI = Decimal(1) / 1000


def quantity(text):
    """A number of Kubernetes, such as 500m, 2 or 1.5Gi."""
    text = str(text)
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return Decimal(text.removesuffix(unit)) * factor
    return Decimal(text.removesuffix("m")) * MILLI if text.endswith("m") else Decimal(text)


def preflight_reviews(permissions):
    """The resourceAttributes that ask for permissions such as `get,list secrets in platform-secrets`."""
    reviews = []
    for line in permissions:
        verbs, _, rest = line.partition(" ")
        resource, _, namespace = rest.partition(" in ")
        resource, _, part = resource.partition("/")
        name, _, group = resource.partition(".")
        for verb in verbs.split(","):
            one = {"verb": verb, "group": group, "resource": name, "subresource": part, "namespace": namespace}
            reviews += [one] if one not in reviews else []
    return reviews


def preflight_permissions(denied, user):
    """One problem for each place and set of verbs that is missing."""
    if any(one["verb"] == "escalate" for one in denied):
        return [
            {
                "problem": f"{user} may not {spoken(denied)}; "
                "whoever installs Argo CD gives it the right to do everything.",
                "mend": "kubectl create clusterrolebinding webintel-operator --clusterrole=cluster-admin "
                f"{subject(user)}, or another kubeconfig: -e cluster_kubeconfig=...",
            }
        ]
    verbs = {}
    for one in denied:
        verbs.setdefault((one["namespace"], full_name(one)), []).append(one["verb"])
    resources = {}
    for (namespace, name), missing in verbs.items():
        resources.setdefault((namespace, tuple(missing)), []).append(name)
    problems = []
    for number, ((namespace, missing), names) in enumerate(resources.items(), 1):
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        role = f"webintel-operator-{number}"
        binding = (
            f"kubectl --namespace {namespace} create rolebinding" if namespace else "kubectl create clusterrolebinding"
        )
        problems.append(
            {
                "problem": f"{user} may not {', '.join(missing)} {', '.join(names)} {where}.",
                "mend": f"kubectl create clusterrole {role} --verb={','.join(missing)} --resource={','.join(names)} && "
                f"{binding} {role} --clusterrole={role} {subject(user)}",
            }
        )
    return problems


def spoken(denied):
    """Some of what is missing, in words."""
    parts = [f"{one['verb']} {full_name(one)}" for one in denied]
    return ", ".join(parts[:6]) + (f" and {len(parts) - 6} more" if len(parts) > 6 else "")


def full_name(one):
    """A resource as kubectl names it."""
    name = f"{one['resource']}.{one['group']}" if one["group"] else one["resource"]
    return f"{name}/{one['subresource']}" if one["subresource"] else name


def subject(user):
    """Who asks, as kubectl binds roles to it."""
    account = user.split(":")
    if len(account) == 4 and account[1] == "serviceaccount":
        return f"--serviceaccount={account[2]}:{account[3]}"
    return f"--user={user}"


def preflight_clock(ahead, most):
    """A problem where the two clocks are further apart than they may be."""
    if abs(ahead) <= most:
        return []
    which = "ahead of" if ahead > 0 else "behind"
    return [
        {
            "problem": f"The API server's clock is {abs(ahead):.0f} s {which} this machine's; {most} s are allowed. "
            "Tokens, certificates and the ages of backups would be misjudged.",
            "mend": "On whichever is wrong: timedatectl set-ntp true. "
            "Where it may stay so: -e preflight_clock_seconds=...",
        }
    ]


def preflight_storage(classes, volumes):
    """A problem where a claim that names no class would wait for ever."""
    marked = [one for one in classes if annotated(one)]
    # Without a default class, a claim takes a volume that has none either.
    by_hand = [one for one in volumes if not one["spec"].get("storageClassName")]
    if marked or by_hand:
        return []
    if not classes:
        mend = "Install a provisioner: a cloud's CSI driver, or github.com/rancher/local-path-provisioner (k3s has it)."
        return [{"problem": "The cluster has no StorageClass: the database would wait for its volume.", "mend": mend}]
    names = sorted(one["metadata"]["name"] for one in classes)
    return [
        {
            "problem": f"None of the StorageClasses ({', '.join(names)}) is the default: "
            "the database would wait for its volume.",
            "mend": f"kubectl annotate storageclass {names[0]} storageclass.kubernetes.io/{DEFAULT_CLASS}=true",
        }
    ]


def annotated(one):
    """Whether a StorageClass is the default."""
    notes = one["metadata"].get("annotations") or {}
    return any(name.endswith(f"/{DEFAULT_CLASS}") and value == "true" for name, value in notes.items())


def preflight_nodes(nodes):
    """A problem where no node takes pods."""
    if any(takes_pods(one) for one in nodes):
        return []
    if not nodes:
        return [{"problem": "The cluster has no node.", "mend": "Add one; where it is k3s: make play VERB=k3s."}]
    names = ", ".join(one["metadata"]["name"] for one in nodes)
    return [
        {
            "problem": f"No node is ready and takes pods: {names}.",
            "mend": "kubectl describe nodes says why one is not; kubectl uncordon NODE opens one that was closed.",
        }
    ]


def takes_pods(node):
    """Ready, open, and without a taint that our pods do not tolerate."""
    conditions = (node.get("status") or {}).get("conditions") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    taints = node["spec"].get("taints") or []
    return (
        ready and not node["spec"].get("unschedulable") and all(one["effect"] == "PreferNoSchedule" for one in taints)
    )


def preflight_room(nodes, count, parts):
    """A warning where the nodes that take pods are fewer or smaller than what git asks for, part by part."""
    taking = [one for one in nodes if takes_pods(one)]
    short = [f"{len(taking)} of {count} nodes"] if len(taking) < count else []
    for name, unit, factor in (("cpu", "CPUs", 1), ("memory", "Gi of memory", 2**30)):
        has = sum(quantity(one["status"]["allocatable"][name]) for one in taking)
        wanted = sum(quantity(part[name]) for part in parts)
        if has < wanted:
            short.append(f"{has / factor:.2f} of {wanted / factor:.2f} {unit}")
    if not taking or not short:
        return []
    return [
        {
            "problem": f"The nodes that take pods have {', '.join(short)} that the platform asks for at its smallest.",
            "mend": "Add nodes, or larger ones; without, pods stay Pending until an autoscaler brings some.",
        }
    ]


def preflight_quotas(quotas, limits, namespaces):
    """What would refuse our pods, claims and Services in the namespaces that they are for."""
    problems = []
    for one in quotas:
        needs = namespaces.get(one["metadata"]["namespace"])
        if needs and not one["spec"].get("scopes") and not one["spec"].get("scopeSelector"):
            problems += quota(one, needs, [each for each in limits if place(each)[0] == place(one)[0]])
    for one in limits:
        needs = namespaces.get(one["metadata"]["namespace"])
        for item in one["spec"]["limits"] if needs else []:
            problems += limit(one, item, needs)
    return problems


def place(one):
    """Namespace and name."""
    return one["metadata"]["namespace"], one["metadata"]["name"]


def quota(one, needs, limits):
    """What of a quota is less than needed, or demands what our containers do not say."""
    namespace, name = place(one)
    hard = one["spec"].get("hard") or {}
    less = [
        f"{key} {value} of {needs[key]}"
        for key, value in hard.items()
        if key in needs and quantity(value) < quantity(needs[key])
    ]
    problems = []
    if less:
        values = ", ".join(f'"{each.split(" ")[0]}": "{needs[each.split(" ")[0]]}"' for each in less)
        problems.append(
            {
                "problem": f"ResourceQuota {name} in namespace {namespace} allows less than the platform needs: "
                f"{', '.join(less)}.",
                "mend": f"kubectl --namespace {namespace} patch resourcequota {name} --type merge "
                f'--patch \'{{"spec": {{"hard": {{{values}}}}}}}\', or more.',
            }
        )
    unsaid = [key for key in needs.get("unsaid", []) if key in hard and not given(key, limits)]
    if unsaid:
        problems.append(
            {
                "problem": f"ResourceQuota {name} in namespace {namespace} counts {', '.join(unsaid)}, "
                "so that it refuses every container that does not say it; not all of ours do.",
                "mend": f"Take it out of the quota (kubectl --namespace {namespace} edit resourcequota {name}), "
                "or give containers a default by a LimitRange.",
            }
        )
    return problems


def given(key, limits):
    """Whether a LimitRange says it for containers that do not."""
    part, _, name = key.partition(".")
    field = {"limits": ("default",), "requests": ("defaultRequest", "default")}[part]
    items = [item for one in limits for item in one["spec"]["limits"] if item["type"] == "Container"]
    return any(name in (item.get(each) or {}) for item in items for each in field)


def limit(one, item, needs):
    """What of one line of a LimitRange refuses a container or a claim of ours."""
    wanted = needs.get({"Container": "container", "PersistentVolumeClaim": "claim"}.get(item["type"], ""))
    if not wanted:
        return []
    namespace, name = place(one)
    refused = [
        f"{item['type']}s with {wanted[bound][key]} {key}, its {bound} is {value}"
        for bound, wrong in (("max", Decimal.__lt__), ("min", Decimal.__gt__))
        for key, value in (item.get(bound) or {}).items()
        if key in wanted.get(bound, {}) and wrong(quantity(value), quantity(wanted[bound][key]))
    ]
    if not refused:
        return []
    return [
        {
            "problem": f"LimitRange {name} in namespace {namespace} refuses {'; '.join(refused)}.",
            "mend": f"kubectl --namespace {namespace} edit limitrange {name}",
        }
    ]


class FilterModule:
    """For Ansible."""

    def filters(self):
        """By their names in templates."""
        return {
            "preflight_reviews": preflight_reviews,
            "preflight_permissions": preflight_permissions,
            "preflight_clock": preflight_clock,
            "preflight_storage": preflight_storage,
            "preflight_nodes": preflight_nodes,
            "preflight_room": preflight_room,
            "preflight_quotas": preflight_quotas,
        }
