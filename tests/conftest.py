"""What every test shares: no setting of the developer's own reaches a test."""

import os

import pytest

for name in [name for name in os.environ if name.startswith("WEBINTEL_") and not name.startswith("WEBINTEL_TEST_")]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options are known to pytest only from here, the uppermost folder."""
    parser.addoption("--kubeconfig", help="run the cluster tests on this cluster instead of one of their own")
