import msgspec

from webintel.engine.page import Page
from webintel.engine.structured import StructuredData

URL = "https://shop.example/p/1"


def read(html: str) -> StructuredData:
    return Page(URL, html).structured


def ld(text: str) -> StructuredData:
    return read(f'<script type="application/ld+json">{text}</script>')


def test_json_ld_comes_in_one_shape() -> None:
    data = ld(
        """{"@context": "https://schema.org/", "@type": "http://schema.org/Product", "@id": "#p",
        "schema:name": "Tom &amp; Co",
        "image": ["a.jpg", {"@type": "ImageObject", "url": "b.jpg"}], "weight": null, "color": "",
        "offers": {"@type": ["Offer", "Demand"], "price": 9.5, "availability": {"@value": "InStock"}}}"""
    )
    assert data.items == [
        {
            "@source": "json_ld",
            "@type": ["Product"],
            "@id": "#p",
            "name": ["Tom & Co"],
            "image": ["a.jpg", {"@type": ["ImageObject"], "url": ["b.jpg"]}],
            "offers": [{"@type": ["Offer", "Demand"], "price": [9.5], "availability": ["InStock"]}],
        }
    ]


def test_graphs_arrays_and_several_scripts_are_flattened_in_order() -> None:
    data = read(
        """<script type="application/ld+json">{"@graph": [{"@type": "A", "name": "1"},
        {"@type": "B", "name": "2"}]}</script>
        <script type='application/ld+json; charset=utf-8'>[[{"@type": "C", "name": "3"}],
        {"@type": "D", "name": "4"}]</script>
        <script type="application/ld+json">{"@type": "E", "name": "5",}</script>"""
    )
    assert [item["name"] for item in data.items] == [["1"], ["2"], ["3"], ["4"], ["5"]]


def test_items_of_a_type_are_found_at_any_depth() -> None:
    data = ld(
        '{"@type": "WebPage", "mainEntity": {"@type": "Product", "name": "Deep", '
        '"review": {"@type": "Review", "name": "r"}}}'
    )
    assert [item["name"] for item in data.of_type("Product", "Review")] == [["Deep"], ["r"]]


def test_json_ld_is_bounded() -> None:
    deep = '{"@type": "A", "a": ' * 500 + '"x"' + "}" * 500
    wide = '{"@type": "A", "a": [' + ",".join(['{"b": "c"}'] * 100_000) + "]}"
    for text in (deep, wide, f"[{deep},{wide}]"):
        assert len(msgspec.json.encode(ld(text).items)) < 2_000_000


def test_microdata_has_the_same_shape() -> None:
    data = read(
        """<div itemscope itemtype="https://schema.org/Product" itemref="more">
        <h1 itemprop="name">A  thing</h1><img itemprop="image" src="/i.jpg"><meta itemprop="sku" content="S1">
        <div itemprop="offers" itemscope itemtype="http://schema.org/Offer">
        <span itemprop="price" content="9.90">9,90 €</span>
        <link itemprop="availability" href="https://schema.org/InStock">
        <time itemprop="priceValidUntil" datetime="2030-01-01">soon</time></div>
        </div><p id="more"><a itemprop="brand url" href="/brand">Acme</a></p>"""
    )
    assert data.items == [
        {
            "@type": ["Product"],
            "name": ["A thing"],
            "image": ["https://shop.example/i.jpg"],
            "sku": ["S1"],
            "offers": [
                {
                    "@type": ["Offer"],
                    "price": ["9.90"],
                    "availability": ["https://schema.org/InStock"],
                    "priceValidUntil": ["2030-01-01"],
                }
            ],
            "brand": ["https://shop.example/brand"],
            "url": ["https://shop.example/brand"],
            "@source": "microdata",
        }
    ]


def test_microdata_that_refers_to_itself_ends() -> None:
    data = read(
        """<div id="a" itemscope itemref="b"><p itemprop="x">1</p></div>
        <div id="b" itemprop="y" itemscope itemref="c">
        <div id="c" itemprop="z" itemscope itemref="b"><i itemprop="q">2</i></div></div>"""
    )
    assert b'"2"' in msgspec.json.encode(data.items)


def test_rdfa_lite() -> None:
    data = read(
        """<div vocab="https://schema.org/" typeof="Article"><h2 property="headline">News</h2>
        <span property="author" typeof="Person"><b property="name">Ann</b></span></div>
        <meta property="og:title" content="not an item">"""
    )
    assert data.items == [
        {
            "@type": ["Article"],
            "headline": ["News"],
            "author": [{"@type": ["Person"], "name": ["Ann"]}],
            "@source": "rdfa",
        }
    ]


def test_open_graph_keeps_all_values() -> None:
    data = read(
        '<meta property="og:image" content="1"><meta property="og:image" content="2">'
        '<meta property="product:price:amount" content="9"><meta name="twitter:card" content="summary">'
        '<meta name="x" content="y">'
    )
    assert data.open_graph == {"og:image": ["1", "2"], "product:price:amount": ["9"], "twitter:card": ["summary"]}


def test_states_that_scripts_carry() -> None:
    data = read(
        r"""<script id="__NEXT_DATA__" type="application/json">{"props": {"a": 1}}</script>
        <script>window.__INITIAL_STATE__ = {"cart": {"items": []}, "s": "}\" {"};
        (function(){var ab={"no":1}})()</script>
        <script>window["__APOLLO_STATE__"] = JSON.parse("{\"Product:1\":{\"name\":\"X\"}}");</script>
        <script>self.__next_f.push([1,"1:{\"a\":\"b\"}\n2:[\"c"]);self.__next_f.push([1,"\"]\n3:I[1]\n"])</script>
        <script type="application/json" id="__NUXT_DATA__">
        [["ShallowReactive", 1], {"title": 2, "list": 3}, "T", [2]]</script>
        <script>var settings = {broken: 1};</script>"""
    )
    states = {state.name: state.data for state in data.states}
    assert states["__NEXT_DATA__"] == {"props": {"a": 1}}
    assert states["window.__INITIAL_STATE__"] == {"cart": {"items": []}, "s": '}" {'}
    assert states["__APOLLO_STATE__"] == {"Product:1": {"name": "X"}}
    assert states["__NUXT_DATA__"] == {"title": "T", "list": ["T"]}
    assert states["__next_f"] == [{"a": "b"}, ["c"]]
    assert "settings" not in states


def test_the_same_page_gives_the_same_data() -> None:
    html = "".join(f'<div itemscope itemtype="T{i}"><i itemprop="n">{i}</i></div>' for i in range(50))
    assert msgspec.json.encode(read(html).items) == msgspec.json.encode(read(html).items)
