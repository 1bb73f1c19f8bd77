"""What belongs to no area: the theme, and whether the API is back."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody

from webintel.web.api_state import ApiWatch, Condition
from webintel.web.returning import path_of, safe_path
from webintel.web.visit import Visit


class ThemeForm(msgspec.Struct):
    """Light, dark, or as the system has it."""

    theme: str = ""


@post("/theme", sync_to_thread=False)
def choose_theme(visit: NamedDependency[Visit], data: URLEncodedBody[ThemeForm]) -> Response[Any]:
    """Keep the choice, and show the page again."""
    visit.remember_theme(data.theme)
    return visit.redirect(safe_path(path_of(visit.request.headers.get("referer", ""))))


@get("/api-state")
async def api_state(
    visit: NamedDependency[Visit],
    api_watch: NamedDependency[ApiWatch],
    reload: FromQuery[bool] = False,
    then: FromQuery[str | None] = None,
) -> Response[Any]:
    """Tell a page that says the API is away how it is now; once it is back the page goes on, or says where to."""
    state = await api_watch.look()
    if state.condition is Condition.READY and then:
        # In place of what asks, so that nothing asks any more.
        headers = {"HX-Reswap": "outerHTML"}
        return visit.open_page("failures/back.html", headers=headers, then=safe_path(then))
    if state.condition is Condition.READY:
        go_on = {"HX-Refresh": "true"} if reload else {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        return Response("", media_type="text/html", headers=go_on)
    return visit.open_page("failures/state.html", state=state, reload=reload)


ROUTES = [choose_theme, api_state]
