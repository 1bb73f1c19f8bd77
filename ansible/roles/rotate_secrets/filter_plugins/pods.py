"""What pods are given: the other value, how long tokens live, and the pod of a job that reaches the database."""

from typing import Any

TOKEN_SECONDS = "WEBINTEL_ACCESS_TOKEN_SECONDS"  # noqa: S105 - a variable's name
POD = (
    "automountServiceAccountToken",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
)
CONTAINER = ("image", "imagePullPolicy", "env", "envFrom", "resources", "securityContext", "volumeMounts")

Object = dict[str, Any]


def rotation_token_seconds(deployments: list[Object], settings: list[Object], default: int) -> int:
    """How long an access token lives by the settings that the API's pods are given."""
    held = {one["metadata"]["name"]: one.get("data") or {} for one in settings}
    found = ""
    for one in deployments:
        for container in one["spec"]["template"]["spec"]["containers"]:
            for source in container.get("envFrom") or []:
                found = held.get((source.get("configMapRef") or {}).get("name"), {}).get(TOKEN_SECONDS) or found
            for entry in container.get("env") or []:
                found = (entry.get("value") or found) if entry["name"] == TOKEN_SECONDS else found
    return int(found) if found else default


def rotation_pod(deployment: Object, secret: str, args: list[str]) -> Object:
    """A pod like one of the API's, for another command, which is given one of its secrets and no other."""
    pod = deployment["spec"]["template"]["spec"]
    container = {key: value for key, value in pod["containers"][0].items() if key in CONTAINER}
    return {
        **{key: value for key, value in pod.items() if key in POD},
        "restartPolicy": "Never",
        "containers": [{**container, "name": args[0], "args": args}],
        "volumes": [only(volume, secret) for volume in pod["volumes"]],
    }


def only(volume: Object, secret: str) -> Object:
    """A volume with one secret's files; one that projects none stays as it is."""
    if "projected" not in volume:
        return volume
    sources = [one for one in volume["projected"]["sources"] if (one.get("secret") or {}).get("name") == secret]
    return {**volume, "projected": {**volume["projected"], "sources": sources}}


def rotation_untold(deployments: list[Object], secret: str, key: str) -> list[str]:
    """The Deployments whose pods are not given an entry of a Secret: they would know one value alone."""
    return [
        one["metadata"]["name"]
        for one in deployments
        if not any(
            (source.get("secret") or {}).get("name") == secret
            and key in [item["key"] for item in source["secret"].get("items") or []]
            for volume in one["spec"]["template"]["spec"].get("volumes") or []
            for source in (volume.get("projected") or {}).get("sources") or []
        )
    ]


class FilterModule:
    """Registers them with Ansible."""

    def filters(self) -> dict[str, Any]:
        """By their names in templates."""
        return {
            "rotation_token_seconds": rotation_token_seconds,
            "rotation_pod": rotation_pod,
            "rotation_untold": rotation_untold,
        }
