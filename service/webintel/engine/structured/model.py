"""The shapes in which structured data is handed over."""

from functools import cached_property

import msgspec

from webintel.engine.structured.devalue import revive
from webintel.engine.structured.tolerant_json import loads

Item = dict[str, object]


class State:
    """Data embedded in a page for its own scripts; decoded when it is first asked for.

    Attributes:
        name: the script's id or variable, such as `__NEXT_DATA__`; else its type.
        text: the JSON as it stands on the page.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"State({self.name!r}, {len(self.text)} characters)"

    @cached_property
    def data(self) -> object:
        """What the text says; none where it cannot be read."""
        values = loads(self.text)
        data = values[0] if values else None
        return revive(data) if self.name == "__NUXT_DATA__" and isinstance(data, list) else data


class StructuredData(msgspec.Struct, frozen=True):
    """Everything a page says about itself for machines."""

    items: list[Item]
    open_graph: dict[str, list[str]]
    states: list[State]

    def of_type(self, *types: str) -> list[Item]:
        """Items, nested ones included, that have any of these types, in document order."""
        wanted = frozenset(types)
        found: list[Item] = []
        stack: list[object] = list(reversed(self.items))
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                own = value.get("@type")
                if isinstance(own, list) and not wanted.isdisjoint(own):
                    found.append(value)
                stack.extend(reversed(list(value.values())))
            elif isinstance(value, list):
                stack.extend(reversed(value))
        return found
