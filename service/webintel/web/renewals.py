"""Refreshing a sign-in once, however many requests of one browser find their access token expired at once."""

import asyncio

from webintel.problems import NotSignedIn
from webintel.web.api import AnonymousApi
from webintel.web.views.accounts import Tokens


class Renewals:
    """One request to the API per refresh token and process; for other processes the API grants a leeway."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[Tokens | None]] = {}

    async def renew(self, refresh_token: str, api: AnonymousApi) -> Tokens | None:
        """Give new tokens, or none when the token is good no more."""
        task = self._under_way.get(refresh_token)
        if task is None:
            task = asyncio.create_task(_ask(refresh_token, api), name="renewal")
            self._under_way[refresh_token] = task
            task.add_done_callback(lambda done: self._forget(refresh_token, done))
        # A visitor who leaves must not take the answer away from the others.
        return await asyncio.shield(task)

    def _forget(self, refresh_token: str, done: "asyncio.Task[Tokens | None]") -> None:
        del self._under_way[refresh_token]
        # Looked at, so that a failure whose visitors have all left is no noise in the log.
        if not done.cancelled():
            done.exception()


async def _ask(refresh_token: str, api: AnonymousApi) -> Tokens | None:
    try:
        return await api.post("/api/v1/auth/refresh", Tokens, {"refresh_token": refresh_token})
    except NotSignedIn:
        return None
