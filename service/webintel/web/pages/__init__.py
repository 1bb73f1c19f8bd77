"""The pages. An area is added by its module's `AREA`, in the order of the navigation."""

from webintel.web.pages import common, sign_in, site, sites

COMMON = [*common.ROUTES, *sign_in.ROUTES]
AREAS = [
    sites.AREA,
    site.AREA,
]
