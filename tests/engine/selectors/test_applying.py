import msgspec
import pytest

from tests.engine.selectors.shop import SITE, Product, blueprint, find, listing
from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.model import Selector
from webintel.engine.page import Page
from webintel.engine.selectors import apply_selectors, induce_selectors, match_page_type


def selector(css: str = "h1", **changes: object) -> Selector:
    plain = Selector(
        field_name="title",
        page_type="detail",
        css=css,
        xpath="//h1",
        attribute=None,
        sample_values=[],
        confidence=0.5,
        test_pass_rate=1.0,
        method="heuristic",
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture(scope="module")
def learned() -> list[Selector]:
    pages = {"detail": [Product(n).page() for n in range(1, 7)], "listing": [listing(n) for n in range(3)]}
    return induce_selectors(pages, {"detail": "product", "listing": "collection"})


def test_text_is_what_a_reader_sees():
    page = Page(SITE, "<h1>Big\n  <b>red</b><script>var x</script><br>lamp<!-- no --> &amp; <i>sh</i>ade<p>x</h1>")
    assert apply_selectors([selector()], page) == {"title": "Big red lamp & shade x"}


def test_urls_are_absolute_and_respect_the_base():
    page = Page(f"{SITE}/a/b", '<base href="/shop/"><h1><a href="x?y=1">A</a></h1>')
    assert apply_selectors([selector("h1 a", attribute="href")], page) == {"title": f"{SITE}/shop/x?y=1"}


def test_several_values_are_a_list_and_missing_ones_left_out():
    page = Page(SITE, "<h1>a</h1><h1> </h1><h1>b</h1>")
    assert apply_selectors([selector(multiple=True)], page) == {"title": ["a", "b"]}
    assert apply_selectors([selector("h2")], page) == {}
    assert apply_selectors([], page) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"css": "h1["},
        {"css": ""},
        {"css": "h1:no-such-thing"},
        {"css": "h1" * 500},
        {"css": " ".join("*" * 40)},
        {"css": "p:has(p:has(p:has(p:has(p))))"},
        {"scope": "li >"},
        {"xpath": "//h1["},
        {"xpath": ""},
        {"xpath": "//h1" + "/.." * 5000},
        {"xpath": "no:such()"},
    ],
)
def test_unusable_selectors_are_named(changes: dict[str, str]):
    hostile = selector(field_name="colour", **changes)
    with pytest.raises(EngineError, match="'detail' for 'colour'") as caught:
        apply_selectors([selector(), hostile], Page(SITE, "<h1>a</h1>"))
    assert caught.value.code is ErrorCode.UNUSABLE_BLUEPRINT


def test_too_many_selectors_are_refused():
    with pytest.raises(EngineError, match="at most 500"):
        apply_selectors([selector()] * 501, Page(SITE, "<h1>a</h1>"))


def test_page_types_are_told_by_url_then_by_content(learned: list[Selector]):
    known = blueprint(learned)
    assert match_page_type(known, f"{SITE}/p/5", Product(5).page()) == "detail"
    assert match_page_type(known, f"{SITE}/c/lamps?page=2", listing(1)) == "listing"
    assert match_page_type(known, f"{SITE}/moved/5", Product(5).page()) == "detail"
    assert match_page_type(known, f"{SITE}/moved/list", listing(1)) == "listing"
    assert match_page_type(known, f"{SITE}/terms", Page(f"{SITE}/terms", "<p>Terms</p>")) is None


def test_two_patterns_for_one_url_are_told_apart_by_content(learned: list[Selector]):
    known = blueprint(learned)
    types = [msgspec.structs.replace(one, url_pattern=r"https://shop\.example/.*") for one in known.page_types]
    known = msgspec.structs.replace(known, page_types=types)
    assert match_page_type(known, f"{SITE}/p/5", Product(5).page()) == "detail"
    assert match_page_type(known, f"{SITE}/c/lamps", listing(1)) == "listing"


@pytest.mark.parametrize("pattern", ["(", "(a+)+$" * 200, r"(?:(?:a|aa|\w)+)+(?:b|c)\d\1$" + "(", "[z-a]"])
def test_unusable_url_patterns_are_named(pattern: str):
    known = blueprint([selector()])
    types = [msgspec.structs.replace(one, url_pattern=pattern) for one in known.page_types]
    with pytest.raises(EngineError, match="URL pattern") as caught:
        match_page_type(msgspec.structs.replace(known, page_types=types), f"{SITE}/x", Page(SITE, "<p>"))
    assert caught.value.code is ErrorCode.UNUSABLE_BLUEPRINT


def test_a_catastrophic_url_pattern_is_given_up():
    known = blueprint([selector()])
    pattern = r"https://shop\.example/(?:\w|\w\w|[a-e]\w)+[b-d]"
    types = [msgspec.structs.replace(one, url_pattern=pattern) for one in known.page_types]
    with pytest.raises(EngineError, match="takes too long"):
        match_page_type(
            msgspec.structs.replace(known, page_types=types), f"{SITE}/" + "a" * 3000 + "d!", Page(SITE, "<p>")
        )


def test_a_learned_title_is_more_than_the_sites_name(learned: list[Selector]):
    title = find(learned, "title", "detail")
    assert title is not None
    assert "Lamp House" not in title.sample_values
