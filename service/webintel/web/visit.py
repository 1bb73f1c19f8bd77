"""One request of a visitor: whom it comes from, the API for it, and the ways to answer it."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template
from litestar.types import Message, Scope

from webintel.problems import NotAllowed
from webintel.serving.address import client_address
from webintel.serving.observe import REQUEST_ID_HEADER
from webintel.settings import Settings
from webintel.web import flash
from webintel.web.api import AnonymousApi, Connections
from webintel.web.formats import words
from webintel.web.people import People
from webintel.web.renewals import Renewals
from webintel.web.session import CookieJar, Session
from webintel.web.signed_in_api import Api
from webintel.web.views.accounts import Me

THEMES = ("light", "dark")
_STATE = "visit"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What visits share."""

    settings: Settings
    connections: Connections
    jar: CookieJar
    people: People
    renewals: Renewals


class Visit:
    """What a handler works with."""

    def __init__(self, request: Request[Any, Any, Any], parts: Parts) -> None:
        self.request = request
        self.session = Session.of(parts.jar, request)
        self.anonymous_api = self._api(parts, time.monotonic() + parts.settings.api_patience_seconds)
        self.api = Api(self.anonymous_api, self.session, parts.renewals)
        self._parts = parts
        self._cookies: list[Cookie] = []

    @property
    def by_htmx(self) -> bool:
        """Whether a part of a page is wanted."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def path(self) -> str:
        """Where the visitor is: for a part of a page, the page that it belongs to."""
        return self.request.scope["path"]

    def unhurried_api(self) -> Api:
        """Give the API for work of many calls, each of which may take a visitor's patience."""
        return Api(self._api(self._parts, None), self.session, self._parts.renewals)

    async def me(self) -> Me:
        """Give the person who is looking.

        Raises:
            NotSignedIn: nobody we know.
        """
        me = await self._parts.people.ask(self.api, self.session.access_token)
        self._parts.people.remember(self.session.access_token, me)
        return me

    async def require(self, permission: str) -> None:
        """Refuse a page that the person's role has no use for; the API would refuse what it does anyway.

        Raises:
            NotAllowed: the role does not include it.
        """
        me = await self.me()
        if not me.may(permission):
            raise NotAllowed(f"Your role ({words(me.role).lower()}) does not allow this.")

    async def page(self, name: str, *, status_code: int = 200, **values: object) -> Template:
        """Answer with a page for people who have signed in."""
        return self._page(name, await self.me(), status_code, values)

    def open_page(
        self, name: str, *, status_code: int = 200, headers: dict[str, str] | None = None, **values: object
    ) -> Template:
        """Answer with a page for anybody; it shows the person only if that costs nothing."""
        return self._page(name, self._parts.people.known(self.session.access_token), status_code, values, headers)

    async def fragment(self, name: str, *, status_code: int = 200, **values: object) -> Template:
        """Answer with a part of a page for people who have signed in."""
        return Template(name, context={"me": await self.me(), **values}, status_code=status_code)

    def rendered(self, name: str, **values: object) -> str:
        """Give a part of a page as text, to send it as an event."""
        engine: Any = self.request.app.template_engine
        text: str = engine.get_template(name).render(**values)
        return text

    def redirect(self, path: str, message: str | None = None, tone: flash.Tone = flash.Tone.GOOD) -> Response[Any]:
        """Lead to another page, and say something there."""
        if message:
            said = flash.Flash(tone, message).encode()
            self._cookies.append(self._parts.jar.write(flash.COOKIE, said, flash.SECONDS))
        if self.by_htmx:
            return Response(None, status_code=HTTPStatus.OK, headers={"HX-Redirect": path})
        return Redirect(path, status_code=303)

    def remember_theme(self, theme: str) -> None:
        """Keep the choice between light and dark; anything else leaves it to the system."""
        chosen = theme if theme in THEMES else ""
        self._cookies.append(self._parts.jar.write("theme", chosen, 31536000 if chosen else 0))

    def cookies(self) -> Iterable[Cookie]:
        """Give what the answer must set."""
        return [*self.session.changes(), *self._cookies]

    def _page(
        self,
        name: str,
        me: Me | None,
        status_code: int,
        values: dict[str, object],
        headers: dict[str, str] | None = None,
    ) -> Template:
        said = flash.read_flash(self._parts.jar.read(self.request, flash.COOKIE))
        if said:
            self._cookies.append(self._parts.jar.write(flash.COOKIE, "", 0))
        theme = self._parts.jar.read(self.request, "theme")
        settings = self._parts.settings
        context = {
            "me": me,
            "here": self.path,
            "flash": said,
            "theme": theme if theme in THEMES else None,
            "api_url": settings.api_public_url or settings.api_url,
            **values,
        }
        return Template(name, context=context, status_code=status_code, headers=headers)

    def _api(self, parts: Parts, deadline: float | None) -> AnonymousApi:
        headers = {REQUEST_ID_HEADER: self.request.scope["state"].get("request_id", "")}
        hops = parts.settings.trusted_proxy_hops
        if hops:
            # The API counts as many proxies as we do, whoever asks it: each entry that it counts is the visitor.
            headers["X-Forwarded-For"] = ", ".join([client_address(self.request.scope, hops)] * hops)
        return AnonymousApi(parts.connections, headers, deadline)


def visit_of(request: Request[Any, Any, Any]) -> Visit:
    """Give the visit that a request is, the same one however often it is asked for."""
    state = request.scope["state"]
    if _STATE not in state:
        state[_STATE] = Visit(request, request.app.state.visits)
    visit: Visit = state[_STATE]
    return visit


def provide_visit(request: Request[Any, Any, Any]) -> Visit:
    """Give handlers the visit."""
    return visit_of(request)


async def set_cookies(message: Message, scope: Scope) -> None:
    """Write what has changed about the session into the answer, failures included."""
    visit = scope["state"].get(_STATE)
    if message["type"] != "http.response.start" or visit is None:
        return
    headers = [(b"set-cookie", cookie.to_header(header="").encode("latin-1")) for cookie in visit.cookies()]
    message["headers"] = [*message.get("headers", ()), *headers]
