"""Judges what preflight reads of the inventory, the repository and this machine."""

import re
from pathlib import Path

EXAMPLE = "example-"
# A value that stands there as it is: not behind `!vault`, and not in a file that is encrypted whole.
PLAIN = re.compile(r"^(vault_\w+):[ \t]*(?!!vault\b)(?=[^\s#])", re.MULTILINE)
ZEROS = "sha256:" + 64 * "0"
# Names that nobody will ever have (RFC 2606).
RESERVED = (".example", ".example.com", ".example.org", ".example.net")


def preflight_plain_secrets(files):
    """The files that hold values of the vault in plain text, and the names of these: {file: [name]}."""
    found = {}
    for file in files:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
        names = PLAIN.findall(text)
        if names:
            found[file] = names
    return found


def preflight_examples(values):
    """The names of those variables that still have the example's value."""
    return sorted(name for name, value in values.items() if str(value).startswith(EXAMPLE))


def preflight_source(source, example, cluster):
    """What of argocd/source.yaml is not this operator's yet: the repository, and that it names the cluster."""
    problems = []
    if source["repoURL"].rstrip("/").removesuffix(".git") == example.removesuffix(".git"):
        problems.append(
            {
                "problem": f"argocd/source.yaml still names the example's repository, {source['repoURL']}: "
                "Argo CD would make of the cluster what is written there, not here.",
                "mend": "Put the address of your own copy into data.repoURL, commit it and push it.",
            }
        )
    if cluster not in source["clusters"].strip("{}").split(","):
        problems.append(
            {
                "problem": f"data.clusters of argocd/source.yaml is {source['clusters']}: "
                f"no project of Argo CD reaches {cluster}.",
                "mend": f"Add {cluster} there, commit it and push it.",
            }
        )
    return problems


def preflight_digests(settings, cluster):
    """A warning where the image is none yet."""
    names = [one.get("newName", one["name"]) for one in settings.get("images", []) if one.get("digest") == ZEROS]
    return [
        {
            "problem": f"The digest of {name} is zeros: there is no such image, and its pods will wait for it.",
            "mend": f".ci/set-image {cluster} {name}@sha256:..., committed and pushed; "
            "or merge to main, which builds the first.",
        }
        for name in names
    ]


def preflight_names(unresolved, settings, cluster, external_dns):
    """A warning for each public name that does not lead anywhere."""
    warnings = []
    for name in unresolved:
        if name.endswith(RESERVED):
            mend = f"Put your own into gitops/clusters/{cluster}/settings/cluster-settings.yaml, commit it and push it."
        elif name.endswith(".localhost"):
            mend = f"Add to /etc/hosts of this machine: 127.0.0.1 {name}"
        elif external_dns:
            mend = (
                f"external-dns makes the record {name} A once the gateway has an address; its key must reach the zone."
            )
        else:
            mend = (
                "Once the gateway has an address (kubectl get gateways --all-namespaces), make the record "
                f"{name} A ADDRESS, or a CNAME to its name; no certificate is issued before."
            )
        key = next(key for key, value in settings.items() if value == name)
        warnings.append({"problem": f"{name} ({key}) does not resolve.", "mend": mend})
    return warnings


class FilterModule:
    """For Ansible."""

    def filters(self):
        """By their names in templates."""
        return {
            "preflight_plain_secrets": preflight_plain_secrets,
            "preflight_examples": preflight_examples,
            "preflight_source": preflight_source,
            "preflight_digests": preflight_digests,
            "preflight_names": preflight_names,
        }
