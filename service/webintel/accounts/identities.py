"""Who is asking: from the credentials of a request to a person."""

import time
from collections import OrderedDict
from uuid import UUID

from webintel.accounts.queries import AccountQueries, Caller
from webintel.accounts.tokens import AccessClaims, AccessTokens, is_api_key, token_hash
from webintel.problems import NotSignedIn

CACHE_SECONDS = 5.0
"""How long another process may still accept what was revoked here."""
CACHE_SIZE = 10_000

_CacheKey = UUID | bytes


class Identities:
    """Checks credentials, and remembers for a few seconds whom they belong to.

    Attributes:
        hits: how often the memory had the answer.
        misses: how often the database had to be asked.
    """

    def __init__(self, queries: AccountQueries, access_tokens: AccessTokens) -> None:
        self._queries = queries
        self._access_tokens = access_tokens
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()
        self._known: OrderedDict[_CacheKey, tuple[float, Caller]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    async def by_access_token(self, token: str) -> Caller:
        """Give the person of an access token.

        Raises:
            NotSignedIn: the token is not valid, or the person may no longer use it.
        """
        claims = self._read(token)
        caller = await self._look_up(claims.user_id) if claims else None
        if claims is None or caller is None or caller.token_version != claims.token_version:
            raise NotSignedIn("The access token is not valid or has expired; sign in or refresh it.")
        return caller

    async def by_api_key(self, key: str) -> Caller:
        """Give the owner of an API key.

        Raises:
            NotSignedIn: the key is unknown, revoked or expired, or its owner is disabled.
        """
        caller = await self._look_up(token_hash(key)) if is_api_key(key) else None
        if caller is None:
            raise NotSignedIn("The API key is unknown, revoked or expired.")
        return caller

    def forget(self, user_id: UUID) -> None:
        """Ask the database again about a person who has just been changed."""
        for key in [key for key, (_, caller) in self._known.items() if caller.user_id == user_id]:
            del self._known[key]

    def _read(self, token: str) -> AccessClaims | None:
        """Check a token; its signature is computed the first time only, until it expires."""
        key = token_hash(token)
        claims = self._claims.get(key)
        if claims is not None:
            if claims.expires_at > time.time():
                return claims
            del self._claims[key]
        claims = self._access_tokens.read(token)
        if claims is not None:
            self._claims[key] = claims
            if len(self._claims) > CACHE_SIZE:
                self._claims.popitem(last=False)
        return claims

    async def _look_up(self, key: _CacheKey) -> Caller | None:
        expires_at, known = self._known.get(key, (0.0, None))
        if known is not None and expires_at > time.monotonic():
            self.hits += 1
            return known
        self.misses += 1
        found = await (self._queries.caller_by_id(key) if isinstance(key, UUID) else self._queries.caller_by_key(key))
        if found is None:
            # Nothing is remembered about strangers: they could fill the memory.
            self._known.pop(key, None)
            return None
        self._known[key] = (time.monotonic() + CACHE_SECONDS, found)
        self._known.move_to_end(key)
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return found
