import pytest

from tests.gitops.cases import broken, names, right
from tests.gitops.policies.objects import Document
from tests.gitops.references import access, databases, routing, secrets, selectors

REFERENCES = (
    access.accounts_exist,
    access.namespaces_exist,
    access.priorities_exist,
    access.roles_exist,
    access.volumes_are_mounted,
    databases.archives_exist,
    databases.backups_have_databases,
    databases.sources_are_declared,
    routing.gateway_policies_have_targets,
    routing.gateways_have_classes_and_issuers,
    routing.routes_have_backends,
    routing.routes_have_parents,
    secrets.config_maps_are_used,
    secrets.external_secrets_read_what_is_seeded,
    secrets.templates_use_what_is_read,
    secrets.used_config_maps_are_made,
    secrets.used_secrets_are_made,
    selectors.budgets_select_pods,
    selectors.monitors_select_ports,
    selectors.network_policies_name_served_ports,
    selectors.network_policies_select_pods,
    selectors.probes_ask_served_ports,
    selectors.scalers_have_targets,
    selectors.services_select_pods,
    selectors.workloads_select_their_pods,
)
each_reference = pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.__name__)


@each_reference
def test_references_resolve(reference, clusters: dict[str, list[Document]]) -> None:
    faults = [f"{cluster}: {fault}" for cluster, documents in clusters.items() for fault in reference(documents)]
    assert not faults, "\n".join(faults)


@each_reference
def test_a_dangling_reference_is_found(reference) -> None:
    documents, expected = broken("dangling", reference.__name__)
    faults = reference(documents)
    assert sorted({fault.object for fault in faults}) == expected, [str(fault) for fault in faults]


@each_reference
def test_the_valid_fixture_resolves(reference) -> None:
    assert [str(fault) for fault in reference(right())] == []


def test_each_reference_has_a_dangling_fixture() -> None:
    assert names("dangling") == {reference.__name__ for reference in REFERENCES}
