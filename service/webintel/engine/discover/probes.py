"""Looking at a few of the data sources that pages gave away, to tell what they answer."""

import re
from typing import Final
from urllib.parse import urljoin

import msgspec

from webintel.engine.discover.facts import PageFacts
from webintel.engine.discover.sources import source_shape
from webintel.engine.errors import EngineError
from webintel.engine.fetch import Fetcher

MAX_PROBES: Final = 5
_MAX_BYTES: Final = 2_000_000
_MAX_DEPTH: Final = 6
_MAX_PROPERTIES: Final = 60
_MAX_ITEMS: Final = 20
_JSON: Final = re.compile(r"[/+]json$")
_SHOPIFY: Final = re.compile(r"/(?:collections|products)/[\w-]+(?:$|[?/])")


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A source that was asked once."""

    url: str
    answered: bool
    response_schema: dict[str, object] | None = None


async def probe(fetcher: Fetcher, facts: list[PageFacts]) -> list[Probe]:
    """Ask the most promising sources, within bounds; a refusal is an answer too."""
    probes: list[Probe] = []
    for url in probe_urls(facts):
        if fetcher.seconds_left <= 0:
            break
        try:
            response = await fetcher.get(url, purpose="probe", max_bytes=_MAX_BYTES)
        except EngineError:
            probes.append(Probe(url=url, answered=False))
            continue
        schema = None
        if _JSON.search(response.media_type):
            try:
                schema = json_schema(msgspec.json.decode(response.body))
            except (msgspec.DecodeError, RecursionError):
                schema = None
        probes.append(Probe(url=url, answered=schema is not None, response_schema=schema))
    return probes


def probe_urls(facts: list[PageFacts]) -> list[str]:
    """Which sources to ask: those that pages name, and those that the shape of the site's URLs promises."""
    if not facts:
        return []
    wanted: list[str] = []
    urls = [link.url for link in facts[0].links]
    if any("/collections/" in url for url in urls) and any(_SHOPIFY.search(url) for url in urls):
        wanted.append(urljoin(facts[0].url, "/products.json?limit=1"))
    named = [
        (-source.confidence, order, source.url)
        for order, source in enumerate(source for page in facts for source in page.sources)
        if source.kind == "rest" and source.method == "GET"
    ]
    shapes: set[object] = set()
    for _, _, url in sorted(named):
        shape = source_shape(url)
        if shape not in shapes:
            shapes.add(shape)
            wanted.append(url)
    return list(dict.fromkeys(wanted))[:MAX_PROBES]


def json_schema(value: object, depth: int = 0) -> dict[str, object]:
    """A JSON Schema of one sample: types, properties and the items of lists, within bounds."""
    if isinstance(value, dict):
        schema: dict[str, object] = {"type": "object"}
        if depth < _MAX_DEPTH:
            names = list(value)[:_MAX_PROPERTIES]
            schema["properties"] = {name: json_schema(value[name], depth + 1) for name in names}
        return schema
    if isinstance(value, list):
        schema = {"type": "array"}
        if value and depth < _MAX_DEPTH:
            schema["items"] = _merged([json_schema(item, depth + 1) for item in value[:_MAX_ITEMS]])
        return schema
    return {"type": _scalar_type(value)}


def _scalar_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "string"


def _merged(schemas: list[dict[str, object]]) -> dict[str, object]:
    """One schema for several samples: all their types, all their properties."""
    types = sorted({name for schema in schemas for name in _types(schema)})
    merged: dict[str, object] = {"type": types[0] if len(types) == 1 else types}
    objects = [schema["properties"] for schema in schemas if isinstance(schema.get("properties"), dict)]
    if objects:
        properties: dict[str, list[dict[str, object]]] = {}
        for one in objects:
            if isinstance(one, dict):
                for name, schema in one.items():
                    properties.setdefault(name, []).append(schema)
        merged["properties"] = {name: _merged(found) for name, found in list(properties.items())[:_MAX_PROPERTIES]}
    items = [schema["items"] for schema in schemas if isinstance(schema.get("items"), dict)]
    if items:
        merged["items"] = _merged([item for item in items if isinstance(item, dict)])
    return merged


def _types(schema: dict[str, object]) -> list[str]:
    named = schema["type"]
    return [str(name) for name in named] if isinstance(named, list) else [str(named)]
