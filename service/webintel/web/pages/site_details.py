"""What people write about a site: notes, its value and its priority; nobody overwrites another unawares."""

import hashlib
import math
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from webintel.problems import FieldError, InvalidInput, Stale
from webintel.web.form_sizes import NOTES_LENGTH, most_octets
from webintel.web.pages.new_sites import CHANGE_SITES
from webintel.web.pages.site_shared import api_path
from webintel.web.views.site import SiteHead
from webintel.web.visit import Visit

NAMES = ("business_value_score", "priority", "notes")
Values = dict[str, object]

_TRIES = 3


class DetailsForm(msgspec.Struct, frozen=True):
    """The details as they were typed, and what the site was like when the form was opened."""

    business_value_score: str = ""
    priority: str = ""
    notes: str = ""
    etag: str = ""
    seen: str = ""

    @classmethod
    def of(cls, values: Values, etag: str, seen: str) -> "DetailsForm":
        """Fill the form in."""
        text = {name: "" if values[name] is None else str(values[name]) for name in NAMES}
        return cls(**text, etag=etag, seen=seen)

    def body(self) -> Values:
        """Write it as the API takes it.

        Raises:
            InvalidInput: a number is none.
        """
        errors: list[FieldError] = []
        value, priority = self.business_value_score.strip().replace(",", "."), self.priority.strip()
        body: Values = {"notes": self.notes.replace("\r\n", "\n").strip() or None}
        body["business_value_score"] = _number(value, "business_value_score", errors) if value else None
        body["priority"] = _whole(priority, errors)
        if errors:
            raise InvalidInput("Some of this cannot be used.", errors=tuple(errors))
        return body


@get("/sites/{site_id:uuid}/edit")
async def edit(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Show the form: in its place on the page, or as a page of its own."""
    await visit.require(CHANGE_SITES)
    site, etag = await visit.api.get_tagged(api_path(site_id), SiteHead)
    values = _values(site)
    form = DetailsForm.of(values, etag, digests(values))
    if visit.by_htmx:
        return await visit.fragment("site/edit.html", site=site, form=form, theirs=None, problem=None)
    return await _page(visit, site, form)


@get("/sites/{site_id:uuid}/details")
async def details(visit: NamedDependency[Visit], site_id: FromPath[UUID]) -> Response[Any]:
    """Show the details again, when somebody has thought better of it."""
    site = await visit.api.get(api_path(site_id), SiteHead)
    if not visit.by_htmx:
        return visit.redirect(f"/sites/{site_id}")
    return await visit.fragment("site/details.html", site=site)


@post("/sites/{site_id:uuid}/edit", request_max_body_size=most_octets(NOTES_LENGTH))
async def save(
    visit: NamedDependency[Visit], site_id: FromPath[UUID], data: URLEncodedBody[DetailsForm]
) -> Response[Any]:
    """Keep the details, unless somebody else has changed the same ones meanwhile."""
    try:
        body, etag = data.body(), data.etag
        for _ in range(_TRIES):
            try:
                await visit.api.patch(api_path(site_id), SiteHead, body, etag)
            except Stale as stale:
                site, etag = await visit.api.get_tagged(api_path(site_id), SiteHead)
                body, disputed = merged(data.seen, body, _values(site))
                if disputed:
                    form = DetailsForm.of(body, etag, seen=digests(_values(site)))
                    return await _page(visit, site, form, theirs=site, status_code=stale.status)
            else:
                return visit.redirect(f"/sites/{site_id}", "Saved.")
    except InvalidInput as problem:
        site = await visit.api.get(api_path(site_id), SiteHead)
        return await _page(visit, site, data, problem=problem, status_code=problem.status)
    raise Stale("The site changes too often at the moment; try again.")


def merged(seen: str, mine: Values, theirs: Values) -> tuple[Values, bool]:
    """Put two people's changes together.

    Args:
        seen: the state that mine was made from.
        mine: what is to be saved.
        theirs: what is there now.

    Returns:
        mine, with theirs where mine has changed nothing; and whether both have changed the same.
    """
    was, is_mine, is_theirs = (text.split(".") for text in (seen, digests(mine), digests(theirs)))
    if len(was) != len(NAMES):
        return mine, is_mine != is_theirs
    states = dict(zip(NAMES, zip(was, is_mine, is_theirs, strict=True), strict=True))
    result = {name: theirs[name] if new == old else mine[name] for name, (old, new, _) in states.items()}
    return result, any(len(set(state)) == len(state) for state in states.values())


def digests(values: Values) -> str:
    """Name the state of each of the values."""
    return ".".join(hashlib.sha256(msgspec.json.encode(_plain(values[name]))).hexdigest()[:16] for name in NAMES)


def _values(site: SiteHead) -> Values:
    return {name: getattr(site, name) for name in NAMES}


def _plain(value: object) -> object:
    """Forms bring text with other line ends, and whole numbers as fractions."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip() or None
    return float(value) if isinstance(value, int | float) else value


async def _page(  # noqa: PLR0913 - what the page shows
    visit: Visit,
    site: SiteHead,
    form: DetailsForm,
    *,
    theirs: SiteHead | None = None,
    problem: InvalidInput | None = None,
    status_code: int = 200,
) -> Response[Any]:
    values = {"site": site, "form": form, "theirs": theirs, "problem": problem}
    return await visit.page("site/edit_page.html", status_code=status_code, **values)


def _number(text: str, name: str, errors: list[FieldError]) -> float | None:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        errors.append(FieldError(name, "Give a number from 0 to 1."))
        return None
    return number


def _whole(text: str, errors: list[FieldError]) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 100:
        return int(text)
    errors.append(FieldError("priority", "Give a whole number from 0 to 100."))
    return None


ROUTES = [edit, details, save]
