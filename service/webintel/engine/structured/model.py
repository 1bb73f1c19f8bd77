"""The shapes in which structured data is handed over."""

import msgspec

Item = dict[str, object]


class State(msgspec.Struct, frozen=True):
    """Data embedded in a page for its own scripts."""

    name: str
    """The script's id or variable, such as `__NEXT_DATA__`; else its type."""
    data: object


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
