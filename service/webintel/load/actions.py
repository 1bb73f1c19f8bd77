"""What a client can ask the API for."""

import collections
import itertools
import random
import re

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


class Call(msgspec.Struct, frozen=True):
    """A request to send.

    Attributes:
        endpoint: what it counts for.
    """

    action: str
    endpoint: str
    method: str
    path: str
    body: bytes | None = None


class _Created(msgspec.Struct):
    id: str
    job_id: str


class _Item(msgspec.Struct):
    id: str


class _Items(msgspec.Struct):
    items: list[_Item]


_created = msgspec.json.Decoder(_Created).decode
_items = msgspec.json.Decoder(_Items).decode
_encode = msgspec.json.encode


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
        self._ours: collections.deque[str] = collections.deque(maxlen=REMEMBERED)
        self._jobs: collections.deque[str] = collections.deque(maxlen=REMEMBERED)
        self.created = 0

    def call(self, action: str) -> Call:
        """Make the request; what needs something that there is not yet makes or lists it first."""
        if action in {"change", "delete"} and not self._ours:
            action = "create"
        if action == "read" and not (self._seen or self._ours):
            action = "list"
        if action == "job" and not self._jobs:
            action = "jobs"
        if action not in ACTIONS:
            return Call(action, action.partition("?")[0], "GET", action.removeprefix("GET "))
        method, _, _ = ACTIONS[action].partition(" ")
        path, body = self._parts(action)
        return Call(action, ACTIONS[action], method, path, body)

    def learn(self, call: Call, content: bytes) -> bool:
        """Remember what an answer names; false where it is not what the API promises."""
        try:
            if call.action == "create":
                made = _created(content)
                self._ours.append(made.id)
                self._jobs.append(made.job_id)
                self.created += 1
            elif call.action == "list":
                self._remember(self._seen, content)
            elif call.action == "jobs":
                self._remember(self._jobs, content)
        except msgspec.DecodeError:
            return False
        return True

    def _remember(self, known: collections.deque[str], content: bytes) -> None:
        # Once in a while is enough, and reading a page of fifty takes the tester's own time.
        if len(known) < 50 or self._random.random() < 0.02:
            known.extend(item.id for item in _items(content).items)

    def _parts(self, action: str) -> tuple[str, bytes | None]:
        if action == "create":
            domain = f"{self._prefix}-{next(self._numbers)}.{SUFFIX}"
            return SITES, _encode({"domain": domain, "notes": "Made by webintel load.", "priority": 1})
        if action == "change":
            site = self._random.choice(self._ours)
            return f"{SITES}/{site}", _encode({"notes": f"Changed {self._random.random()}"})
        if action == "delete":
            return f"{SITES}/{self._ours.popleft()}", None
        if action == "read":
            return f"{SITES}/{self._random.choice(self._seen or self._ours)}", None
        if action == "job":
            return f"/api/v1/jobs/{self._random.choice(self._jobs)}", None
        paths = {
            "health": "/health",
            "list": f"{SITES}?limit=50",
            "search": f"{SITES}?limit=50&search={self._random.choice('abcdefghij')}{self._random.choice('aeiou')}",
            "jobs": "/api/v1/jobs?limit=50",
            "blueprints": "/api/v1/blueprints?limit=50",
        }
        return paths[action], None
