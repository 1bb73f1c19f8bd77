"""What a client can ask the API for."""

import collections
import itertools
import random
import re
from typing import NamedTuple

import msgspec

from webintel.load.errors import LoadError

SITES = "/api/v1/sites"
SUFFIX = "webintel-load.invalid"
"""Sites of a load test: `.invalid` is reserved and resolves nowhere, so no worker ever visits anybody for them."""
REMEMBERED = 5000
"""Ids to choose from."""

ACTIONS = {
    "health": "GET /health",
    "list": "GET /api/v1/sites",
    "search": "GET /api/v1/sites?search",
    "read": "GET /api/v1/sites/{id}",
    "create": "POST /api/v1/sites",
    "change": "PATCH /api/v1/sites/{id}",
    "delete": "DELETE /api/v1/sites/{id}",
    "jobs": "GET /api/v1/jobs",
    "job": "GET /api/v1/jobs/{id}",
    "blueprints": "GET /api/v1/blueprints",
}
"""Each with the name under which it is measured."""
WRITING = frozenset({"create", "change", "delete"})
PUBLIC = frozenset({"health"})
MOST_PATHS = 50
_PATH = re.compile(r"GET (/[\x21-\x7e]{0,1000})")


class Call(NamedTuple):
    """A request to send.

    Attributes:
        endpoint: what it counts for.
    """

    action: str
    endpoint: str
    method: str
    path: str
    body: bytes | None = None
    about: "OwnSite | None" = None


class OwnSite:
    """A site that this test has made.

    Attributes:
        uses: requests about it that are on their way: nobody deletes it meanwhile.
    """

    __slots__ = ("id", "job_id", "uses")

    def __init__(self, site_id: str, job_id: str) -> None:
        self.id = site_id
        self.job_id = job_id
        self.uses = 0


class _Created(msgspec.Struct):
    id: str
    job_id: str


class _Item(msgspec.Struct):
    id: str
    domain: str


class _Items(msgspec.Struct):
    items: list[_Item]


_created = msgspec.json.Decoder(_Created).decode
_items = msgspec.json.Decoder(_Items).decode


def check_action(name: str) -> None:
    """Refuse what is neither an action of ours nor the path of something to get.

    Raises:
        LoadError: it is not.
    """
    if name not in ACTIONS and not _PATH.fullmatch(name):
        raise LoadError(f"{name!r} is nothing that can be asked for: take {', '.join(ACTIONS)}, or `GET /path`.")


class Memory:
    """What the clients of a process know of the API: they change and delete only what they have made."""

    def __init__(self, run: str, number: int, seed: int) -> None:
        self._prefix = f"{run}-{number}"
        self._numbers = itertools.count(1)
        self._random = random.Random(seed)  # noqa: S311 - a choice of what to load
        self._seen: collections.deque[str] = collections.deque(maxlen=REMEMBERED)
        self._ours: list[OwnSite] = []
        self.created = 0

    def call(self, action: str) -> Call:
        """Make the request; what needs something that there is not yet makes or lists it first."""
        if action not in ACTIONS:
            return Call(action, action.partition("?")[0], "GET", action.removeprefix("GET "))
        if action == "delete":
            return self._delete()
        if action == "create" or (action == "change" and not self._ours):
            domain = f"{self._prefix}-{next(self._numbers)}.{SUFFIX}"
            return _call("create", SITES, {"domain": domain, "notes": "Made by webintel load.", "priority": 1})
        if action == "read" and self._seen:
            return _call(action, f"{SITES}/{self._random.choice(self._seen)}")
        if action in {"read", "change", "job"} and self._ours:
            return self._about_ours(action)
        return _call({"read": "list", "job": "jobs"}.get(action, action), self._path(action))

    def learn(self, call: Call, content: bytes) -> bool:
        """Remember what an answer names; false where it is not what the API promises."""
        try:
            if call.action == "create":
                made = _created(content)
                self.created += 1
                if len(self._ours) < REMEMBERED:
                    self._ours.append(OwnSite(made.id, made.job_id))
            # Once in a while is enough: reading a page of fifty takes the tester's own time.
            elif call.action == "list" and (len(self._seen) < 50 or self._random.random() < 0.02):
                # Those of load tests may be gone by the time that somebody reads them.
                self._seen.extend(item.id for item in _items(content).items if not item.domain.endswith(SUFFIX))
        except msgspec.DecodeError:
            return False
        return True

    def release(self, call: Call) -> None:
        """The request has ended."""
        if call.about is not None:
            call.about.uses -= 1

    def _delete(self) -> Call:
        for _ in range(3):
            at = self._random.randrange(len(self._ours)) if self._ours else 0
            if self._ours and not self._ours[at].uses:
                self._ours[at], self._ours[-1] = self._ours[-1], self._ours[at]
                return _call("delete", f"{SITES}/{self._ours.pop().id}")
        return self.call("create")

    def _about_ours(self, action: str) -> Call:
        site = self._random.choice(self._ours)
        site.uses += 1
        if action == "job":
            return _call(action, f"/api/v1/jobs/{site.job_id}", about=site)
        body = {"notes": f"Changed {self._random.random()}"} if action == "change" else None
        return _call(action, f"{SITES}/{site.id}", body, about=site)

    def _path(self, action: str) -> str:
        letters = self._random.choice("bcdfglmnprst") + self._random.choice("aeiou")
        return {
            "health": "/health",
            "search": f"{SITES}?limit=50&search={letters}",
            "job": "/api/v1/jobs?limit=50",
            "jobs": "/api/v1/jobs?limit=50",
            "blueprints": "/api/v1/blueprints?limit=50",
        }.get(action, f"{SITES}?limit=50")


def _call(action: str, path: str, body: object = None, about: OwnSite | None = None) -> Call:
    content = None if body is None else msgspec.json.encode(body)
    return Call(action, ACTIONS[action], ACTIONS[action].partition(" ")[0], path, content, about)
