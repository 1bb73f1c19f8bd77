import pytest

from webintel.engine.discover.params import (
    ParameterModel,
    is_calendar,
    is_trap,
    parameter_role,
    path_page_number,
    query_page_number,
    similar,
    template_of,
)

SHOP = "https://www.shop.example"


@pytest.mark.parametrize(
    ("name", "value", "role"),
    [
        ("products_id", "12", "identity"),
        ("cPath", "1_2", "identity"),
        ("sort", "2a", "sort"),
        ("view", "grid", "view"),
        ("view", "article", "route"),
        ("page", "3", "page"),
        ("page", "shop.details", "route"),
        ("currency", "EUR", "locale"),
        ("action", "buy_now", "action"),
        ("action", "viewtopic", "route"),
        ("filter[color]", "red", "facet"),
        ("per_page", "48", "page_size"),
        ("month", "2026-05", "calendar"),
        ("zzz", "1", "unknown"),
    ],
)
def test_roles_by_name(name: str, value: str, role: str) -> None:
    assert parameter_role(name, value) == role


@pytest.mark.parametrize(
    "variants",
    [
        ("/product_info.php?products_id=12", "/product_info.php?cPath=1_2&products_id=12"),
        ("/product_info.php?products_id=12", "/product_info.php?products_id=12{3}4&action=buy_now"),
        ("/product_info.php?products_id=12", "/product_info.php?manufacturers_id=3&products_id=12&language=de"),
        ("/index.php?cPath=1_2", "/index.php?cPath=1_2&sort=2a&page=1"),
        ("/shoes", "/shoes/?view=list&limit=96"),
        ("/shoes", "/shoes/page/1/"),
        ("/", "/index.php?currency=USD"),
        ("/products/red?variant=1", "/products/red?variant=2"),
        ("/x?a_id=1&b_id=2", "/x?b_id=2&a_id=1"),
    ],
)
def test_variants_of_a_page_share_a_key(variants: tuple[str, str]) -> None:
    model = ParameterModel()
    assert model.key(SHOP + variants[0]) == model.key("http://shop.example" + variants[1])


@pytest.mark.parametrize(
    "pages",
    [
        ("/index.php?cPath=1_2", "/index.php?cPath=1_3"),
        ("/product_info.php?products_id=12", "/product_info.php?products_id=13"),
        ("/shoes", "/shoes?page=2"),
        ("/?p=12", "/?p=13"),
        ("/index.php?main_page=index", "/index.php?main_page=product_info"),
        ("/calendar?month=2026-05", "/calendar?month=2026-06"),
    ],
)
def test_different_pages_keep_different_keys(pages: tuple[str, str]) -> None:
    model = ParameterModel()
    assert model.key(SHOP + pages[0]) != model.key(SHOP + pages[1])


def test_pages_of_a_listing_share_its_key() -> None:
    model = ParameterModel()
    keys = {model.listing_key(SHOP + path) for path in ("/shoes", "/shoes?page=2", "/shoes/page/3/", "/shoes/page-4")}
    assert keys == {"shop.example/shoes"}
    assert model.listing_key(SHOP + "/index.php?cPath=1&page=2") == model.key(SHOP + "/index.php?cPath=1")


def test_an_unknown_parameter_is_learned_from_equal_contents() -> None:
    model = ParameterModel()
    same, other = (1, *range(40)), (2, *range(100, 140))
    for shade in "abc":
        model.observe_page(f"{SHOP}/lamps?glow={shade}", None, same)
    assert model.role(f"{SHOP}/lamps?glow=z", "glow", "z") == "facet"
    assert model.key(f"{SHOP}/lamps?glow=z") == "shop.example/lamps"
    model.observe_page(f"{SHOP}/terms?word=a", None, same)
    model.observe_page(f"{SHOP}/terms?word=b", None, other)
    assert model.key(f"{SHOP}/terms?word=z") == "shop.example/terms?word=z"


def test_an_unknown_parameter_is_learned_from_canonical_links() -> None:
    model = ParameterModel()
    for shade in "ab":
        model.observe_page(f"{SHOP}/lamps?glow={shade}", f"{SHOP}/lamps", ())
    assert model.role(f"{SHOP}/lamps?glow=z", "glow", "z") == "facet"


def test_an_unknown_parameter_that_listings_add_to_themselves_is_a_facet() -> None:
    model = ParameterModel()
    for shade in "abcd":
        model.observe_link(f"{SHOP}/lamps", f"{SHOP}/lamps?glow={shade}")
    assert model.role(f"{SHOP}/lamps?glow=z", "glow", "z") == "facet"


def test_contents_are_similar_only_under_the_same_heading() -> None:
    assert similar((1, *range(40)), (1, *range(1, 41)))
    assert not similar((1, *range(40)), (2, *range(40)))
    assert not similar((1, *range(40)), (1, *range(30, 70)))
    assert not similar((), ())


def test_page_numbers() -> None:
    assert path_page_number(SHOP + "/shoes/page/3/") == 3
    assert path_page_number(SHOP + "/shoes/page-3.html") == 3
    assert path_page_number(SHOP + "/2026/05") is None
    assert path_page_number(SHOP + "/p/2") is None
    assert path_page_number(SHOP + "/shoes/p12345") is None
    assert query_page_number(SHOP + "/shoes?sort=a&page=7") == 7
    assert query_page_number(SHOP + "/shoes?page=next") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/products/red-shoe", "/products/shirt"),
        ("/2026/05/a-post", "/2025/12/b-post/"),
        ("/product_info.php?products_id=1", "/product_info.php?cPath=3&products_id=9"),
        ("/index.php?cPath=1", "/?cPath=2_3"),
        ("/item-12.html", "/red-chair-9.html"),
    ],
)
def test_urls_of_one_route_share_a_template(one: str, other: str) -> None:
    model = ParameterModel()
    assert template_of(SHOP + one, model) == template_of(SHOP + other, model)


def test_routes_that_differ_in_a_routing_value_are_told_apart() -> None:
    model = ParameterModel()
    product, category = "?route=product/product&product_id=1", "?route=product/category&path=20"
    assert template_of(f"{SHOP}/index.php{product}", model) != template_of(f"{SHOP}/index.php{category}", model)


def test_traps_by_form() -> None:
    assert is_trap(SHOP + "/a/b/a/b/a/b")
    assert is_trap(SHOP + "/x" * 13)
    assert is_trap(SHOP + "/?" + "&".join(f"f{number}=1" for number in range(9)))
    assert not is_trap(SHOP + "/women/shoes/women-boots/red")
    assert is_calendar(SHOP + "/events/2026/05")
    assert is_calendar(SHOP + "/events?month=2026-05")
    assert not is_calendar(SHOP + "/2026/05/13/a-post-about-it")
