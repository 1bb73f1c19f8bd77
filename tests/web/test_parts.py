"""The parts that pages are made of, shown together under the policy that real pages have."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Route, expect

from tests.web.browser import inspect
from tests.web.conftest import OpenAs
from webintel.web import formats
from webintel.web.assets import Assets
from webintel.web.pages import AREAS
from webintel.web.policy import CONTENT_POLICY
from webintel.web.templating import environment
from webintel.web.views.accounts import Me

PARTS = """{% extends "base.html" %}
{% import "parts/show.html" as show %}
{% import "parts/charts.html" as charts %}
{% import "parts/tables.html" as tables %}
{% block title %}Parts{% endblock %}
{% block head %}{{ charts.styles() }}{% endblock %}
{% block scripts %}{{ charts.scripts() }}{% endblock %}
{% block content %}
<h1>Parts</h1>
{{ show.notice("Something to know.") }}
<p>{% for status in ("ready", "running", "review", "failed", "cancelled") %}{{ show.badge(status) }} {% endfor %}</p>
<div class="columns">
{{ charts.chart("jobs", "Jobs a day", "42 in three days.", times, [
  {"name": "Succeeded", "values": [10, 12, 14], "tone": "good"},
  {"name": "Failed", "values": [2, 4, none], "tone": "bad"}]) }}
{{ charts.chart("share", "Success rate", "About 80 %.", times,
  [{"name": "Share", "values": [80.5, 78.0, 81.2]}], kind="bars", unit=" %") }}
</div>
{% call show.facts() %}<dt>Confidence</dt><dd>{{ show.meter(0.83, "Confidence") }}</dd>{% endcall %}
<p>{{ show.copy("article.product h3 > a", "the selector") }}</p>
{{ show.tree(nodes, "Categories") }}
{% call show.empty("No jobs yet") %}<p>Start one.</p>{% endcall %}
{{ tables.pager("/sites", "/sites?cursor=x", 50, 1234) }}
{% endblock %}"""
NODES = [
    {"name": "Kitchen", "href": "https://shop.example/kitchen", "note": "12 pages", "children": [
        {"name": "Pans <b>", "href": None, "note": None, "children": []}]},
]  # fmt: skip


async def test_parts_work_under_the_policy_and_are_accessible(open_as: OpenAs) -> None:
    me = Me(id=uuid4(), email="ada@shop.example", name="Ada", role="admin", permissions=frozenset({"read"}))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    times = [(start + timedelta(days=number)).timestamp() for number in range(3)]
    shared = {"me": me, "here": "/sites", "theme": None, "flash": None, "api_url": "http://api.example"}
    html = environment(Assets(), AREAS).from_string(PARTS).render(times=times, nodes=NODES, **shared)

    async def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Content-Type": "text/html; charset=utf-8"}
        await route.fulfill(body=html, headers=headers)

    page = await open_as("viewer")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.route("**/parts", answer)
    await page.goto("/parts")
    await expect(page.locator("#jobs canvas")).to_be_visible()
    await expect(page.locator("#share canvas")).to_be_visible()
    await page.locator("#share").get_by_text("As a table").click()
    await expect(page.locator("#share table").last).to_contain_text("1 Nov 2026")
    await page.locator("summary").filter(has_text="Kitchen").click()
    await expect(page.get_by_text("Pans <b>")).to_be_visible()
    await page.get_by_role("button", name="Copy the selector").click()
    await expect(page.get_by_text("Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "article.product h3 > a"
    await inspect(page, "parts")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, formats.NOTHING),
        (0, "0.0 s"),
        (9.96, "10.0 s"),
        (59.6, "1 min"),
        (3725, "1 h 2 min"),
        (90061, "1 d 1 h"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds).replace("\u202f", " ") == text


def test_numbers_and_times() -> None:
    assert formats.number(1234567).replace("\u202f", " ") == "1 234 567"
    assert formats.percent(0.834).replace("\u202f", " ") == "83 %"
    assert formats.size(1_500_000).replace("\u202f", " ") == "1.5 MB"
    assert formats.words("blueprint_update") == "Blueprint update"
    assert formats.when(None) == formats.day(None) == formats.NOTHING
    ago = formats.when(datetime.now(UTC) - timedelta(hours=3, minutes=5))
    assert ago.replace("\u202f", " ").endswith(">3 h ago</time>")
    ahead = formats.when(datetime.now(UTC) + timedelta(minutes=5, seconds=30))
    assert ahead.replace("\u202f", " ").endswith(">in 5 min</time>")
