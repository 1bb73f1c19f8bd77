"""What sites are called, for lists of other things: asked once, because a site's domain never changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

import msgspec

from webintel.problems import NotSignedIn, Problem
from webintel.web.signed_in_api import Api

_MOST = 10_000
_AT_ONCE = 10


class _Named(msgspec.Struct):
    domain_unicode: str


class SiteNames:
    """Remembers domains."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, str] = OrderedDict()

    async def of(self, api: Api, site_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Give the domains of some sites; one that cannot be had now is left out."""
        wanted = set(site_ids)
        places = asyncio.Semaphore(_AT_ONCE)

        async def ask(site_id: UUID) -> None:
            async with places:
                try:
                    named = await api.get(f"/api/v1/sites/{site_id}", _Named)
                except NotSignedIn:
                    raise
                except Problem:
                    return
                self._known[site_id] = named.domain_unicode

        await asyncio.gather(*(ask(site_id) for site_id in wanted - self._known.keys()))
        found = {site_id: self._known[site_id] for site_id in wanted if site_id in self._known}
        for site_id in found:
            self._known.move_to_end(site_id)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found
