"""A recipe site: structured data on half of its pages."""
# ruff: noqa: E501 - markup reads better unbroken

import json

from tests.sites.player import Truth, document, link_list, static

RECIPES_DOMAIN = "recipes.test"
_COURSES = {"soups": "Soups", "breads": "Breads", "salads": "Salads", "puddings": "Puddings"}
_MAINS = ("Leek", "Barley", "Carrot", "Walnut", "Pear", "Beetroot", "Oat", "Plum")
_COOKS = ("Ada Fenn", "Luis Marsh", "Kit Orchard")
_RECIPES = range(1, 49)
_PER_PAGE = 6


def _course(number: int) -> str:
    return list(_COURSES)[number % 4]


def _title(number: int) -> str:
    return f"{_MAINS[number % 8]} {_COURSES[_course(number)][:-1].lower()} number {number}"


def _path(number: int) -> str:
    return f"/recipes/{_course(number)}/{_title(number).lower().replace(' ', '-')}"


def _ingredients(number: int) -> list[str]:
    main = _MAINS[number % 8].lower()
    return [f"{100 + number} g {main}", "1 onion, sliced", f"{number % 5 + 1} tbsp olive oil", "A pinch of salt"]


def _steps(number: int) -> list[str]:
    main = _MAINS[number % 8].lower()
    return [
        f"Chop the {main} and warm the oil in a wide pan.",
        f"Cook for {10 + number % 20} minutes over a low heat, stirring when you think of it.",
        "Season, rest for five minutes and serve.",
    ]


def _page(title: str, main: str, head: str = "") -> bytes:
    nav = link_list([(f"/recipes/{slug}", name) for slug, name in _COURSES.items()], "nav-courses")
    body = (
        f'<header><a class="brand" href="/">Low Heat</a><nav>{nav}</nav></header><main>{main}</main>'
        '<footer><a href="/about">About</a></footer>'
    )
    return document(f"{title} | Low Heat", body, head)


def _recipe(number: int) -> bytes:
    cook = _COOKS[number % 3]
    ingredients = "".join(f'<li class="recipe-ingredients__item">{item}</li>' for item in _ingredients(number))
    steps = "".join(f'<li class="recipe-method__step"><p>{step}</p></li>' for step in _steps(number))
    main = (
        f'<article class="recipe"><h1 class="recipe__title">{_title(number)}</h1><p class="recipe__byline">Recipe by '
        f'<span class="recipe__author">{cook}</span></p><p class="recipe__time">Serves {2 + number % 4}</p>'
        f'<h2>Ingredients</h2><ul class="recipe-ingredients">{ingredients}</ul>'
        f'<h2>Method</h2><ol class="recipe-method">{steps}</ol></article>'
    )
    data = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": _title(number),
        "author": {"@type": "Person", "name": cook},
        "recipeIngredient": _ingredients(number),
        "recipeInstructions": [{"@type": "HowToStep", "text": step} for step in _steps(number)],
    }
    head = f'<script type="application/ld+json">{json.dumps(data)}</script>' if number % 2 else ""
    return _page(_title(number), main, head)


def _course_pages(slug: str) -> dict[str, bytes]:
    numbers = [number for number in _RECIPES if _course(number) == slug]
    count = -(-len(numbers) // _PER_PAGE)
    pages = {}
    for page in range(1, count + 1):
        cards = "".join(
            f'<li class="card"><a class="card__link" href="{_path(number)}"><h2 class="card__title">{_title(number)}</h2></a>'
            f'<span class="card__cook">{_COOKS[number % 3]}</span></li>'
            for number in numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        )
        after = f'<a rel="next" href="/recipes/{slug}?page={page + 1}">More</a>' if page < count else ""
        main = f'<h1>{_COURSES[slug]}</h1><ul class="cards">{cards}</ul>{after}'
        pages[f"/recipes/{slug}" + (f"?page={page}" if page > 1 else "")] = _page(_COURSES[slug], main)
    return pages


def _pages() -> dict[str, bytes]:
    newest = link_list([(_path(number), _title(number)) for number in list(_RECIPES)[-8:]], "newest")
    pages = {
        "/": _page("Low Heat", f"<h1>Cook slowly</h1>{newest}"),
        "/about": _page("About", "<h1>About</h1><p>We cook.</p>"),
    }
    for slug in _COURSES:
        pages |= _course_pages(slug)
    return pages | {_path(number): _recipe(number) for number in _RECIPES}


recipes = static(_pages(), RECIPES_DOMAIN)
TRUTH = Truth(
    categories=frozenset(f"/recipes/{slug}" for slug in _COURSES),
    kinds={"listing": [f"/recipes/{slug}" for slug in _COURSES], "article": [_path(number) for number in _RECIPES]},
    values={_path(number): {"title": _title(number), "author": _COOKS[number % 3]} for number in _RECIPES},
)
