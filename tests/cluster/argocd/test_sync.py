"""A merge is the only way in: what is in git comes into the cluster, and what is not goes out of it."""

from tests.cluster.argocd.hub import Hub

UNITS = ("foundation", "secrets", "data", "workloads", "edge")


def test_root_brings_up_everything_that_can_be_had_offline(hub: Hub) -> None:
    hub.wait("all units are Synced and Healthy", 90, lambda: hub.settled("root", *(f"local-{unit}" for unit in UNITS)))
