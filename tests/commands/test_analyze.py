import gzip
import json
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from webintel.demo import pages
from webintel.demo.catalog import POSTS, PRODUCTS

ITEM = PRODUCTS[0]
URL = f"http://demo-shop.example{ITEM.path}"


@pytest.fixture
def product_file(tmp_path: Path) -> Path:
    path = tmp_path / "product.html"
    path.write_bytes(pages.product(ITEM))
    return path


def test_one_json_line_for_each_page(run: Run, product_file: Path, tmp_path: Path) -> None:
    post_file = tmp_path / "post.html.gz"
    post_file.write_bytes(gzip.compress(pages.post(POSTS[0])))
    post_url = f"http://demo-shop.example{POSTS[0].path}"
    outcome = run("analyze", product_file, post_file, "--url", URL, "--url", post_url, "--json")
    assert outcome.code == 0, outcome.err
    product, post = map(json.loads, outcome.out.splitlines())
    assert (product["url"], product["page_type"]) == (URL, "product")
    assert (post["url"], post["page_type"]) == (post_url, "article")
    values = {field["name"]: field["value"] for field in product["fields"]}
    assert values["title"] == ITEM.name
    assert values["price"] == ITEM.price
    assert values["sku"] == ITEM.sku


def test_several_processes_give_the_same_lines(run: Run, product_file: Path) -> None:
    arguments = ["analyze", *[product_file] * 12, "--url", URL, "--json"]
    assert run(*arguments, "--jobs", "2").out == run(*arguments).out


def test_an_index_gives_the_urls(run: Run, product_file: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.jsonl"
    index.write_text(json.dumps({"file": product_file.name, "url": URL, "page_type": "product"}) + "\n")
    for files in ([], [product_file]):
        outcome = run("analyze", *files, "--index", index, "--json")
        assert [json.loads(line)["url"] for line in outcome.out.splitlines()] == [URL]


def test_a_summary_for_people(run: Run, product_file: Path) -> None:
    outcome = run("analyze", product_file, "--url", URL)
    assert outcome.code == 0
    assert ITEM.name in outcome.out
    assert "page type   product" in outcome.out


def test_a_bad_file_is_one_line_and_the_others_go_on(run: Run, product_file: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.html.gz"
    damaged.write_bytes(gzip.compress(b"<p>" * 1000)[:30])
    missing = tmp_path / "missing.html"
    outcome = run("analyze", damaged, missing, product_file, "--url", URL, "--json")
    assert outcome.code == 1
    assert len(outcome.out.splitlines()) == 1
    assert [line.split(":")[1].strip() for line in outcome.error_lines] == [str(damaged), str(missing)]


@pytest.mark.parametrize("extra", [[], ["--url", "nonsense"], ["--url", URL, "--url", URL], ["--index", "no.jsonl"]])
def test_a_page_needs_its_url(run: Run, product_file: Path, extra: list[str]) -> None:
    outcome = run("analyze", product_file, *extra)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
