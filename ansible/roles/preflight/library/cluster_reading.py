#!/usr/bin/python
"""Read in one go what preflight judges: the clock, what the caller may do, and objects of the cluster."""

import json
import time
from email.utils import parsedate_to_datetime

from ansible.module_utils.basic import AnsibleModule, env_fallback

DOCUMENTATION = r"""
module: cluster_reading
short_description: Read the clock of the API server, what the caller may do, and objects of the cluster
description:
  - It changes nothing. What is posted are questions about the caller, of which the API server stores none.
  - One module instead of many tasks, since each would load the client again.
options:
  kubeconfig: {description: Who asks. K8S_AUTH_KUBECONFIG without it., type: path}
  reviews:
    description: What the caller should be allowed, each as the resourceAttributes of a SelfSubjectAccessReview.
    type: list
    elements: dict
    default: []
  paths: {description: What is read, by names of the caller's choice., type: dict, default: {}}
  timeout: {description: Seconds for each question., type: int, default: 20}
author: [The Web Intelligence Platform]
"""
RETURN = r"""
reason: {description: Why there is no answer; empty where there is one., type: str, returned: always}
client: {description: The version of the Python package kubernetes., type: str, returned: always}
version: {description: "What the API server says of itself.", type: dict, returned: where it answers}
clock_seconds: {description: How far its clock is ahead of this machine's., type: float, returned: where it answers}
user: {description: Who asks., type: str, returned: where it answers}
denied: {description: Those of the reviews that are not allowed., type: list, returned: where it answers}
objects: {description: "The objects by the names of paths, empty where unread.", type: dict, returned: where it answers}
unread: {description: "The names of paths not answered, and why.", type: dict, returned: where it answers}
"""
# Long, and nothing is judged by them.
LEFT_OUT = (("metadata", "managedFields"), ("status", "images"))


class SilentError(Exception):
    """There is no answer that can be used; the text says why."""


class Server:
    """The API server that a kubeconfig names."""

    def __init__(self, kubeconfig, timeout):
        """Connect as the kubeconfig says."""
        from kubernetes import config

        self.api = config.new_client_from_config(config_file=kubeconfig)
        self.timeout = timeout

    def ask(self, method, path, body=None):
        """The answer's headers, status and content."""
        request = self.api.param_serialize(
            method,
            path,
            header_params={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self.api.call_api(*request, _request_timeout=self.timeout)
        content = answer.read()
        try:
            return answer, json.loads(content)
        except ValueError:
            return answer, {"message": content[:300].decode(errors="replace")}

    def version(self):
        """What it says of itself, and how far its clock is ahead. The header leaves parts of a second out."""
        before = time.time()
        answer, content = self.ask("GET", "/version")
        here = (before + time.time()) / 2
        if answer.status != 200:
            raise SilentError(f"{answer.status} {content.get('message', '')}")
        there = parsedate_to_datetime(answer.getheader("Date")).timestamp() + 0.5
        return content, round(there - here, 1)

    def review(self, group, kind, spec):
        """Ask about the caller; the status of the answer."""
        body = {"apiVersion": f"{group}/v1", "kind": kind, **({"spec": spec} if spec else {})}
        answer, content = self.ask("POST", f"/apis/{group}/v1/{kind.lower()}s", body)
        if answer.status != 201:
            raise SilentError(f"{kind}: {answer.status} {content.get('message', '')}")
        return content["status"]

    def items(self, path):
        """The objects of a list, or why they cannot be read."""
        answer, content = self.ask("GET", path)
        if answer.status != 200:
            return [], f"{answer.status} {content.get('message', '')}"
        for one in content["items"]:
            for part, name in LEFT_OUT:
                one.get(part, {}).pop(name, None)
        return content["items"], ""


def read(server, reviews, paths):
    """All that is asked for."""
    version, clock = server.version()
    user = server.review("authentication.k8s.io", "SelfSubjectReview", None)["userInfo"]["username"]
    denied = [
        one
        for one in reviews
        if not server.review("authorization.k8s.io", "SelfSubjectAccessReview", {"resourceAttributes": one})["allowed"]
    ]
    found = {name: server.items(path) for name, path in paths.items()}
    return {
        "version": version,
        "clock_seconds": clock,
        "user": user,
        "denied": denied,
        "objects": {name: items for name, (items, _) in found.items()},
        "unread": {name: said for name, (_, said) in found.items() if said},
    }


def main():
    """Read; that nobody answers is an answer too."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
            "reviews": {"type": "list", "elements": "dict", "default": []},
            "paths": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    try:
        import kubernetes
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        module.exit_json(changed=False, client="", reason=f"the Python package kubernetes is missing: {error}")
    asked, known = module.params, {"changed": False, "client": kubernetes.__version__}
    # A broken kubeconfig shows itself in many ways, all of them the operator's to mend.
    broken = (HTTPError, OSError, ValueError, TypeError, KeyError, AttributeError)
    try:
        found = read(Server(asked["kubeconfig"], asked["timeout"]), asked["reviews"], asked["paths"])
    except (SilentError, kubernetes.config.ConfigException, kubernetes.client.ApiException, *broken) as error:
        module.exit_json(**known, reason=(str(error) or repr(error))[:300])
    module.exit_json(**known, reason="", **found)


if __name__ == "__main__":
    main()
