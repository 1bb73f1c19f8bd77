"""Ingredients and steps of recipes as plugins and hand-made pages write them."""

import json

import pytest

from webintel.engine.fields import extract_fields
from webintel.engine.model import PageKind
from webintel.engine.page import Page


def fields(body: str, kind: PageKind = "article", **recipe: object) -> dict[str, str | list[str]]:
    item = {"@context": "https://schema.org", "@type": "Recipe", "name": "Lentil soup", **recipe}
    script = f'<script type="application/ld+json">{json.dumps(item)}</script>' if recipe else ""
    html = f"<html><head><title>Lentil soup</title>{script}</head><body><main>{body}</main></body></html>"
    page = Page("https://kitchen.example/soup", html)
    return {field.name: field.value for field in extract_fields(page, kind)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1 cup lentils ((200 g))", "1 cup lentils (200 g)"),
        ("1 onion (, chopped)", "1 onion, chopped"),
        ("1 leek (, cut (see notes))", "1 leek, cut (see notes)"),
        ("2 carrots (peeled)", "2 carrots (peeled)"),
    ],
)
def test_brackets_of_plugins_are_undone(written: str, read: str) -> None:
    assert fields("<h1>Lentil soup</h1>", recipeIngredient=[written])["ingredients"] == [read]


def test_ingredients_in_one_text_are_told_apart_by_its_lines() -> None:
    found = fields("<h1>Lentil soup</h1>", recipeIngredient="1 cup lentils\n2 carrots<br>salt")
    assert found["ingredients"] == ["1 cup lentils", "2 carrots", "salt"]


def test_counted_steps_in_one_text_are_told_apart() -> None:
    found = fields("<h1>Lentil soup</h1>", recipeInstructions="1. Wash the lentils. 2. Cook for 20.5 minutes.3. Serve.")
    assert found["instructions"] == ["Wash the lentils.", "Cook for 20.5 minutes.", "Serve."]


def test_amount_at_the_start_of_a_step_is_kept() -> None:
    found = fields("<h1>Lentil soup</h1>", recipeInstructions=["2 carrots go in first.", "Serve."])
    assert found["instructions"] == ["2 carrots go in first.", "Serve."]


@pytest.mark.parametrize(
    ("ingredients", "steps"),
    [("Hozzávalók", "Elkészítés"), ("Ингредиенты", "Приготовление"), ("Ingredientes", "Modo de preparo")],
)
def test_lists_below_headings_of_other_languages(ingredients: str, steps: str) -> None:
    found = fields(
        f"<h1>Lentil soup</h1><h2>{ingredients}</h2><ul><li>▢ 200 g lentils</li>"
        "<li>2 <a href=/c>carrots</a>, cut</li></ul>"
        f"<h2>{steps}</h2><ol><li>Wash them.</li><li>Cook them.</li></ol>"
    )
    assert found["ingredients"] == ["200 g lentils", "2 carrots, cut"]
    assert found["instructions"] == ["Wash them.", "Cook them."]


def test_recipe_on_a_page_taken_for_a_listing_keeps_its_fields() -> None:
    found = fields("<h1>Lentil soup</h1>", "listing", recipeIngredient=["1 cup lentils"], recipeInstructions=["Cook."])
    assert found["ingredients"] == ["1 cup lentils"]
    assert found["instructions"] == ["Cook."]


def test_listing_of_recipes_has_no_ingredients() -> None:
    cards = "".join(f"<li><a href=/r{n}>Soup {n}</a> <img src=/{n}.jpg></li>" for n in range(9))
    assert "ingredients" not in fields(f"<h1>Soups</h1><ul class=by-ingredients>{cards}</ul>", "listing")


def test_heading_of_a_form_is_not_the_title() -> None:
    found = fields("<h1>Join our community!</h1><h2>Lentil soup</h2>", recipeIngredient=["1 cup lentils"])
    assert found["title"] == "Lentil soup"
