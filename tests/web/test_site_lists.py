"""Links, parts of lists and trees, whatever a site or an address says."""

import msgspec
import pytest

from tests.web.scanned import category
from webintel.web.category_tree import BRANCH, CategoryTree
from webintel.web.links import path_in, web_url
from webintel.web.slices import Slice, slice_from
from webintel.web.views import blueprints


@pytest.mark.parametrize("url", ["https://shop.example/a?b=c#d", "http://shop.example", "HTTPS://SHOP.EXAMPLE/"])
def test_web_pages_are_linked(url: str) -> None:
    assert web_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript://shop.example/%0aalert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//shop.example/",
        "/p/1",
        "https:",
        "https://[bad",
        "",
        None,
    ],
)
def test_nothing_else_is(url: str | None) -> None:
    assert web_url(url) is None


def test_an_address_within_a_site_is_short() -> None:
    assert path_in("https://shop.example/c/pans?page=2") == "/c/pans?page=2"
    assert path_in("https://shop.example") == "/"
    assert path_in("https://[bad") == "https://[bad"


@pytest.mark.parametrize(
    ("start", "shown", "before", "after"),
    [
        (0, [0, 1, 2], None, 3),
        (3, [3, 4, 5], 0, 6),
        (6, [6], 3, None),
        (1, [1, 2, 3], 0, 4),
        (7, [6], 3, None),
        (9_999_999, [6], 3, None),
    ],
)
def test_a_long_list_is_cut(start: int, shown: list[int], before: int | None, after: int | None) -> None:
    part = slice_from("numbers", range(7), start, 3)
    assert (list(part.items), part.before, part.after) == (shown, before, after)
    assert (part.first, part.last, part.total) == (shown[0] + 1, shown[-1] + 1, 7)


def test_an_empty_list_has_one_empty_part() -> None:
    part: Slice[int] = slice_from("numbers", [], 50, 3)
    assert (part.items, part.first, part.last, part.before, part.after) == ([], 0, 0, None, None)


def _tree(*categories: object) -> CategoryTree:
    return CategoryTree([msgspec.convert(msgspec.to_builtins(one), blueprints.Category) for one in categories])


def test_a_small_tree_is_there_at_once_and_a_large_one_level_by_level() -> None:
    top = category("Top")
    small = [category(f"{number}", top) for number in range(20)]
    (node,) = _tree(top, *small).branch(None).items
    assert node.children == 20
    assert node.branch is not None
    assert len(node.branch.items) == 20
    large = [category(f"{number}", top) for number in range(500)]
    tree = _tree(top, *large)
    (node,) = tree.branch(None).items
    assert node.children == 500
    assert node.branch is None
    below = tree.branch(node.category, BRANCH)
    assert (len(below.items), below.start, below.after, below.total) == (BRANCH, BRANCH, 2 * BRANCH, 500)


def test_no_category_is_its_own_ancestor() -> None:
    loop = [category("a", id="a", parent_id="b"), category("b", id="b", parent_id="a")]
    twice = [category("first", id="x"), category("second", id="x", parent_id="x")]
    orphan = category("orphan", parent_id="nobody")
    tree = _tree(*loop, *twice, orphan)
    assert [(node.category.name, node.children) for node in tree.branch(None).items] == [("first", 0), ("orphan", 0)]
    found = tree.get("a")
    assert found is not None
    assert [one.name for one in tree.path(found)] == ["b", "a"]
