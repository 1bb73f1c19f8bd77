import msgspec

from tests.engine.selectors.shop import NEW, SITE, Product, blueprint, find, listing
from webintel.engine.model import Selector
from webintel.engine.page import Page
from webintel.engine.selectors import apply_selectors, induce_selectors, is_broken, repair_selectors, verify_selectors
from webintel.engine.selectors.values import similarity

KINDS = {"detail": "product", "listing": "collection"}


def learned() -> list[Selector]:
    pages = {"detail": [Product(n).page() for n in range(1, 9)], "listing": [listing(n) for n in range(3)]}
    return induce_selectors(pages, KINDS)


def test_selectors_that_still_work_keep_their_rate():
    before = learned()
    pages = [*(Product(n).page() for n in range(20, 26)), *(listing(n) for n in range(4, 7))]
    after = verify_selectors(blueprint(before), pages)
    assert [one.css for one in after] == [one.css for one in before]
    assert all(new.test_pass_rate == 1.0 for new in after if new.pages_tested)
    assert not any(is_broken(old, new) for old, new in zip(before, after, strict=True))


def test_a_redesign_is_noticed_and_types_without_pages_are_left_alone():
    before = learned()
    after = verify_selectors(blueprint(before), [Product(n, style=NEW).page() for n in range(20, 26)])
    broken = {old.field_name for old, new in zip(before, after, strict=True) if is_broken(old, new)}
    assert {"title", "price", "sku", "availability"} <= broken
    assert "image" not in broken
    untouched = [one for one in after if one.page_type == "listing"]
    assert untouched == [one for one in before if one.page_type == "listing"]


def test_a_partial_breakage_shows_as_a_lower_rate():
    pages = [Product(n, style=NEW if n % 2 else Product(0).style).page() for n in range(20, 28)]
    after = verify_selectors(blueprint(learned()), pages)
    title = find(after, "title", "detail")
    assert title is not None
    assert title.test_pass_rate == 0.5
    assert title.pages_tested == 8


def test_a_redesign_is_repaired():
    known = blueprint(learned())
    fresh = {
        "detail": [Product(n, style=NEW).page() for n in range(20, 28)],
        "listing": [listing(n, NEW) for n in range(4, 7)],
    }
    selectors, changes = repair_selectors(known, fresh)
    unseen = Product(90, style=NEW)
    values = apply_selectors([one for one in selectors if one.page_type == "detail"], unseen.page())
    assert values["title"] == unseen.title
    assert values["sku"] == unseen.sku
    assert similarity("price", str(values["price"]), unseen.price) == 1.0
    items = apply_selectors([one for one in selectors if one.page_type == "listing"], listing(9, NEW))["items"]
    assert len(items) == 12
    replaced = {(one.page_type, one.field_name) for one in changes if one.kind == "replaced"}
    assert {("detail", "title"), ("detail", "price"), ("detail", "sku"), ("listing", "item_title")} <= replaced
    by_field = {one.field_name: one for one in changes if one.page_type == "detail"}
    assert by_field["image"].kind == "kept"
    assert by_field["title"].old_css != by_field["title"].new_css
    assert (by_field["title"].old_pass_rate, by_field["title"].new_pass_rate) == (0.0, 1.0)


def test_fields_that_are_gone_are_removed_and_new_ones_added():
    before = learned()
    without = [one for one in before if one.field_name != "availability"]
    fresh = {"detail": [Product(n, has_sku=False).page() for n in range(20, 28)]}
    selectors, changes = repair_selectors(blueprint(without), fresh)
    kinds = {one.field_name: one.kind for one in changes if one.page_type == "detail"}
    assert kinds["sku"] == "removed"
    assert kinds["availability"] == "added"
    assert find(selectors, "sku") is None
    assert {one.kind for one in changes if one.page_type == "listing"} == {"unverified"}


def test_a_repair_without_pages_changes_nothing():
    before = learned()
    selectors, changes = repair_selectors(blueprint(before), {})
    assert sorted(selectors, key=lambda one: (one.page_type, one.field_name)) == selectors
    assert {one.kind for one in changes} == {"unverified"}
    assert len(selectors) == len(before)


def test_pages_of_no_type_say_nothing_about_selectors():
    before = learned()
    assert verify_selectors(blueprint(before), [Page(f"{SITE}/terms", "<p>Terms</p>")]) == before


def test_verifying_keeps_all_but_the_measured_values():
    before = learned()
    after = verify_selectors(blueprint(before), [Product(n).page() for n in range(30, 34)])
    for old, new in zip(before, after, strict=True):
        same = msgspec.structs.replace(new, test_pass_rate=old.test_pass_rate, pages_tested=old.pages_tested)
        assert same == old


def test_a_redesign_without_structured_data_is_noticed_and_repaired_from_known_values():
    before = learned()
    numbers = [int(value.removeprefix("LMP-")) for value in find(before, "sku").sample_values]
    again = [(number - 4000) // 7 for number in numbers]
    pages = [Product(n, style=NEW, structured=False).page() for n in [*again, 40, 41, 42]]
    after = verify_selectors(blueprint(before), pages)
    assert is_broken(find(before, "sku"), find(after, "sku"))
    selectors, _ = repair_selectors(blueprint(before), {"detail": pages})
    assert apply_selectors([find(selectors, "sku")], Product(91, style=NEW).page())["sku"] == Product(91).sku


def test_a_selector_that_now_gives_something_else_is_broken():
    before = learned()

    def moved(number: int) -> Page:
        html = Product(number, structured=False).html()
        swapped = html.replace('class="sku"', 'class="code"').replace(
            "<footer>", '<footer><b class="sku">Lamp House</b>'
        )
        return Page(f"{SITE}/p/{number}", swapped)

    after = verify_selectors(blueprint(before), [moved(n) for n in range(20, 25)])
    assert is_broken(find(before, "sku"), find(after, "sku"))


def test_labelled_rows_that_change_places_are_noticed():
    def swapped(number: int) -> Page:
        html = Product(number).html()
        start, middle, end = html.index("<tr><th>Weight"), html.index("<tr><th>Colour"), html.index("</table>")
        return Page(f"{SITE}/p/{number}", html[:start] + html[middle:end] + html[start:middle] + html[end:])

    before = learned()
    after = verify_selectors(blueprint(before), [swapped(n) for n in range(20, 25)])
    assert is_broken(find(before, "weight"), find(after, "weight"))
