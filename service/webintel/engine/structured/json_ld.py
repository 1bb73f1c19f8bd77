"""JSON-LD of a page, brought into the one shape of items."""

import html
from typing import Final

from webintel.engine.structured.model import Item
from webintel.engine.structured.tolerant_json import loads
from webintel.engine.structured.vocabulary import short_name

_MAX_DEPTH: Final = 24
_MAX_NODES: Final = 30_000
_MAX_STRING: Final = 100_000
_WRAPPERS: Final = ("@value", "@graph", "@list", "@set")


def read_json_ld(texts: list[str]) -> list[Item]:
    """Read the items of JSON-LD scripts."""
    reader = _Reader()
    for text in texts:
        for value in loads(text):
            reader.read(value)
    return reader.items


def _unescaped(text: str) -> str:
    # Content systems often escape a name that is escaped already.
    return html.unescape(html.unescape(text)) if "&" in text and ";" in text else text


class _Reader:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self._left = _MAX_NODES

    def read(self, value: object) -> None:
        """Add the items that stand at the top of a value."""
        stack = [value]
        while stack and self._left > 0:
            self._left -= 1
            current = stack.pop()
            if isinstance(current, list):
                stack.extend(reversed(current))
            elif isinstance(current, dict):
                graph = current.get("@graph")
                if graph is not None:
                    stack.append(graph)
                if graph is None or "@type" in current:
                    item = self._item({key: part for key, part in current.items() if key != "@graph"}, 0)
                    if set(item) - {"@source", "@type"}:
                        self.items.append(item)

    def _item(self, raw: dict[str, object], depth: int) -> Item:
        item: Item = {"@source": "json_ld"} if depth == 0 else {}
        types = raw.get("@type", raw.get("type") if "@context" in raw else None)
        item["@type"] = [
            short_name(name) for name in (types if isinstance(types, list) else [types]) if isinstance(name, str)
        ]
        identifier = raw.get("@id")
        if isinstance(identifier, str) and identifier:
            item["@id"] = identifier
        for key, value in raw.items():
            if key.startswith("@"):
                continue
            values = self._values(value, depth + 1)
            if values:
                name = short_name(key)
                known = item.get(name)
                item[name] = known + values if isinstance(known, list) else values
        return item

    def _values(self, value: object, depth: int) -> list[object]:
        self._left -= 1
        if self._left <= 0 or depth > _MAX_DEPTH or value is None:
            return []
        if isinstance(value, list):
            return [part for element in value for part in self._values(element, depth + 1)]
        if isinstance(value, dict):
            wrapped = next((value[wrapper] for wrapper in _WRAPPERS if wrapper in value), None)
            if wrapped is not None:
                return self._values(wrapped, depth + 1)
            return [self._item(value, depth)] if value else []
        if isinstance(value, str):
            text = value[:_MAX_STRING].strip()
            value = _unescaped(text)
        return [value] if value != "" else []
