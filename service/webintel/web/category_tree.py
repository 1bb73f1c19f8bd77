"""The category tree, branch by branch: what is deep or wide is fetched when somebody unfolds it."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from webintel.web.slices import Slice, slice_from
from webintel.web.views.blueprints import Category

BRANCH = 100
"""How many categories of one level are shown at once."""
_WHOLE = 150
"""A tree of so many categories is there from the start."""
_WHOLE_DEPTH = 5


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A category; its branch is none where it has to be fetched."""

    category: Category
    children: int
    branch: "Slice[Node] | None"


class CategoryTree:
    """Every category has one place: whatever a blueprint says, nothing is its own ancestor."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self._by_id: dict[str, Category] = {}
        for category in categories:
            self._by_id.setdefault(category.id, category)
        self._children: defaultdict[str | None, list[Category]] = defaultdict(list)
        for category in self._by_id.values():
            known = category.parent_id in self._by_id
            self._children[category.parent_id if known else None].append(category)

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, category_id: str) -> Category | None:
        """Give a category."""
        return self._by_id.get(category_id)

    def path(self, category: Category) -> list[Category]:
        """Give the categories from the top down to this one."""
        path = [category]
        while (parent := self._by_id.get(path[0].parent_id or "")) and parent not in path:
            path.insert(0, parent)
        return path

    def branch(self, parent: Category | None, start: int = 0) -> Slice[Node]:
        """Give the categories under one, or those at the top."""
        return self._branch(parent.id if parent else None, start, _WHOLE_DEPTH if len(self) <= _WHOLE else 1)

    def _branch(self, parent_id: str | None, start: int, levels: int) -> Slice[Node]:
        part = slice_from("from", self._children.get(parent_id, ()), start, BRANCH)
        nodes = [self._node(category, levels - 1) for category in part.items]
        return Slice(name=part.name, items=nodes, start=part.start, total=part.total, size=part.size)

    def _node(self, category: Category, levels: int) -> Node:
        children = len(self._children.get(category.id, ()))
        branch = self._branch(category.id, 0, levels) if children and levels else None
        return Node(category=category, children=children, branch=branch)
