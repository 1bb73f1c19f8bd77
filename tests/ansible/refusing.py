"""An admission policy that refuses what the operator asks for, as an administrator may have put there."""

from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes.client import ApiException

from tests.cluster.control_plane.cluster import Cluster

REFUSAL = "this is not allowed for a while"
ADMISSION = "admissionregistration.k8s.io/v1"
POLICY = "ValidatingAdmissionPolicy"
NAME, PROBE = "refuse-the-operator", "is-it-refused"


@contextmanager
def refusing(cluster: Cluster, operation: str, resource: str, name: str = "", group: str = "") -> Iterator[None]:
    """Have the cluster refuse an operation on a resource, of one name or of all, while the block runs.

    What controllers do is not refused: only the operator is, whose kubeconfig the tests have too.
    """
    named = f" && request.name == '{name}'" if name else ""
    wanted = f"request.resource.resource == '{resource}' && request.operation == '{operation}'{named}"
    probe = f"request.resource.resource == 'configmaps' && request.name == '{PROBE}'"
    expression = f"request.userInfo.username != 'admin' || !(({wanted}) || ({probe}))"
    rules = [
        {"apiGroups": [of], "apiVersions": ["*"], "operations": [doing], "resources": [what]}
        for of, doing, what in ((group, operation, resource), ("", "CREATE", "configmaps"))
    ]
    policy = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": expression, "message": REFUSAL}],
    }
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    for kind, spec in ((POLICY, policy), (f"{POLICY}Binding", binding)):
        cluster.apply([{"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": NAME}, "spec": spec}])
    cluster.wait_until(lambda: refuses(cluster), "the policy is in force")
    try:
        yield
    finally:
        for kind in (f"{POLICY}Binding", POLICY):
            cluster.delete(ADMISSION, kind, NAME)
        cluster.wait_until(lambda: not refuses(cluster), "the policy is gone")


def refuses(cluster: Cluster) -> bool:
    """Whether the API server has heard of the policy."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": PROBE}}
    try:
        cluster.resource("v1", "ConfigMap").create(body=probe, namespace="default", dry_run="All")
    except ApiException as error:
        return REFUSAL in str(error.body)
    return False
