"""The ways a listing offers to narrow, sort and size itself: facets, sorting, search, ranges."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec
from selectolax.lexbor import LexborNode

from webintel.engine.discover.params import parameter_role
from webintel.engine.model import Filter
from webintel.engine.page import Page, collapse
from webintel.engine.urls import query_pairs

_MAX_VALUES: Final = 60
_KIND_ORDER: Final = ("facet", "range", "sort", "page_size", "search")
_SEARCH_TYPES: Final = frozenset({"search", "text"})
_CHOICES: Final = frozenset({"checkbox", "radio"})


class Control(msgspec.Struct, frozen=True, gc=False):
    """A parameter that a listing page offers, with values seen."""

    param: str
    name: str
    kind: str
    values: tuple[str, ...]


def page_controls(page: Page) -> tuple[Control, ...]:
    """The filters of one listing page, from its forms and from links that add a parameter to its own URL."""
    found: dict[str, Control] = {}
    for control in (*_form_controls(page), *_link_controls(page)):
        earlier = found.get(control.param)
        values = dict.fromkeys((*(earlier.values if earlier else ()), *control.values))
        name = (earlier.name if earlier else "") or control.name
        kind = earlier.kind if earlier else control.kind
        found[control.param] = Control(control.param, name, kind, tuple(values)[:_MAX_VALUES])
    return tuple(found.values())[:40]


def _form_controls(page: Page) -> Iterable[Control]:
    for form in page.tree.css("form")[:30]:
        if (form.attributes.get("method") or "get").lower() != "get":
            continue
        for select in form.css("select[name]")[:30]:
            options = [_option(node) for node in select.css("option")[:_MAX_VALUES]]
            yield from _control(page, select, [value for value in options if value])
        for field in form.css("input[name]")[:200]:
            kind = (field.attributes.get("type") or "text").lower()
            value = field.attributes.get("value") or ""
            if kind in _CHOICES:
                yield from _control(page, field, [value] if value else [])
            elif kind in ("number", "range"):
                yield from _range(page, field)
            elif kind in _SEARCH_TYPES and parameter_role(field.attributes.get("name") or "") == "search":
                yield Control(field.attributes.get("name") or "", _label(page, field) or "Search", "search", ())


def _option(node: LexborNode) -> str:
    value = node.attributes.get("value")
    return collapse(value if value is not None else node.text())[:100]


def _control(page: Page, node: LexborNode, values: list[str]) -> Iterable[Control]:
    name = node.attributes.get("name") or ""
    kind = _kind(name, values[0] if values else "")
    if kind:
        yield Control(name, _label(page, node), kind, tuple(values))


def _range(page: Page, node: LexborNode) -> Iterable[Control]:
    name = node.attributes.get("name") or ""
    if parameter_role(name) in ("facet", "unknown"):
        bounds = [node.attributes.get(side) or "" for side in ("min", "max")]
        yield Control(name, _label(page, node), "range", tuple(bound for bound in bounds if bound))


def _kind(name: str, value: str) -> str | None:
    role = parameter_role(name, value)
    if role == "facet":
        return "range" if "price" in name.lower() and _is_bound(name) else "facet"
    if role in ("sort", "page_size"):
        return role
    return "facet" if role == "unknown" else None


def _is_bound(name: str) -> bool:
    return any(bound in name.lower() for bound in ("min", "max", "from", "to", "gte", "lte"))


def _label(page: Page, node: LexborNode) -> str:
    """What the page calls a control: its label, legend or accessible name."""
    identifier = node.attributes.get("id")
    if identifier and '"' not in identifier and "\\" not in identifier and node.tag != "input":
        label = page.tree.css_first(f'label[for="{identifier}"]')
        if label is not None:
            return collapse(label.text())[:60].rstrip(":")
    named = node.attributes.get("aria-label") or node.attributes.get("placeholder")
    if named and (node.attributes.get("type") or "") not in _CHOICES:
        return collapse(named)[:60]
    ancestor = node.parent
    for _ in range(6):
        if ancestor is None or ancestor.tag == "form":
            return ""
        title = ancestor.css_first("legend, summary, h3, h4, .filter-title, .facet-title")
        if title is not None:
            return collapse(title.text())[:60].rstrip(":")
        ancestor = ancestor.parent
    return ""


def _link_controls(page: Page) -> Iterable[Control]:
    """Links to this very path with one more parameter, in at least two values."""
    path = urlsplit(page.url).path.rstrip("/")
    present = {name for name, _ in query_pairs(page.url)}
    values: dict[str, dict[str, None]] = {}
    for link in page.links[:2_000]:
        if "?" not in link.url or urlsplit(link.url).path.rstrip("/") != path:
            continue
        added = [(name, value) for name, value in query_pairs(link.url) if name not in present and value]
        if len(added) == 1 or {parameter_role(name, value) for name, value in added} == {"sort"}:
            for name, value in added:
                values.setdefault(name, {})[value[:100]] = None
    for name, seen in values.items():
        first = next(iter(seen))
        # Among links a word to search for is a way to narrow: `?q=Size-M`.
        kind = "facet" if parameter_role(name, first) == "search" else _kind(name, first)
        if kind and (len(seen) > 1 or kind != "facet"):
            yield Control(name, "", kind, tuple(seen)[:_MAX_VALUES])


def merge_filters(pages: Iterable[tuple[Control, ...]]) -> list[Filter]:
    """The site's filters from those of its listing pages, in a fixed order."""
    names: dict[str, str] = {}
    kinds: dict[str, str] = {}
    values: dict[str, dict[str, None]] = {}
    for controls in pages:
        for control in controls:
            names[control.param] = names.get(control.param) or control.name
            kinds.setdefault(control.param, control.kind)
            values.setdefault(control.param, {}).update(dict.fromkeys(control.values))
    merged = [
        Filter(
            name=names[param] or _readable(param),
            param=param,
            kind=kinds[param],  # type: ignore[arg-type]
            values=list(values[param])[:_MAX_VALUES],
        )
        for param in kinds
    ]
    return sorted(merged, key=lambda item: (_KIND_ORDER.index(item.kind), item.param))[:40]


def _readable(param: str) -> str:
    words = (
        param.replace("filter", " ")
        .replace("pa_", " ")
        .replace("[", " ")
        .replace("]", " ")
        .replace("_", " ")
        .replace(".", " ")
    )
    return collapse(words.replace("-", " ")).capitalize() or param
