"""Credentials are checked once, and remembered no longer than they are good for."""

import time
from uuid import UUID, uuid4

import pytest

from webintel.accounts.identities import Identities
from webintel.accounts.queries import Caller
from webintel.accounts.roles import Role
from webintel.accounts.tokens import AccessClaims
from webintel.problems import NotSignedIn

USER = uuid4()


class Queries:
    """One person."""

    version = 1

    async def caller_by_id(self, user_id: UUID) -> Caller | None:
        return Caller(user_id=user_id, email="a@b.example", role=Role.VIEWER, token_version=self.version)


class Tokens:
    """Knows one token, and counts how often it is asked."""

    def __init__(self, *, seconds: float) -> None:
        self.expires_at = time.time() + seconds
        self.reads = 0

    def read(self, token: str) -> AccessClaims | None:
        self.reads += 1
        good = token == "good" and self.expires_at > time.time()
        return AccessClaims(USER, 1, self.expires_at) if good else None


def identities(tokens: Tokens, queries: Queries | None = None) -> Identities:
    return Identities(queries or Queries(), tokens)  # type: ignore[arg-type]


async def test_a_token_is_read_once_and_a_bad_one_each_time() -> None:
    tokens = Tokens(seconds=600)
    known = identities(tokens)
    for _ in range(3):
        assert (await known.by_access_token("good")).user_id == USER
    assert tokens.reads == 1
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            await known.by_access_token("bad")
    assert tokens.reads == 3


async def test_a_token_that_has_expired_is_refused_although_it_was_good_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = Tokens(seconds=600)
    known = identities(tokens)
    await known.by_access_token("good")
    later = time.time() + 601
    monkeypatch.setattr("time.time", lambda: later)
    with pytest.raises(NotSignedIn):
        await known.by_access_token("good")


async def test_a_token_from_before_a_change_of_passwords_is_refused_although_it_was_read_before() -> None:
    queries = Queries()
    known = identities(Tokens(seconds=600), queries)
    await known.by_access_token("good")
    queries.version = 2
    known.forget(USER)
    with pytest.raises(NotSignedIn):
        await known.by_access_token("good")
