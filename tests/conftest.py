"""What every test shares: no setting of the developer's own reaches a test, and what may be skipped where."""

import os

import pytest

for name in [name for name in os.environ if name.startswith("WEBINTEL_") and not name.startswith("WEBINTEL_TEST_")]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options are known to pytest only from here, the uppermost folder."""
    parser.addoption("--kubeconfig", help="run the cluster tests on this cluster instead of one of their own")
    parser.addoption("--skip-nothing", action="store_true", help="fail where a test is skipped for want of a tool")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Being root is nothing that a person or CI could install."""
    if "root_only" in item.keywords and os.geteuid() != 0:
        pytest.skip("only root acts for another account")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """Make a skip a failure where everything has to be there."""
    report: pytest.TestReport = yield
    strict = item.config.getoption("--skip-nothing") and "root_only" not in item.keywords
    if strict and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"--skip-nothing: {call.excinfo.value if call.excinfo else 'skipped'}"
    return report
