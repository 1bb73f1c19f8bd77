"""Regular expressions that match the URLs of one route and as few others as possible."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from webintel.engine.discover.params import ParameterModel, path_page_number
from webintel.engine.urls import without_www

_MAX_LITERALS: Final = 60
_MAX_PAGING_SHAPES: Final = 4
_DIGITS: Final = re.compile(r"\d+")
_NUMBERED: Final = re.compile(r"([A-Za-z]{1,12}[-_]?)\d+(\.\w+)?")
_SCRIPT: Final = re.compile(r"\.(?:php\d?|aspx?|jsp|cfm|cgi|do)$", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,5}$")


def host_pattern(urls: Iterable[str]) -> str:
    """The origin of some URLs, http or https, with or without `www.`."""
    hosts = sorted({without_www(urlsplit(url).netloc) for url in urls})
    escaped = [re.escape(host) for host in hosts]
    return r"https?://(?:www\.)?" + (escaped[0] if len(escaped) == 1 else f"(?:{'|'.join(escaped)})")


def path_pattern(urls: Sequence[str]) -> str:
    """The path of URLs of one route: what they share stays, what differs becomes a class."""
    names = {urlsplit(url).path.strip("/") for url in urls}
    if "" in names:
        # The front page answers under its directory and under its file's name.
        files = [re.escape(name) for name in sorted(names - {""})]
        return f"/(?:{'|'.join(files)})?" if files else "/?"
    lengths: dict[int, list[list[str]]] = {}
    for name in sorted(names):
        path = name.split("/")
        lengths.setdefault(len(path), []).append(path)
    bodies = ["/".join(map(_segment, zip(*paths, strict=True))) for _, paths in sorted(lengths.items())]
    return "/" + (bodies[0] if len(bodies) == 1 else f"(?:{'|'.join(bodies)})") + "/?"


def _segment(values: Sequence[str]) -> str:
    distinct = sorted(set(values))
    if len(distinct) == 1:
        return re.escape(distinct[0])
    if all(_SCRIPT.search(value) for value in distinct):
        # The names of scripts are the site's routes.
        return "(?:" + "|".join(re.escape(value) for value in distinct[:_MAX_LITERALS]) + ")"
    if all(value.isdigit() for value in distinct):
        return r"\d+"
    numbered = {(match[1], match[2]) if (match := _NUMBERED.fullmatch(value)) else None for value in distinct}
    if len(numbered) == 1 and (shared := numbered.pop()) is not None:
        return re.escape(shared[0]) + r"\d+" + re.escape(shared[1] or "")
    extensions = {match[0] if (match := _EXTENSION.search(value)) else "" for value in distinct}
    extension = extensions.pop() if len(extensions) == 1 else ""
    return "[^/?#]+" + re.escape(extension)


def query_pattern(urls: Sequence[str], model: ParameterModel) -> str:
    """What the query must hold: the parameters that identify the page, in any order, beside any others."""
    names: list[str] = []
    values: dict[str, set[str]] = {}
    for url in urls:
        for name, value in model.identity(url) if "?" in url else []:
            if model.role(url, name, value) != "page":
                values.setdefault(name, set()).add(value)
    for name in sorted(values):
        value = re.escape(next(iter(values[name]))) if len(values[name]) == 1 and len(urls) > 1 else "[^&#]+"
        names.append(rf"(?=[^#]*[?&]{re.escape(name)}={value}(?:[&#]|$))")
    return "".join(names) + r"\?[^#]*" if names else r"(?:\?[^#]*)?"


def literal_pattern(urls: Sequence[str]) -> str:
    """Just these pages, for a type that shares its route with another."""
    paths = sorted({urlsplit(url).path.rstrip("/") + _literal_query(url) for url in urls})[:_MAX_LITERALS]
    if len(paths) == 1:
        return re.escape(paths[0]) + "/?"
    return "(?:" + "|".join(re.escape(path) for path in paths) + ")/?"


def _literal_query(url: str) -> str:
    query = urlsplit(url).query
    return f"?{query}" if query else ""


def paging_suffix(urls: Iterable[str]) -> str:
    """An optional page number at the end of the path, where such URLs are known."""
    shapes = sorted({_paging_shape(url) for url in urls if path_page_number(url)})[:_MAX_PAGING_SHAPES]
    return f"(?:(?:{'|'.join(shapes)})/?)?" if shapes else ""


def _paging_shape(url: str) -> str:
    """How the end of a path pages, in one segment such as `page-2.html` or in two such as `page/2`."""
    *_, outer, last = ["", *urlsplit(url).path.rstrip("/").split("/")]
    segments = [outer, last] if last.isdigit() else [last]
    return "/".join(_DIGITS.sub(r"\\d+", re.escape(segment)) for segment in segments)
