"""What has to be done so that a workload has as many pods as asked for, although autoscalers and git say theirs."""

PAUSED = "autoscaling.keda.sh/paused-replicas"
AUTOMATIC = "auto"


def scaling(wanted, objects, manager):
    """Problems as sentences, definitions to apply, and Deployments to raise.

    An HPA and its range are git's, and Argo CD puts them back. What git does not name stays: that an HPA may take
    nothing away, which makes the number a floor. KEDA has a word for a number that holds: an annotation on its object.
    """
    plan = {"problems": [], "definitions": [], "raise": [], "floors": {}}
    known = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    for name, number in wanted.items():
        autoscaler, queue = known.get(("HorizontalPodAutoscaler", name)), known.get(("ScaledObject", name))
        if number != AUTOMATIC and not (str(number).isdigit() and not isinstance(number, bool)):
            plan["problems"].append(f"scale_replicas says {number!r} for {name}: give a number, or {AUTOMATIC}.")
        elif queue is not None:
            _pause(plan, queue, number, manager)
        elif autoscaler is not None:
            _hold(plan, autoscaler, known.get(("Deployment", name)), number)
        else:
            plan["problems"].append(f"Nothing scales {name}: scale_replicas may name {_names(known)}.")
    return plan


def _pause(plan, queue, number, manager):
    """KEDA: exactly so many, until the annotation is gone."""
    name, said = queue["metadata"]["name"], (queue["metadata"].get("annotations") or {}).get(PAUSED)
    most = queue["spec"].get("maxReplicaCount", 100)
    if said is not None and not _owns(queue, manager):
        plan["problems"].append(
            f"Git keeps {name} at {said} in this cluster, and Argo CD would put that back: remove the annotation "
            f"{PAUSED} in gitops (a standby region is promoted that way)."
        )
        return
    if number != AUTOMATIC and int(number) > most:
        plan["problems"].append(_too_many(name, number, most, "maxReplicaCount of the ScaledObject"))
        return
    annotations = {} if number == AUTOMATIC else {"annotations": {PAUSED: str(int(number))}}
    plan["definitions"].append(_definition(queue, annotations))
    if number != AUTOMATIC:
        plan["floors"][name] = int(number)


def _hold(plan, autoscaler, deployment, number):
    """An HPA: at least so many, until it may take away again."""
    name, spec = autoscaler["metadata"]["name"], autoscaler["spec"]
    if number == AUTOMATIC:
        plan["definitions"].append(_definition(autoscaler, {}))
        return
    least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
    if int(number) > most:
        plan["problems"].append(_too_many(name, number, most, "maxReplicas of the HorizontalPodAutoscaler"))
    elif int(number) < least:
        plan["problems"].append(
            f"{name} has at least {least} pods (minReplicas), and the autoscaler would be back at that within seconds: "
            f"change it in git."
        )
    elif deployment is None:
        plan["problems"].append(f"There is no Deployment {name}: has Argo CD synced the workloads?")
    else:
        behaviour = {"spec": {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}}
        plan["definitions"].append(_definition(autoscaler, {}) | behaviour)
        plan["floors"][name] = int(number)
        if deployment["spec"].get("replicas", 1) < int(number):
            plan["raise"].append({"name": name, "replicas": int(number)})


def _definition(one, metadata):
    place = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], "metadata": place | metadata}


def _owns(one, manager):
    """Whether a field manager has set the annotation."""
    field = f"f:{PAUSED}"
    return any(
        entry["manager"] == manager
        and field in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
        for entry in one["metadata"].get("managedFields") or []
    )


def _too_many(name, number, most, where):
    return (
        f"{number} pods are more than {name} may have: {most} ({where}), which the database's connections are counted "
        f"for. Raise it in git."
    )


def _names(known):
    return ", ".join(sorted({name for kind, name in known if kind != "Deployment"})) or "nothing: has Argo CD synced?"


class FilterModule:
    """What Ansible asks for."""

    def filters(self):
        """Name them."""
        return {"scaling": scaling}
