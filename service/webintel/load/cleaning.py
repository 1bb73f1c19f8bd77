"""Asking the API before a test who we are, and taking away after it what it made."""

import asyncio
import time

import msgspec

from webintel.load.actions import ACTIONS, PUBLIC, SITES, SUFFIX
from webintel.load.credentials import API_KEY_VARIABLE, TOKEN_VARIABLE, Credentials
from webintel.load.errors import LoadError
from webintel.load.lanes import Answer, Lane, tls_context
from webintel.load.plan import Plan
from webintel.load.targets import Target

AT_ONCE = 8
PATIENCE = 10.0
"""Seconds for one request."""
DEFAULT_WAIT = 2.0
"""Seconds after no answer, or a 429 or 503 that does not say how long."""


class Cleaned(msgspec.Struct, frozen=True):
    """What became of the sites of a test.

    Attributes:
        removed: how many are gone.
        problem: why some are left; none where none is.
    """

    removed: int = 0
    problem: str | None = None


class _Me(msgspec.Struct):
    permissions: list[str] = []
    role: str = "?"


class _Site(msgspec.Struct):
    id: str
    domain: str


class _Sites(msgspec.Struct):
    items: list[_Site]


_NEEDED = {"create": "change_sites", "change": "change_sites", "delete": "delete_sites"}


async def check(target: Target, credentials: Credentials, plan: Plan, *, keep: bool) -> None:
    """Look whether the API answers and lets us do what the plan asks for, before anything is measured.

    Raises:
        LoadError: it does not.
    """
    ours = plan.actions & ACTIONS.keys() - PUBLIC
    lane = Lane(target, tls_context(target), credentials.of(0), PATIENCE)
    try:
        if not ours:
            return
        if not credentials.headers:
            raise LoadError(f"{', '.join(sorted(ours))} need a credential: put an API key into {API_KEY_VARIABLE}.")
        _check_me(target, await lane.send("GET", "/api/v1/me"), ours, keep=keep)
    finally:
        await lane.close()


def _check_me(target: Target, answer: Answer, ours: set[str], *, keep: bool) -> None:
    if answer.status == 401:
        raise LoadError(f"{target.url} does not accept the credential: renew {API_KEY_VARIABLE} or {TOKEN_VARIABLE}.")
    if answer.error:
        raise LoadError(f"{target.url}/api/v1/me does not answer as it should ({answer.error}): is the API up?")
    try:
        me = msgspec.json.decode(answer.content, type=_Me)
    except msgspec.DecodeError:
        raise LoadError(f"{target.url} is no API of this platform: check the address.") from None
    may = {text.replace(":", "_").replace("-", "_") for text in me.permissions}
    needed = {_NEEDED[name] for name in ours & _NEEDED.keys()}
    if "create" in ours and not keep:
        needed.add("delete_sites")
    if missing := sorted(needed - may):
        raise LoadError(
            f"The credential's role ({me.role}) lacks {', '.join(missing)}: take an admin's key"
            f"{', or --keep and remove the sites later' if missing == ['delete_sites'] else ''}."
        )


async def clean(target: Target, credentials: Credentials, run: str, seconds: float) -> Cleaned:
    """Delete the sites of a run, or of all runs where none is named.

    They are looked up, not remembered: an answer that was lost may have made a site as well.
    """
    wanted = f"{run}-" if run else f".{SUFFIX}"
    lanes = [Lane(target, tls_context(target), credentials.of(0), PATIENCE) for _ in range(AT_ONCE)]
    cleaner = _Cleaner(lanes, wanted, time.monotonic() + seconds)
    try:
        async with asyncio.timeout(seconds):
            problem = await cleaner.run()
    except TimeoutError:
        problem = f"not through after {seconds:.0f} seconds"
    finally:
        await asyncio.gather(*(lane.close() for lane in lanes))
    return Cleaned(cleaner.removed, problem)


class _Cleaner:
    def __init__(self, lanes: list[Lane], wanted: str, deadline: float) -> None:
        self._lanes = lanes
        self._wanted = wanted
        self._deadline = deadline
        self.removed = 0
        self._problem: str | None = None

    async def run(self) -> str | None:
        """Delete until there is nothing left; gives what keeps it from that."""
        while True:
            answer = await self._patiently(self._lanes[0], "GET", f"{SITES}?limit=100&search={self._wanted}")
            if answer.error:
                return f"the list of sites answers {answer.error}"
            try:
                found = msgspec.json.decode(answer.content, type=_Sites).items
            except msgspec.DecodeError:
                return "the list of sites is none"
            # `search` finds it anywhere in the name: nothing but our own is ever deleted.
            ours = [site.id for site in found if site.domain.endswith(f".{SUFFIX}")]
            if not ours:
                return None
            before = self.removed
            await asyncio.gather(*(self._delete(lane, ours[at::AT_ONCE]) for at, lane in enumerate(self._lanes)))
            if self.removed == before:
                return self._problem or "nothing could be deleted"

    async def _delete(self, lane: Lane, sites: list[str]) -> None:
        for site in sites:
            answer = await self._patiently(lane, "DELETE", f"{SITES}/{site}")
            if answer.error is None or answer.status == 404:
                self.removed += 1
            else:
                self._problem = f"deleting answers {answer.error}"

    async def _patiently(self, lane: Lane, method: str, path: str) -> Answer:
        while True:
            answer = await lane.send(method, path)
            # Who has just been under load may need a while before it answers.
            if answer.error not in {"HTTP 429", "HTTP 503", "timeout"}:
                return answer
            said = answer.retry_after or ""
            wait = float(said) if said.isdigit() else DEFAULT_WAIT
            if time.monotonic() + wait > self._deadline:
                return answer
            await asyncio.sleep(wait)
