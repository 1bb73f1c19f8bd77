"""People of a test's own, for tests that change them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page

from tests.web.conftest import PASSWORD, ApiAs, OpenAs, Person

AddPerson = Callable[..., Awaitable["tuple[Person, str]"]]
Known = dict[str, Person]


@pytest.fixture
async def add_person(api_as: ApiAs, people: Known) -> AddPerson:
    """Make somebody whom `open_as` and `api_as` know: `person, user_id = await add_person("viewer", name="Ada")`."""

    async def add_person(role: str, **fields: Any) -> tuple[Person, str]:
        person = Person(f"{uuid4().hex[:10]}@people.example", role)
        body = {"email": person.email, "password": PASSWORD, "role": role, **fields}
        response = await (await api_as("admin")).post("/api/v1/users", json=body)
        assert response.status_code == 201, response.text
        # By address, beside the person that stands for each role.
        people[person.email] = person
        return person, response.json()["id"]

    return add_person


async def log_in(page: Page, email: str, password: str) -> None:
    """Fill the form in."""
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


__all__ = ["AddPerson", "OpenAs", "add_person", "log_in"]
