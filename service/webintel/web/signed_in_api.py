"""Asking the API on behalf of whoever has signed in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx

from webintel.problems import NotSignedIn
from webintel.web.api import AnonymousApi, Parameters, decoded
from webintel.web.renewals import Renewals
from webintel.web.session import Session

Content = TypeVar("Content")


class Api:
    """What a page asks; a sign-in that has grown old is renewed on the way."""

    def __init__(self, api: AnonymousApi, session: Session, renewals: Renewals) -> None:
        self.anonymous = api
        self._session = session
        self._renewals = renewals

    async def get(self, path: str, kind: type[Content], params: Parameters | None = None) -> Content:
        """Read something."""
        content: Content = decoded(await self._call("GET", path, params=params), kind)
        return content

    async def get_tagged(self, path: str, kind: type[Content]) -> tuple[Content, str]:
        """Read something with its ETag, to change only this state later."""
        response = await self._call("GET", path)
        return decoded(response, kind), response.headers.get("etag", "")

    async def post(self, path: str, kind: type[Content], body: object = None) -> Content:
        """Make something."""
        content: Content = decoded(await self._call("POST", path, body=body), kind)
        return content

    async def patch(self, path: str, kind: type[Content], body: object, etag: str | None = None) -> Content:
        """Change something, with a tag only when nobody has changed it since."""
        headers = {"If-Match": etag} if etag else None
        content: Content = decoded(await self._call("PATCH", path, body=body, headers=headers), kind)
        return content

    async def send(self, method: str, path: str, body: object = None) -> None:
        """Do something that has no answer but that it is done."""
        await self._call(method, path, body=body)

    @asynccontextmanager
    async def stream(self, path: str, params: Parameters | None = None) -> AsyncIterator[httpx.Response]:
        """Read an answer as it comes: a download, or events."""
        headers = await self._credentials()
        async with self.anonymous.stream(path, params=params, headers=headers) as response:
            yield response

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Parameters | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = {**(headers or {}), **await self._credentials()}
        try:
            return await self.anonymous.call(method, path, body=body, params=params, headers=sent)
        except NotSignedIn:
            # The token can be refused before its time: the API's key was changed, or the person's role.
            await self._renew()
            return await self.anonymous.call(
                method, path, body=body, params=params, headers={**sent, **await self._credentials()}
            )

    async def _credentials(self) -> dict[str, str]:
        if self._session.access_token is None:
            await self._renew()
        return {"Authorization": f"Bearer {self._session.access_token}"}

    async def _renew(self) -> None:
        if not await self._session.renew(self._renewals, self.anonymous):
            raise NotSignedIn("Your sign-in has ended.")
