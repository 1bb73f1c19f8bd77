"""Changes to people and their API keys, each within the caller's transaction."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from advanced_alchemy.exceptions import DuplicateKeyError
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService
from msgspec import UNSET
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.models import ApiKey, RefreshToken, User
from webintel.accounts.passwords import hash_password, verify_password
from webintel.accounts.roles import Role
from webintel.accounts.schemas import NewApiKey, NewUser, UserChange
from webintel.accounts.tokens import API_KEY_PREFIX_LENGTH, new_api_key, token_hash
from webintel.problems import Conflict, InvalidInput, NotAllowed, NotFound

_FIRST_ADMIN_LOCK = 0x77697061
_NO_USER = "There is no user with this id."


class UserService(SQLAlchemyAsyncRepositoryService[User]):
    """People."""

    class Repository(SQLAlchemyAsyncRepository[User]):
        """The table of people."""

        model_type = User

    repository_type = Repository

    async def add(self, data: NewUser) -> User:
        """Add a person.

        Raises:
            Conflict: the address belongs to someone already.
        """
        user = User(
            email=data.email.lower(),
            name=data.name,
            role=data.role,
            password_hash=await hash_password(data.password),
        )
        try:
            return await self.create(user, auto_refresh=True)
        except DuplicateKeyError as error:
            raise Conflict("There is a user with this e-mail address already.", code="email-taken") from error

    async def change(self, user_id: UUID, data: UserChange) -> User:
        """Change a person; a new password, role or state ends the access tokens given out so far.

        Raises:
            NotFound: there is no such person.
            Conflict: nobody would be left who can administer.
        """
        user = await self._locked(user_id)
        if user.role == Role.ADMIN and (data.is_active is False or data.role not in (UNSET, Role.ADMIN)):
            await self._keep_one_admin(user)
        if data.name is not UNSET:
            user.name = data.name
        if data.role is not UNSET:
            user.role = data.role
        if data.is_active is not UNSET:
            user.is_active = data.is_active
        if data.password is not UNSET:
            user.password_hash = await hash_password(data.password)
        if data.password is not UNSET or data.is_active is False:
            await self._sign_out(user)
        await self.repository.session.flush()
        return user

    async def change_own_password(self, user_id: UUID, current: str, new: str) -> None:
        """Change the password of someone who knows the present one, and end all sign-ins.

        Raises:
            InvalidInput: the present password is wrong.
        """
        user = await self._locked(user_id)
        stored = await self.repository.session.scalar(select(User.password_hash).where(User.id == user_id))
        if not await verify_password(current, stored):
            raise InvalidInput.of("current_password", "is not your present password")
        user.password_hash = await hash_password(new)
        await self._sign_out(user)
        await self.repository.session.flush()

    async def remove(self, user_id: UUID, by: UUID) -> None:
        """Delete a person with all credentials.

        Raises:
            NotFound: there is no such person.
            Conflict: it is the caller, or the last who can administer.
        """
        user = await self._locked(user_id)
        if user_id == by:
            raise Conflict("You cannot delete yourself; ask another admin.", code="own-account")
        if user.role == Role.ADMIN:
            await self._keep_one_admin(user)
        await self.delete(user_id)

    async def by_email(self, email: str) -> User:
        """Find a person by address.

        Raises:
            NotFound: nobody has this address.
        """
        user = await self.get_one_or_none(email=email.lower())
        if user is None:
            raise NotFound(f"There is no user with the address {email}.")
        return user

    async def _locked(self, user_id: UUID) -> User:
        user: User | None = await self.repository.session.get(User, user_id, with_for_update=True)
        if user is None:
            raise NotFound(_NO_USER)
        return user

    async def _keep_one_admin(self, user: User) -> None:
        # Locking all admins in one order makes two of them who remove each other wait, not both succeed.
        admins = await self.repository.session.scalars(
            select(User.id).where(User.role == Role.ADMIN, User.is_active).order_by(User.id).with_for_update()
        )
        if set(admins) <= {user.id}:
            raise Conflict("This is the last active admin; make another one first.", code="last-admin")

    async def _sign_out(self, user: User) -> None:
        user.token_version += 1
        await self.repository.session.execute(
            update(RefreshToken)
            .where(RefreshToken.user_id == user.id, RefreshToken.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
        )


class ApiKeyService(SQLAlchemyAsyncRepositoryService[ApiKey]):
    """Keys of scripts."""

    class Repository(SQLAlchemyAsyncRepository[ApiKey]):
        """The table of keys."""

        model_type = ApiKey

    repository_type = Repository

    async def issue(self, user_id: UUID, data: NewApiKey) -> tuple[ApiKey, str]:
        """Make a key and give it in clear, this once.

        Raises:
            NotFound: there is no such person.
            NotAllowed: the person is disabled.
        """
        owner = await self.repository.session.get(User, user_id)
        if owner is None:
            raise NotFound(_NO_USER)
        if not owner.is_active:
            raise NotAllowed("A disabled user can have no keys.")
        key = new_api_key()
        expires_at = datetime.now(UTC) + timedelta(days=data.expires_in_days) if data.expires_in_days else None
        row = ApiKey(
            user_id=user_id,
            name=data.name,
            prefix=key[:API_KEY_PREFIX_LENGTH],
            key_hash=token_hash(key),
            expires_at=expires_at,
        )
        return await self.create(row, auto_refresh=True), key

    async def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """End a key; ending it again changes nothing.

        Raises:
            NotFound: this person has no such key.
        """
        key = await self.get_one_or_none(ApiKey.id == key_id, ApiKey.user_id == user_id)
        if key is None:
            raise NotFound("There is no API key with this id.")
        if key.revoked_at is None:
            key.revoked_at = datetime.now(UTC)
            await self.repository.session.flush()


async def ensure_first_admin(session: AsyncSession, email: str, password: str | None = None) -> str | None:
    """Make an admin where there is nobody at all.

    Args:
        session: within a transaction.
        email: the admin's address.
        password: the admin's password; a random one by default.

    Returns:
        The password to show, or none where somebody exists.
    """
    # Two processes that start together must not make two first admins.
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _FIRST_ADMIN_LOCK})
    if await session.scalar(select(func.count()).select_from(User)):
        return None
    password = password or secrets.token_urlsafe(15)
    await UserService(session=session).add(NewUser(email=email, password=password, role=Role.ADMIN, name="First admin"))
    return password
