"""How the site's listings go on from page to page."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.outlook import role_of
from webintel.engine.discover.params import ParameterModel, parameter_role
from webintel.engine.model import Pagination
from webintel.engine.urls import query_pairs

_OFFSETS: Final = re.compile(r"offset|start|skip|startrow|from", re.IGNORECASE)
_PATH_PAGE: Final = re.compile(
    r"(/(?:pages?|seite|pagina)/|/(?:page|pg|p|seite)[-_]?)(\d+)(?=/?$|\.\w+$)", re.IGNORECASE
)


def build_pagination(facts: Sequence[PageFacts], model: ParameterModel) -> Pagination:
    """Tell from listing pages and their next-page links how listings are paged, by majority."""
    listings = [page for page in facts if role_of(page.kind) == "category"] or list(facts[:1])
    forms: Counter[tuple[str, str]] = Counter()
    for page in listings:
        if page.next_page:
            forms[_form(page, page.next_page, model)] += 1
        for link in page.links[:400]:
            if link.region == "main" and link.url != page.next_page and (form := _page_form(page, link.url, model)):
                forms[form] += 1
    selectors = Counter(page.next_selector for page in listings if page.next_selector)
    selector = min(selectors.items(), key=lambda item: (-item[1], item[0]))[0] if selectors else None
    numbered = {form: count for form, count in forms.items() if form[0] in ("query", "path")}
    if numbered:
        kind, pattern = min(numbered, key=lambda form: (-numbered[form], form))
        return Pagination(kind="query" if kind == "query" else "path", url_pattern=pattern, next_selector=selector)
    if forms:
        return Pagination(kind="next_link", url_pattern=None, next_selector=selector)
    grows = Counter(page.grows for page in listings if page.grows)
    if grows:
        most = min(grows, key=lambda way: (-grows[way], way))
        return Pagination(
            kind="load_more" if most == "load_more" else "infinite_scroll", url_pattern=None, next_selector=None
        )
    return Pagination(kind="none", url_pattern=None, next_selector=None)


def _form(page: PageFacts, url: str, model: ParameterModel) -> tuple[str, str]:
    return _page_form(page, url, model) or ("next_link", "")


def _page_form(page: PageFacts, url: str, model: ParameterModel) -> tuple[str, str] | None:
    """How the URL of another page of this listing ends, with `{page}` or `{offset}` where the number stands."""
    if model.listing_key(url) != model.listing_key(page.url):
        return None
    match = _PATH_PAGE.search(urlsplit(url).path)
    if match is not None:
        tail = urlsplit(url).path[match.end() :]
        return "path", f"{match[1]}{{page}}{tail}"
    for name, value in query_pairs(url):
        if value.isdigit() and parameter_role(name, value) == "page":
            place = "{offset}" if _OFFSETS.fullmatch(name) else "{page}"
            return "query", f"?{name}={place}"
    return None
