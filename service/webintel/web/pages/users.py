"""The people who may use the platform, for those who manage them."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template

from webintel.problems import Conflict, InvalidInput, NotAllowed, Problem
from webintel.web.areas import Area
from webintel.web.flash import Tone
from webintel.web.keys import KeyForm, Keys
from webintel.web.returning import SIGN_IN
from webintel.web.typed import address, new_password
from webintel.web.views.page import Page
from webintel.web.views.people import ROLES, Person
from webintel.web.visit import Visit

API_PATH = "/api/v1/users"
PATH = "/users"
MANAGE_USERS = "manage_users"
_ONE = PATH + "/{user_id:uuid}"
_ROWS = 50
_MAX_TEXT = 1000


class NewPerson(msgspec.Struct):
    """Somebody to add."""

    email: str = ""
    name: str = ""
    role: str = "viewer"
    password: str = ""

    def body(self) -> dict[str, str]:
        """Write it as the API takes it.

        Raises:
            InvalidInput: the address is none, or the password too short.
        """
        return {
            "email": address("email", self.email),
            "name": self.name.strip(),
            "role": self.role,
            "password": new_password("password", self.password),
        }


class PersonForm(msgspec.Struct):
    """What may be changed about somebody."""

    name: str = ""
    role: str = ""
    state: str = "active"

    def body(self) -> dict[str, object]:
        """Write it as the API takes it."""
        return {"name": self.name.strip(), "role": self.role, "is_active": self.state == "active"}


class PasswordForm(msgspec.Struct):
    """A password for somebody else."""

    password: str = ""


@get(PATH)
async def list_users(visit: NamedDependency[Visit]) -> Template:
    """Show everybody, the newest first."""
    await visit.require(MANAGE_USERS)
    cursor = visit.request.query_params.get("cursor", "")[:_MAX_TEXT]
    found = await visit.api.get(API_PATH, Page[Person], {"limit": _ROWS, "cursor": cursor or None})
    following = f"{PATH}?{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else None
    return await visit.page("users/list.html", found=found, first=PATH if cursor else None, following=following)


@get(f"{PATH}/new")
async def form(visit: NamedDependency[Visit]) -> Template:
    """Show the form for somebody new."""
    await visit.require(MANAGE_USERS)
    return await visit.page("users/new.html", form=NewPerson(), problem=None, roles=list(ROLES.items()))


@post(f"{PATH}/new")
async def add(visit: NamedDependency[Visit], data: URLEncodedBody[NewPerson]) -> Response[Any]:
    """Add somebody."""
    try:
        person = await visit.api.post(API_PATH, Person, data.body())
    except (InvalidInput, Conflict) as problem:
        return await visit.page(
            "users/new.html", status_code=problem.status, form=data, problem=problem, roles=list(ROLES.items())
        )
    return visit.redirect(f"{PATH}/{person.id}", f"{person.called} can log in now, with the password that you chose.")


@get(_ONE)
async def user(visit: NamedDependency[Visit], user_id: FromPath[UUID]) -> Template:
    """Show one person."""
    await visit.require(MANAGE_USERS)
    return await _page(visit, user_id)


@post(_ONE)
async def change(
    visit: NamedDependency[Visit], user_id: FromPath[UUID], data: URLEncodedBody[PersonForm]
) -> Response[Any]:
    """Change name, role or state."""
    try:
        person = await visit.api.patch(f"{API_PATH}/{user_id}", Person, data.body())
    except (InvalidInput, Conflict) as problem:
        return await _page(visit, user_id, form=data, problem=problem)
    return visit.redirect(f"{PATH}/{user_id}", f"{person.called} is changed.")


@post(f"{_ONE}/password")
async def reset_password(
    visit: NamedDependency[Visit], user_id: FromPath[UUID], data: URLEncodedBody[PasswordForm]
) -> Response[Any]:
    """Set somebody's password, which ends that person's sign-ins."""
    me = await visit.me()
    try:
        person = await visit.api.patch(
            f"{API_PATH}/{user_id}", Person, {"password": new_password("password", data.password)}
        )
    except InvalidInput as problem:
        return await _page(visit, user_id, password_problem=problem)
    if me.id == user_id:
        visit.session.end()
        return visit.redirect(SIGN_IN, "Your password is changed, and you are signed out everywhere.")
    return visit.redirect(f"{PATH}/{user_id}", f"{person.called} has a new password, and is signed out everywhere.")


@get(f"{_ONE}/delete")
async def delete_form(visit: NamedDependency[Visit], user_id: FromPath[UUID]) -> Template:
    """Ask whether it is meant."""
    await visit.require(MANAGE_USERS)
    return await visit.page("users/delete.html", person=await visit.api.get(f"{API_PATH}/{user_id}", Person))


@post(f"{_ONE}/delete")
async def delete(visit: NamedDependency[Visit], user_id: FromPath[UUID]) -> Response[Any]:
    """Delete somebody."""
    person = await visit.api.get(f"{API_PATH}/{user_id}", Person)
    try:
        await visit.api.send("DELETE", f"{API_PATH}/{user_id}")
    except Conflict as problem:
        return visit.redirect(f"{PATH}/{user_id}", problem.detail, Tone.BAD)
    return visit.redirect(PATH, f"{person.called} is deleted.")


@post(f"{_ONE}/keys")
async def create_key(
    visit: NamedDependency[Visit], user_id: FromPath[UUID], data: URLEncodedBody[KeyForm]
) -> Response[Any]:
    """Make a key for somebody, and show it once."""
    try:
        return await _keys(visit, user_id).create(data)
    except InvalidInput as problem:
        return await _page(visit, user_id, key_form=data, key_problem=problem)
    except NotAllowed as problem:
        return visit.redirect(f"{PATH}/{user_id}", problem.detail, Tone.BAD)


@post(_ONE + "/keys/{key_id:uuid}/revoke")
async def revoke_key(visit: NamedDependency[Visit], user_id: FromPath[UUID], key_id: FromPath[UUID]) -> Response[Any]:
    """End somebody's key."""
    return await _keys(visit, user_id).revoke(key_id)


def _keys(visit: Visit, user_id: UUID) -> Keys:
    return Keys(visit, f"{API_PATH}/{user_id}", f"{PATH}/{user_id}")


async def _page(  # noqa: PLR0913 - what can be wrong on the page
    visit: Visit,
    user_id: UUID,
    *,
    form: PersonForm | None = None,
    problem: Problem | None = None,
    password_problem: InvalidInput | None = None,
    key_form: KeyForm | None = None,
    key_problem: InvalidInput | None = None,
) -> Template:
    person, keys = await asyncio.gather(
        visit.api.get(f"{API_PATH}/{user_id}", Person), _keys(visit, user_id).values(key_form, key_problem)
    )
    shown = form or PersonForm(person.name, person.role, "active" if person.is_active else "disabled")
    wrong = problem or password_problem or key_problem
    return await visit.page(
        "users/page.html",
        status_code=wrong.status if wrong else 200,
        person=person,
        form=shown,
        problem=problem,
        password_problem=password_problem,
        roles=list(ROLES.items()),
        **keys,
    )


AREA = Area(
    title="Users",
    path=PATH,
    permission=MANAGE_USERS,
    routes=[list_users, form, add, user, change, reset_password, delete_form, delete, create_key, revoke_key],
)
