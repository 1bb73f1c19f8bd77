import pytest

from webintel.engine.structured.tolerant_json import loads


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('<!-- {"a": 1} -->', [{"a": 1}]),
        ('//<![CDATA[\n{"a": "b"}\n//]]>', [{"a": "b"}]),
        ('/*<![CDATA[*/{"a": "b"}/*]]>*/', [{"a": "b"}]),
        ('{"a": 1};', [{"a": 1}]),
        ('{"a": [1, 2,], "b": {"c": 3,},}', [{"a": [1, 2], "b": {"c": 3}}]),
        ('{"a": "x\ny\tz\x01"}', [{"a": "x\ny\tz\x01"}]),
        ('{"a": 1}{"b": 2}\n{"c": 3}', [{"a": 1}, {"b": 2}, {"c": 3}]),
        ('{"a": 1}, {"b": 2}', [{"a": 1}, {"b": 2}]),
        ("{&quot;a&quot;: &quot;b&quot;}", [{"a": "b"}]),
        ('{"a": "say "hi" there", "b": 1}', [{"a": 'say "hi" there', "b": 1}]),
        ('{"a": "5" screen, nice"}', [{"a": '5" screen, nice'}]),
        ("{'a': 'b', c: \"d\"}", [{"a": "b", "c": "d"}]),
        ('{"a": "b" "c": 3}', [{"a": "b", "c": 3}]),
        ('{"a": {"b": [1, 2', [{"a": {"b": [1, 2]}}]),
        ('{"a": "it\\\'s", "b": undefined, "c": NaN}', [{"a": "it's", "b": None, "c": None}]),
        ('{/* note */ "a": 1 // end\n}', [{"a": 1}]),
        ('{"price": 12.50, "count": 007}', [{"price": 12.5, "count": 7}]),
        ("not json at all", []),
        ("", []),
    ],
)
def test_reads_what_pages_hold(text: str, expected: list[object]) -> None:
    assert loads(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        '{"a":' * 200_000,
        '{"a":"' + '"x' * 100_000,
        "{" + ":" * 300_000,
        '{"a":1}' * 100_000,
        "{" + "/*" * 200_000,
        '{"a":"' + '",  ' * 100_000,
        '{"a":"\\u' * 50_000,
        "x" * 5_000_000,
    ],
)
def test_bombs_end_with_little(text: str) -> None:
    assert len(loads(text)) <= 200
