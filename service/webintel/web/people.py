"""Who is looking: asked once in a while, because every page shows it."""

import time
from collections import OrderedDict

from webintel.web.signed_in_api import Api
from webintel.web.views.accounts import Me

REMEMBER_SECONDS = 10.0
"""How long a page may still offer what a changed role no longer allows; the API refuses it at once."""
_MOST = 2_000


class People:
    """Remembers for some seconds whom an access token belongs to."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Me]] = OrderedDict()

    def known(self, access_token: str | None) -> Me | None:
        """Give the person without asking anybody."""
        expires_at, me = self._known.get(access_token or "", (0.0, None))
        return me if expires_at > time.monotonic() else None

    async def ask(self, api: Api, access_token: str | None) -> Me:
        """Give the person, from the API if need be."""
        known = self.known(access_token)
        return known if known is not None else await api.get("/api/v1/me", Me)

    def remember(self, access_token: str | None, me: Me) -> None:
        """Keep who it is."""
        if access_token is None:
            return
        self._known[access_token] = (time.monotonic() + REMEMBER_SECONDS, me)
        self._known.move_to_end(access_token)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
