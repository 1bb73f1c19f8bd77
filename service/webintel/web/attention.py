"""Where a person goes who takes care of what needs one."""

from collections.abc import Sequence

import msgspec

from webintel.web.views.dashboard import Alert, AlertItem

_SHOWN = 3
_SITE = ("/sites/{item.site_id}", "Open the site")
_JOB = ("/jobs/{item.job_id}", "See the job")
_LEADS = {
    "jobs_dead": _JOB,
    "jobs_waiting": _JOB,
    "sites_failed": ("/sites/{item.site_id}/jobs", "See its jobs"),
    "sites_in_review": ("/sites/{item.site_id}/blueprint", "Review the blueprint"),
    "selectors_fell": ("/sites/{item.site_id}/versions", "Compare the versions"),
    "sites_not_discovered": ("/sites/{item.site_id}", "Start an update"),
}
_ALL = {"sites_failed": "/sites?status=failed", "sites_in_review": "/sites?status=review"}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at, and where."""

    item: AlertItem
    href: str
    action: str


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """Things of one kind: some at first sight, the others to unfold, and where all of them are listed."""

    alert: Alert
    first: list[Case]
    more: list[Case]
    all_href: str | None

    @property
    def critical(self) -> bool:
        """Whether it stops work."""
        return self.alert.severity == "critical"

    @property
    def unlisted(self) -> int:
        """How many the API counted and did not list."""
        return max(self.alert.count - len(self.alert.items), 0)


def concerns(alerts: Sequence[Alert]) -> list[Concern]:
    """Lead from each alert to the page where something can be done about it."""
    return [_concern(alert) for alert in alerts]


def _concern(alert: Alert) -> Concern:
    cases = [_case(alert.kind, item) for item in alert.items]
    return Concern(alert=alert, first=cases[:_SHOWN], more=cases[_SHOWN:], all_href=_ALL.get(alert.kind))


def _case(kind: str, item: AlertItem) -> Case:
    # A newer API may know kinds that we do not, and of a job it may not tell which one.
    pattern, action = _LEADS.get(kind, _SITE)
    if item.job_id is None and "job_id" in pattern:
        pattern, action = _SITE
    return Case(item=item, href=pattern.format(item=item), action=action)
