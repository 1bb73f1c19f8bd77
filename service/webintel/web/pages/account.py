"""One's own account: who one is, the password, and API keys."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template

from webintel.problems import InvalidInput
from webintel.web.areas import Area
from webintel.web.keys import KeyForm, Keys
from webintel.web.returning import SIGN_IN
from webintel.web.typed import new_password
from webintel.web.views.people import ROLES, Person
from webintel.web.visit import Visit

API_PATH = "/api/v1/me"
PATH = "/account"


class PasswordForm(msgspec.Struct):
    """The present password, and twice the new one."""

    current_password: str = ""
    new_password: str = ""
    repeated: str = ""

    def body(self) -> dict[str, str]:
        """Write it as the API takes it.

        Raises:
            InvalidInput: the two are not the same, or too short.
        """
        if self.repeated != self.new_password:
            raise InvalidInput.of("repeated", "This is not the new password; type both again.")
        return {
            "current_password": self.current_password,
            "new_password": new_password("new_password", self.new_password),
        }


@get(PATH)
async def account(visit: NamedDependency[Visit]) -> Template:
    """Show it."""
    return await _page(visit)


@post(f"{PATH}/password")
async def change_password(visit: NamedDependency[Visit], data: URLEncodedBody[PasswordForm]) -> Response[Any]:
    """Set a new password, and lead to the sign-in page: every sign-in has ended, this one too."""
    try:
        await visit.api.send("PATCH", f"{API_PATH}/password", data.body())
    except InvalidInput as problem:
        return await _page(visit, password_problem=problem)
    visit.session.end()
    return visit.redirect(
        SIGN_IN, "Your password is changed, and you are signed out everywhere. Log in with the new one."
    )


@post(f"{PATH}/keys")
async def create_key(visit: NamedDependency[Visit], data: URLEncodedBody[KeyForm]) -> Response[Any]:
    """Make a key, and show it once."""
    try:
        return await _keys(visit).create(data)
    except InvalidInput as problem:
        return await _page(visit, key_form=data, key_problem=problem)


@post(PATH + "/keys/{key_id:uuid}/revoke")
async def revoke_key(visit: NamedDependency[Visit], key_id: FromPath[UUID]) -> Response[Any]:
    """End a key."""
    return await _keys(visit).revoke(key_id)


def _keys(visit: Visit) -> Keys:
    return Keys(visit, API_PATH, PATH)


async def _page(
    visit: Visit,
    password_problem: InvalidInput | None = None,
    key_form: KeyForm | None = None,
    key_problem: InvalidInput | None = None,
) -> Template:
    person, keys = await asyncio.gather(visit.api.get(API_PATH, Person), _keys(visit).values(key_form, key_problem))
    problem = password_problem or key_problem
    return await visit.page(
        "account/page.html",
        status_code=problem.status if problem else 200,
        person=person,
        roles=ROLES,
        password_problem=password_problem,
        **keys,
    )


AREA = Area(path=PATH, routes=[account, change_password, create_key, revoke_key])
