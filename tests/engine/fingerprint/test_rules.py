"""The rule files: that they load, that every rule can fire, and what a faulty one is answered with."""

import html
from collections import Counter
from pathlib import Path

import pytest

from webintel.engine.errors import EngineError, ErrorCode
from webintel.engine.fingerprint import Fingerprinter
from webintel.engine.fingerprint.detect import default_fingerprinter
from webintel.engine.fingerprint.rules import RULES_FOLDER, Rule, load_rules, parse_rules
from webintel.engine.fingerprint.sections import sections_of
from webintel.engine.page import Page

RULE_FILES = sorted(RULES_FOLDER.glob("*.yaml"))
TEMPLATES = {
    "script": '<script src="https://files.example/{}"></script>',
    "stylesheet": '<link rel="stylesheet" href="https://files.example/{}">',
    "link": '<link rel="preconnect" href="https://files.example/{}">',
    "frame": '<iframe src="https://files.example/{}"></iframe>',
    "image": '<img src="https://files.example/{}">',
    "form": '<form action="https://files.example/{}"></form>',
    "inline": "<script>; {} ;</script>",
    "state": '<script type="application/json">{}</script>',
    "class": '<div class="first {}">x</div>',
    "id": '<div id="{}">x</div>',
    "attr": '<div lang="en" {}="1">x</div>',
    "comment": "<!-- {} -->",
    "css": "<style>{}</style>",
}


def page_for(rule: Rule) -> tuple[Page, str | None]:
    """A page on which the rule, and little else, should hold."""
    literal = rule.literal + ("x1" if rule.prefix else "")
    name = literal if rule.name and rule.literal == rule.name else rule.name
    value = "1" if rule.name and rule.literal == rule.name else literal
    url, body, headers, robots = "https://shop.example/", "", (), None
    if rule.kind == "header":
        headers = ((name, value),)
    elif rule.kind == "cookie":
        headers = (("set-cookie", f"{name}={value}; Path=/"),)
    elif rule.kind == "meta":
        body = f'<meta name="{html.escape(name)}" content="{html.escape(value)}">'
    elif rule.kind == "robots":
        robots = f"# {literal} \n"
    elif rule.kind == "url":
        url = f"https://shop{literal}" if literal.startswith(".") else f"https://shop.example/{literal}"
    elif rule.kind == "html":
        body = f"{literal}>" if literal.startswith("<") else f"<div {literal}>"
    else:
        body = TEMPLATES[rule.kind].format(literal)
    return Page(url, f"<html><head></head><body>{body}</body></html>", headers=headers), robots


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_every_file_loads_and_names_sources(path: Path) -> None:
    definitions = parse_rules(path.read_text("utf-8"), path.stem, path.name)
    assert definitions
    assert all(definition.source.startswith(("https://", "http://", "seen on")) for definition in definitions)


def test_there_are_enough_of_them_in_all_groups() -> None:
    definitions = load_rules()
    groups = Counter(definition.group for definition in definitions)
    assert len(definitions) >= 1_200
    for group in (
        "platform",
        "cms",
        "javascript_framework",
        "cdn",
        "analytics",
        "payment",
        "anti_bot",
        "server",
        "language",
    ):
        assert groups[group] >= 10, group


def test_every_rule_fires_on_a_page_made_from_it() -> None:
    matcher = default_fingerprinter().matcher
    silent = []
    for index, rule in enumerate(matcher.rules):
        if rule.pattern is not None:
            continue  # its literal alone is not enough, by intention
        page, robots = page_for(rule)
        if index not in {match.rule for match in matcher.match(page, sections_of(page, robots))}:
            silent.append(rule)
    assert silent == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- name: [", "not valid YAML"),
        ("name: X", "not a list"),
        ("- {source: https://x.example, rules: [{script: abc}]}", "without a name"),
        ("- {name: X, rules: [{script: abc}]}", "where its rules come from"),
        ("- {name: X, source: s, rules: []}", "no rules"),
        ("- {name: X, source: s, rules: [{scrip: abc}]}", "no single known kind"),
        ("- {name: X, source: s, rules: [{script: abc, header: x}]}", "no single known kind"),
        ("- {name: X, source: s, rules: [{script: ab}]}", "literal of 2 characters"),
        ("- {name: X, source: s, rules: [{script: 12345}]}", "not text"),
        ("- {name: X, source: s, rules: [{script: abc, weight: 2}]}", "weight"),
        ("- {name: X, source: s, rules: [{script: abc, pattern: '(a+)+b'}]}", "repeats a repetition"),
        ("- {name: X, source: s, rules: [{script: abc, pattern: '('}]}", "invalid pattern"),
        ("- {name: X, source: s, rules: [{script: abc, version: 'v1'}]}", "version without a group"),
        ("- {name: X, source: s, colour: red, rules: [{script: abc}]}", "unknown key 'colour'"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place_and_a_fix(text: str, message: str) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        parse_rules(text, "mine", "mine.yaml")
    assert caught.value.code is ErrorCode.INVALID_RULES
    assert "mine.yaml" in caught.value.message
    assert caught.value.recovery_action


def test_own_rules_are_merged_with_known_technologies(tmp_path: Path) -> None:
    (tmp_path / "inhouse.yaml").write_text(
        "- {name: Our Shop, source: our wiki, rules: [{header: x-our-shop}], implies: [PHP]}\n"
        "- {name: Shopify, source: our wiki, rules: [{meta: our-shopify-theme}]}\n",
        encoding="utf-8",
    )
    fingerprinter = Fingerprinter(tmp_path)
    page = Page("https://shop.example/", '<meta name="our-shopify-theme" content="1">', headers=(("x-our-shop", "1"),))
    found = {technology.name: technology.group for technology in fingerprinter.page(page).technologies}
    assert found == {"Our Shop": "inhouse", "Shopify": "platform", "PHP": "language"}


def test_own_rules_that_name_an_unknown_technology_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "- {name: X, source: s, rules: [{script: abc}], implies: [Nothing]}", encoding="utf-8"
    )
    with pytest.raises(EngineError, match="implies 'Nothing'"):
        Fingerprinter(tmp_path)


def test_an_own_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no rule files"):
        Fingerprinter(tmp_path)
    with pytest.raises(EngineError, match="is not a folder"):
        Fingerprinter(tmp_path / "missing")


def test_a_rule_file_of_unreasonable_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("#" * 1_100_000, encoding="utf-8")
    with pytest.raises(EngineError, match="larger than"):
        Fingerprinter(tmp_path)
