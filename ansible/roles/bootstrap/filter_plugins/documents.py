"""Reading what kustomize rendered."""

import yaml


def documents(rendered):
    """The objects of a stream of YAML.

    `from_yaml_all` marks each of the hundred thousand values of Argo CD's kinds with the place it came from, and every
    later use copies the marks: half a minute on each run.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [one for one in yaml.load_all(str(rendered), loader) if one]


class FilterModule:
    """For Ansible."""

    def filters(self):
        """The one there is."""
        return {"documents": documents}
