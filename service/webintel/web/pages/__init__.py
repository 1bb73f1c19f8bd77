"""The pages. An area is added by its module's `AREA`, in the order of the navigation."""

from webintel.web.pages import account, analytics, common, jobs, overview, sign_in, site, site_analytics, sites, users

COMMON = [*common.ROUTES, *sign_in.ROUTES]
AREAS = [
    overview.AREA,
    sites.AREA,
    site.AREA,
    site_analytics.AREA,
    jobs.AREA,
    analytics.AREA,
    users.AREA,
    account.AREA,
]
