"""The calls about signing in, one's own account, and the accounts of others."""

from uuid import UUID

from litestar import Controller, Request, Response, Router, delete, get, patch, post
from litestar.datastructures import ResponseHeader, State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from webintel.accounts.identities import Identities
from webintel.accounts.models import ApiKey, User
from webintel.accounts.queries import AccountQueries, Caller
from webintel.accounts.roles import Permission, Role
from webintel.accounts.schemas import (
    ApiKeyView,
    CreatedApiKey,
    Login,
    Me,
    NewApiKey,
    NewUser,
    PasswordChange,
    RefreshRequest,
    Tokens,
    UserChange,
    UserView,
)
from webintel.accounts.services import ApiKeyService, UserService
from webintel.accounts.sign_in import SignIn
from webintel.api.access import allow
from webintel.api.limits import Limits
from webintel.api.openapi import SECURITY
from webintel.api.pagination import Page
from webintel.api.parameters import DEFAULT_LIMIT, CursorText, Limit
from webintel.api.problems import documented
from webintel.problems import NotAllowed
from webintel.serving.address import client_address
from webintel.settings import Settings

_LOCATION = ResponseHeader(name="Location", description="The new resource.", documentation_only=True)


def provide_users(session: NamedDependency[AsyncSession]) -> UserService:
    """Give the service that changes people."""
    return UserService(session=session)


def provide_api_keys(session: NamedDependency[AsyncSession]) -> ApiKeyService:
    """Give the service that changes API keys."""
    return ApiKeyService(session=session)


class AuthController(Controller):
    """Signing in and out."""

    path = "/auth"
    tags = ("Authentication",)
    opt = allow(Permission.PUBLIC)

    @post(
        "/login",
        operation_id="LogIn",
        summary="Sign in",
        status_code=200,
        responses=documented(401, 413, 415, access="public"),
    )
    async def log_in(
        self,
        request: Request[None, None, State],
        data: JSONBody[Login],
        sign_in: NamedDependency[SignIn],
        limits: NamedDependency[Limits],
        settings: NamedDependency[Settings],
    ) -> Tokens:
        """Exchange e-mail address and password for an access token and a refresh token."""
        async with limits.login(data.email, client_address(request.scope, settings.trusted_proxy_hops)):
            return await sign_in.with_password(data.email, data.password)

    @post(
        "/refresh",
        operation_id="Refresh",
        summary="Stay signed in",
        status_code=200,
        responses=documented(401, 413, 415, access="public"),
    )
    async def refresh(self, data: JSONBody[RefreshRequest], sign_in: NamedDependency[SignIn]) -> Tokens:
        """Exchange a refresh token for new tokens; each is for one use, and a later second use ends the sign-in."""
        return await sign_in.with_refresh_token(data.refresh_token)

    @post(
        "/logout",
        operation_id="LogOut",
        summary="Sign out",
        status_code=204,
        responses=documented(413, 415, access="public"),
    )
    async def log_out(self, data: JSONBody[RefreshRequest], sign_in: NamedDependency[SignIn]) -> None:
        """End the sign-in that the refresh token belongs to; access tokens live on until they expire."""
        await sign_in.end(data.refresh_token)


class MeController(Controller):
    """One's own account."""

    path = "/me"
    tags = ("Account",)
    security = SECURITY
    opt = allow(Permission.OWN_ACCOUNT)

    @get("/", operation_id="GetMe", summary="Who am I", responses=documented())
    async def me(self, caller: NamedDependency[Caller], account_queries: NamedDependency[AccountQueries]) -> Me:
        """Give the caller's account, role and permissions."""
        return await account_queries.me(caller.user_id)

    @patch(
        "/password",
        operation_id="ChangeMyPassword",
        summary="Change one's password",
        status_code=204,
        responses=documented(413, 415),
    )
    async def change_password(
        self,
        data: JSONBody[PasswordChange],
        caller: NamedDependency[Caller],
        users: NamedDependency[UserService],
        identities: NamedDependency[Identities],
    ) -> None:
        """Set a new password; every sign-in, this one included, ends. API keys stay."""
        _require_person(caller)
        await users.change_own_password(caller.user_id, data.current_password, data.new_password)
        identities.forget(caller.user_id)

    @get("/api-keys", operation_id="ListMyApiKeys", summary="List one's API keys", responses=documented())
    async def keys(
        self,
        caller: NamedDependency[Caller],
        account_queries: NamedDependency[AccountQueries],
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
    ) -> Page[ApiKeyView]:
        """List keys, newest first, without the keys themselves."""
        return await account_queries.api_keys(caller.user_id, limit, page_cursor)

    @post(
        "/api-keys",
        operation_id="CreateMyApiKey",
        summary="Make an API key",
        responses=documented(413, 415),
        response_headers=[_LOCATION],
    )
    async def create_key(
        self, data: JSONBody[NewApiKey], caller: NamedDependency[Caller], api_keys: NamedDependency[ApiKeyService]
    ) -> Response[CreatedApiKey]:
        """Make a key that may do what its owner may. It is shown this once. A key cannot make keys."""
        _require_person(caller)
        key, clear = await api_keys.issue(caller.user_id, data)
        return _created_key(key, clear, "/api/v1/me")

    @delete(
        "/api-keys/{key_id:uuid}",
        operation_id="RevokeMyApiKey",
        summary="Revoke one's API key",
        responses=documented(404),
    )
    async def revoke_key(
        self,
        key_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        api_keys: NamedDependency[ApiKeyService],
        identities: NamedDependency[Identities],
    ) -> None:
        """End a key; it stays in the list."""
        await api_keys.revoke(caller.user_id, key_id)
        identities.forget(caller.user_id)


class UserController(Controller):
    """Other people, for admins."""

    path = "/users"
    tags = ("Users",)
    security = SECURITY
    opt = allow(Permission.MANAGE_USERS)

    @get("/", operation_id="ListUsers", summary="List people", responses=documented())
    async def users(
        self,
        account_queries: NamedDependency[AccountQueries],
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
    ) -> Page[UserView]:
        """List people, newest first."""
        return await account_queries.users(limit, page_cursor)

    @post(
        "/",
        operation_id="CreateUser",
        summary="Add a person",
        responses=documented(409, 413, 415),
        response_headers=[_LOCATION],
    )
    async def create(self, data: JSONBody[NewUser], users: NamedDependency[UserService]) -> Response[UserView]:
        """Add a person with a first password."""
        user = await users.add(data)
        return Response(_user_view(user), headers={"Location": f"/api/v1/users/{user.id}"})

    @get("/{user_id:uuid}", operation_id="GetUser", summary="Read a person", responses=documented(404))
    async def user(self, user_id: FromPath[UUID], account_queries: NamedDependency[AccountQueries]) -> UserView:
        """Give one person."""
        return await account_queries.user(user_id)

    @patch(
        "/{user_id:uuid}",
        operation_id="ChangeUser",
        summary="Change a person",
        responses=documented(404, 409, 413, 415),
    )
    async def change(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[UserChange],
        users: NamedDependency[UserService],
        identities: NamedDependency[Identities],
    ) -> UserView:
        """Change name, role, state or password; disabling and a new password end every sign-in."""
        user = await users.change(user_id, data)
        identities.forget(user_id)
        return _user_view(user)

    @delete("/{user_id:uuid}", operation_id="DeleteUser", summary="Delete a person", responses=documented(404, 409))
    async def remove(
        self,
        user_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        users: NamedDependency[UserService],
        identities: NamedDependency[Identities],
    ) -> None:
        """Delete a person with all credentials; what the person made stays."""
        await users.remove(user_id, by=caller.user_id)
        identities.forget(user_id)

    @get(
        "/{user_id:uuid}/api-keys",
        operation_id="ListApiKeys",
        summary="List a person's API keys",
        responses=documented(404),
    )
    async def keys(
        self,
        user_id: FromPath[UUID],
        account_queries: NamedDependency[AccountQueries],
        limit: Limit = DEFAULT_LIMIT,
        page_cursor: CursorText = None,
    ) -> Page[ApiKeyView]:
        """List a person's keys, newest first."""
        await account_queries.user(user_id)
        return await account_queries.api_keys(user_id, limit, page_cursor)

    @post(
        "/{user_id:uuid}/api-keys",
        operation_id="CreateApiKey",
        summary="Make an API key for a person",
        responses=documented(404, 413, 415),
        response_headers=[_LOCATION],
    )
    async def create_key(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[NewApiKey],
        caller: NamedDependency[Caller],
        api_keys: NamedDependency[ApiKeyService],
    ) -> Response[CreatedApiKey]:
        """Make a key that may do what that person may. It is shown this once."""
        _require_person(caller)
        key, clear = await api_keys.issue(user_id, data)
        return _created_key(key, clear, f"/api/v1/users/{user_id}")

    @delete(
        "/{user_id:uuid}/api-keys/{key_id:uuid}",
        operation_id="RevokeApiKey",
        summary="Revoke a person's API key",
        responses=documented(404),
    )
    async def revoke_key(
        self,
        user_id: FromPath[UUID],
        key_id: FromPath[UUID],
        api_keys: NamedDependency[ApiKeyService],
        identities: NamedDependency[Identities],
    ) -> None:
        """End a key; it stays in the list."""
        await api_keys.revoke(user_id, key_id)
        identities.forget(user_id)


def _require_person(caller: Caller) -> None:
    """Refuse a key what would let a stolen key outlive its revocation."""
    if caller.api_key_id is not None:
        raise NotAllowed("This needs a person who has signed in, not an API key.")


def _user_view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=Role(user.role),
        is_active=user.is_active,
        last_login_at=user.last_login_at,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def _created_key(key: ApiKey, clear: str, owner_path: str) -> Response[CreatedApiKey]:
    created = CreatedApiKey(
        id=key.id,
        user_id=key.user_id,
        name=key.name,
        prefix=key.prefix,
        expires_at=key.expires_at,
        revoked_at=None,
        last_used_at=None,
        created_at=key.created_at,
        key=clear,
    )
    return Response(created, headers={"Location": f"{owner_path}/api-keys/{key.id}"})


router = Router(
    "/",
    route_handlers=[AuthController, MeController, UserController],
    dependencies={
        "users": Provide(provide_users, sync_to_thread=False),
        "api_keys": Provide(provide_api_keys, sync_to_thread=False),
    },
)
