"""What Argo CD has not taken over yet."""

TRACKED = "argocd.argoproj.io/tracking-id"


def untracked(definitions, live):
    """Those of the definitions whose live object, if there is one, Argo CD does not track."""
    owned = {identity(one) for one in live if TRACKED in (one["metadata"].get("annotations") or {})}
    return [one for one in definitions if identity(one) not in owned]


def identity(one):
    """Kind and name; all of them are in one namespace."""
    return one["kind"], one["metadata"]["name"]


class FilterModule:
    """For Ansible."""

    def filters(self):
        """The filter `untracked`."""
        return {"untracked": untracked}
