from decimal import Decimal

import pytest

from tests.gitops.policies.objects import Document
from tests.gitops.sizing import CHARTS, MIB, Node, Request, lasting, passing, place

# A machine that is sold with 2 GB shows a little less; the kubelet evicts pods when 100Mi are left.
SHOWN, EVICTION = Decimal(1920), Decimal(100)
# What k3s and the system take of it: the server has the API server, the controllers and their store in its process.
SERVER, AGENT = Decimal(640), Decimal(256)
# The pods that k3s brings.
BROUGHT = [
    Request("k3s: coredns", Decimal("0.1"), 70 * MIB),
    Request("k3s: metrics-server", Decimal("0.1"), 70 * MIB),
    Request("k3s: local-path-provisioner", Decimal("0.01"), 32 * MIB),
]


def three_small_nodes() -> list[Node]:
    taken = {"server": SERVER, "agent-1": AGENT, "agent-2": AGENT}
    return [Node(name, Decimal("1.8"), (SHOWN - EVICTION - part) * MIB) for name, part in taken.items()]


def table(nodes: list[Node], homeless: list[Request]) -> str:
    rest = [f"  {pod}" for pod in homeless]
    return "\n".join([*map(str, nodes), "no room for:", *rest])


def test_staging_fits_three_nodes_of_two_gigabytes(clusters: dict[str, list[Document]]) -> None:
    nodes = three_small_nodes()
    homeless = place(lasting(clusters["staging"], len(nodes)) + BROUGHT, nodes)
    assert not homeless, table(nodes, homeless)


def test_staging_has_room_for_each_job_and_rollout(clusters: dict[str, list[Document]]) -> None:
    nodes = three_small_nodes()
    place(lasting(clusters["staging"], len(nodes)) + BROUGHT, nodes)
    homeless = [pod for pod in passing(clusters["staging"]) if not any(node.fits(pod) for node in nodes)]
    assert not homeless, table(nodes, homeless)


@pytest.mark.parametrize("cluster", ["local", "staging", "production", "production-eu"])
def test_every_pod_says_what_it_asks_for(cluster: str, clusters: dict[str, list[Document]]) -> None:
    documents = clusters[cluster]
    assert all(pod.cpu > 0 and pod.memory > 0 for pod in lasting(documents, 3) + passing(documents))


def test_what_does_not_fit_is_told() -> None:
    nodes = [Node("one", Decimal(1), 512 * MIB)]
    small, large = Request("small", Decimal("0.5"), 256 * MIB), Request("large", Decimal("0.5"), 300 * MIB)
    assert place([small, large], nodes) == [small]
    assert nodes[0].pods == [large]


def test_a_chart_without_numbers_is_refused() -> None:
    application = {
        "kind": "Application",
        "spec": {"source": {"chart": "metrics-server", "helm": {"valuesObject": {"replicas": 2}}}},
    }
    with pytest.raises(ValueError, match="metrics-server: server does not say what it asks for"):
        lasting([application], 1)


def test_an_unknown_chart_is_refused() -> None:
    assert "wordpress" not in CHARTS
    with pytest.raises(ValueError, match="nobody knows the pods of the chart wordpress"):
        lasting([{"kind": "Application", "spec": {"source": {"chart": "wordpress"}}}], 1)


def test_a_step_before_counts_when_it_is_larger() -> None:
    def container(cpu: str, memory: str, **more: str) -> Document:
        return {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}

    job = {
        "kind": "Job",
        "metadata": {"name": "restore"},
        "spec": {
            "template": {
                "spec": {
                    "initContainers": [container("10m", "512Mi"), container("5m", "16Mi", restartPolicy="Always")],
                    "containers": [container("100m", "128Mi")],
                }
            }
        },
    }
    assert passing([job]) == [Request("restore", Decimal("0.105"), 512 * MIB)]
