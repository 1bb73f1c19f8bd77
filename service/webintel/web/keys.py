"""API keys of oneself or of somebody else: making one, showing it once, and revoking."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from webintel.problems import FieldError, InvalidInput
from webintel.web.typed import name
from webintel.web.views.page import Page
from webintel.web.views.people import ApiKey, CreatedApiKey
from webintel.web.visit import Visit

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "One year", "": "Until it is revoked"}
_MAX_TEXT = 1000
_ROWS = 50


class KeyForm(msgspec.Struct):
    """A key to make."""

    key_name: str = ""
    expires_in_days: str = "90"

    def body(self) -> dict[str, object]:
        """Write it as the API takes it.

        Raises:
            InvalidInput: there is no name, or the lifetime is no number of days.
        """
        days = self.expires_in_days.strip()
        if days and not (days.isascii() and days.isdecimal() and len(days) < 6):
            raise InvalidInput.of("expires_in_days", "Choose one of these.")
        return {"name": name("key_name", self.key_name), "expires_in_days": int(days) if days else None}


class Keys:
    """The keys of one person."""

    def __init__(self, visit: Visit, api_path: str, page_path: str) -> None:
        """Look at a person's keys.

        Args:
            visit: who is looking.
            api_path: where the API has the keys.
            page_path: the page that lists them.
        """
        self._visit = visit
        self._api_path = f"{api_path}/api-keys"
        self.page_path = page_path

    async def values(self, form: KeyForm | None = None, problem: InvalidInput | None = None) -> dict[str, Any]:
        """Give what `parts/keys.html` shows."""
        cursor = self._visit.request.query_params.get("cursor", "")[:_MAX_TEXT]
        params = {"limit": _ROWS, "cursor": cursor or None}
        found = await self._visit.api.get(self._api_path, Page[ApiKey], params)
        return {
            "keys": found,
            "keys_path": self.page_path,
            "keys_cursor": cursor,
            "key_form": form or KeyForm(),
            "key_problem": problem,
            "lifetimes": list(LIFETIMES.items()),
        }

    async def create(self, form: KeyForm) -> Response[Any]:
        """Make a key and show it, in this answer only: it is in no address, cookie or log.

        Raises:
            InvalidInput: the form cannot be used.
        """
        try:
            made = await self._visit.api.post(self._api_path, CreatedApiKey, form.body())
        except InvalidInput as problem:
            raise _as_in_the_form(problem) from problem
        return await self._visit.page("account/key_made.html", made=made, back=self.page_path)

    async def revoke(self, key_id: UUID) -> Response[Any]:
        """End a key."""
        await self._visit.api.send("DELETE", f"{self._api_path}/{key_id}")
        return self._visit.redirect(f"{self.page_path}#keys", "The key is revoked: whoever uses it is refused.")


def _as_in_the_form(problem: InvalidInput) -> InvalidInput:
    """Blame the field as the form calls it: pages with keys have other names, too."""
    errors = (
        FieldError("key_name" if error.field == "name" else error.field, error.message) for error in problem.errors
    )
    return InvalidInput(problem.detail, errors=tuple(errors))
