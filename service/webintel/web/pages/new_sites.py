"""Registering sites: one with its details, or a list of up to a hundred."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from webintel.problems import Conflict, InvalidInput, Problem, TooManyRequests
from webintel.web.api import ApiAway
from webintel.web.form_sizes import DOMAIN_LENGTH, NOTES_LENGTH, most_octets
from webintel.web.signed_in_api import Api
from webintel.web.views.sites import CreatedSite
from webintel.web.visit import Visit

CHANGE_SITES = "change_sites"
MOST_DOMAINS = 100
_AT_ONCE = 5
_ALL_SECONDS = 20.0

Outcome = Literal["added", "known", "wrong", "not tried"]


class SiteForm(msgspec.Struct):
    """One site, as it was typed."""

    domain: str = ""
    business_value_score: str = ""
    priority: str = ""
    notes: str = ""

    def body(self) -> dict[str, object]:
        """Write it as the API takes it.

        Raises:
            InvalidInput: a number is none.
        """
        body: dict[str, object] = {"domain": self.domain.strip()}
        if self.business_value_score.strip():
            body["business_value_score"] = _number(self, "business_value_score", float)
        if self.priority.strip():
            body["priority"] = _number(self, "priority", int)
        if self.notes.strip():
            body["notes"] = self.notes.replace("\r\n", "\n").strip()
        return body


class ListForm(msgspec.Struct):
    """Many sites, one a line."""

    domains: str = ""

    def lines(self) -> list[str]:
        """Give each name once."""
        return list(dict.fromkeys(line for text in self.domains.splitlines() if (line := text.strip())))


class Result(msgspec.Struct, frozen=True):
    """What became of one line."""

    line: str
    outcome: Outcome
    message: str
    site_id: UUID | None = None


@get("/sites/new")
async def form(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the form for one site."""
    await visit.require(CHANGE_SITES)
    return await visit.page("sites/new.html", form=SiteForm(), problem=None)


@post("/sites/new", request_max_body_size=most_octets(DOMAIN_LENGTH, NOTES_LENGTH))
async def add(visit: NamedDependency[Visit], data: URLEncodedBody[SiteForm]) -> Response[Any]:
    """Register one site."""
    try:
        site = await visit.api.post("/api/v1/sites", CreatedSite, data.body())
    except (InvalidInput, Conflict) as problem:
        return await visit.page("sites/new.html", status_code=problem.status, form=data, problem=problem)
    return visit.redirect("/sites", f"{site.domain_unicode} is registered, and its first visit begins.")


@get("/sites/import")
async def list_form(visit: NamedDependency[Visit]) -> Response[Any]:
    """Show the form for many sites."""
    await visit.require(CHANGE_SITES)
    return await visit.page("sites/import.html", form=ListForm(), results=[], problem=None)


@post("/sites/import", request_max_body_size=most_octets(MOST_DOMAINS * (DOMAIN_LENGTH + 1)))
async def add_list(visit: NamedDependency[Visit], data: URLEncodedBody[ListForm]) -> Response[Any]:
    """Register many sites, and say for each line what became of it."""
    lines = data.lines()
    problem, results = None, []
    if not lines:
        problem = InvalidInput.of("domains", "Give at least one domain.")
    elif len(lines) > MOST_DOMAINS:
        problem = InvalidInput.of("domains", f"These are {len(lines)}; give {MOST_DOMAINS} at a time.")
    else:
        results = await _register(visit.unhurried_api(), lines)
    left = ListForm("\n".join(result.line for result in results if result.outcome == "not tried"))
    return await visit.page(
        "sites/import.html",
        status_code=problem.status if problem else 200,
        form=data if problem else left,
        results=results,
        problem=problem,
    )


async def _register(api: Api, lines: Sequence[str]) -> list[Result]:
    """Register some at once; when the API is away, asks for a pause or takes long, the rest is left for later."""
    places = asyncio.Semaphore(_AT_ONCE)
    stopped: list[Problem] = []

    async def one(line: str) -> Result:
        async with places:
            if stopped:
                return Result(line, "not tried", stopped[0].detail)
            try:
                site = await api.post("/api/v1/sites", CreatedSite, {"domain": line})
            except Conflict as problem:
                return Result(line, "known", problem.detail)
            except InvalidInput as problem:
                return Result(line, "wrong", _of_domain(problem))
            except (ApiAway, TooManyRequests) as problem:
                stopped.append(problem)
                return Result(line, "not tried", problem.detail)
            return Result(line, "added", "Its first visit begins.", site.id)

    tasks = [asyncio.create_task(one(line), name="register") for line in lines]
    try:
        _, late = await asyncio.wait(tasks, timeout=_ALL_SECONDS)
        for task in late:
            task.cancel()
        return [
            Result(line, "not tried", "There was no time left.") if task in late else task.result()
            for line, task in zip(lines, tasks, strict=True)
        ]
    finally:
        for task in tasks:
            task.cancel()


def _number(form: SiteForm, name: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(getattr(form, name).strip().replace(",", "."))
    except ValueError as error:
        raise InvalidInput.of(name, "Give a number.") from error


def _of_domain(problem: InvalidInput) -> str:
    return next((error.message for error in problem.errors if error.field == "domain"), problem.detail)


ROUTES = [form, add, list_form, add_list]
