"""A visitor's sign-in: the API's tokens in cookies that scripts cannot read, and nothing kept on the server."""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from webintel.web.api import AnonymousApi
from webintel.web.renewals import Renewals
from webintel.web.views.accounts import Tokens

Connection = ASGIConnection[Any, Any, Any, Any]
_EARLY_SECONDS = 30
"""An access token is given up before it expires, so that none expires on its way to the API."""
_MAX_COOKIE = 2048


class CookieJar(msgspec.Struct, frozen=True):
    """How cookies are written; behind TLS they cannot be set or read by any other host."""

    secure: bool

    def name(self, name: str) -> str:
        """Give the cookie's full name."""
        return f"__Host-{name}" if self.secure else name

    def read(self, connection: Connection, name: str) -> str | None:
        """Give what the visitor sends, if it can be of ours."""
        value = connection.cookies.get(self.name(name))
        return value if value and len(value) <= _MAX_COOKIE and value.isascii() else None

    def write(self, name: str, value: str, max_age: int) -> Cookie:
        """Make a cookie; one without an age is removed."""
        return Cookie(
            key=self.name(name),
            value=value,
            max_age=max_age,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="lax",
        )


class Session:
    """The tokens of one visitor during one request."""

    def __init__(self, jar: CookieJar, access_token: str | None, refresh_token: str | None) -> None:
        self._jar = jar
        self._changes: list[Cookie] = []
        self.access_token = access_token
        self.refresh_token = refresh_token

    @classmethod
    def of(cls, jar: CookieJar, connection: Connection) -> "Session":
        """Read it from the cookies."""
        return cls(jar, jar.read(connection, "access"), jar.read(connection, "refresh"))

    @property
    def signed_in(self) -> bool:
        """Whether there is anything to prove who is asking."""
        return self.access_token is not None or self.refresh_token is not None

    def begin(self, tokens: Tokens) -> None:
        """Take new tokens."""
        self.access_token, self.refresh_token = tokens.access_token, tokens.refresh_token
        self._changes = [
            self._jar.write("access", tokens.access_token, max(tokens.expires_in - _EARLY_SECONDS, 1)),
            self._jar.write("refresh", tokens.refresh_token, tokens.refresh_expires_in),
        ]

    def end(self) -> None:
        """Forget the tokens."""
        self.access_token = self.refresh_token = None
        self._changes = [self._jar.write(name, "", 0) for name in ("access", "refresh")]

    async def renew(self, renewals: Renewals, api: AnonymousApi) -> bool:
        """Exchange the refresh token; false when the sign-in is over."""
        tokens = await renewals.renew(self.refresh_token, api) if self.refresh_token else None
        if tokens is None:
            self.end()
            return False
        self.begin(tokens)
        return True

    def changes(self) -> Iterable[Cookie]:
        """Give the cookies that the answer must set."""
        return self._changes
