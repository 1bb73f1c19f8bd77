"""Signing in, staying signed in and signing out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from webintel.accounts.models import RefreshToken, User
from webintel.accounts.passwords import verify_password
from webintel.accounts.schemas import Tokens
from webintel.accounts.tokens import (
    AccessTokens,
    new_refresh_token,
    token_hash,
)
from webintel.problems import NotSignedIn

_WRONG = "The e-mail address or the password is wrong."
_EXPIRED = "The refresh token is unknown, expired or used up; sign in again."


class SignIn:
    """Runs its own transactions: a refused refresh still has to be written down."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        access_tokens: AccessTokens,
        *,
        refresh_lifetime: timedelta,
        refresh_leeway: timedelta,
    ) -> None:
        self._sessions = sessions
        self._access_tokens = access_tokens
        self._refresh_lifetime = refresh_lifetime
        self._refresh_leeway = refresh_leeway

    async def with_password(self, email: str, password: str) -> Tokens:
        """Sign someone in.

        Raises:
            NotSignedIn: wrong password, unknown or disabled; the answer and the time it takes do not tell which.
        """
        # No connection is held while the hash is computed, or slow sign-ins would starve everyone else.
        async with self._sessions() as session:
            found = (
                await session.execute(
                    select(User.id, User.password_hash, User.token_version).where(
                        User.email == email.lower(), User.is_active
                    )
                )
            ).one_or_none()
        if not await verify_password(password, found.password_hash if found else None) or found is None:
            raise NotSignedIn(_WRONG, code="wrong-credentials")
        async with self._sessions.begin() as session:
            now = datetime.now(UTC)
            await session.execute(
                update(User).where(User.id == found.id).values(last_login_at=now, updated_at=User.updated_at)
            )
            refresh_token = _add_refresh_token(session, found.id, uuid4(), now + self._refresh_lifetime)
        return self._tokens(found.id, found.token_version, refresh_token)

    async def with_refresh_token(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token for new tokens; one that comes back later ends the whole sign-in.

        Two tabs, or a client whose answer was lost, may send the same token within a moment: each gets tokens.

        Raises:
            NotSignedIn: the token is not good for this.
        """
        now = datetime.now(UTC)
        async with self._sessions.begin() as session:
            stored, user = await _locked(session, refresh_token)
            if stored and stored.used_at is not None and stored.used_at <= now - self._refresh_leeway:
                await _revoke_family(session, stored.family_id, now)
            elif stored and user and user.is_active and stored.revoked_at is None and stored.expires_at > now:
                # The leeway begins with the first use; a later one must not prolong it.
                stored.used_at = stored.used_at or now
                successor = _add_refresh_token(session, user.id, stored.family_id, now + self._refresh_lifetime)
                return self._tokens(user.id, user.token_version, successor)
        raise NotSignedIn(_EXPIRED, code="refresh-token-refused")

    async def end(self, refresh_token: str) -> None:
        """Sign out: end the token and all of the same sign-in. An unknown token is signed out already."""
        async with self._sessions.begin() as session:
            stored, _ = await _locked(session, refresh_token)
            if stored:
                await _revoke_family(session, stored.family_id, datetime.now(UTC))

    def _tokens(self, user_id: UUID, token_version: int, refresh_token: str) -> Tokens:
        return Tokens(
            access_token=self._access_tokens.issue(user_id, token_version),
            expires_in=int(self._access_tokens.lifetime.total_seconds()),
            refresh_token=refresh_token,
            refresh_expires_in=int(self._refresh_lifetime.total_seconds()),
        )


async def _locked(session: AsyncSession, refresh_token: str) -> tuple[RefreshToken, User] | tuple[None, None]:
    """Read a token under its owner's lock, so that no successor appears while its family is revoked."""
    hashed = token_hash(refresh_token)
    owner_id = await session.scalar(select(RefreshToken.user_id).where(RefreshToken.token_hash == hashed))
    owner = await session.get(User, owner_id, with_for_update=True) if owner_id else None
    stored = await session.scalar(select(RefreshToken).where(RefreshToken.token_hash == hashed)) if owner else None
    return (stored, owner) if stored and owner else (None, None)


def _add_refresh_token(session: AsyncSession, user_id: UUID, family_id: UUID, expires_at: datetime) -> str:
    token = new_refresh_token()
    session.add(
        RefreshToken(
            user_id=user_id,
            family_id=family_id,
            token_hash=token_hash(token),
            expires_at=expires_at,
        )
    )
    return token


async def _revoke_family(session: AsyncSession, family_id: UUID, now: datetime) -> None:
    await session.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
