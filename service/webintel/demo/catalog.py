"""What the demo shop sells: 300 products made by counting, so that every visit sees the same."""

from dataclasses import dataclass
from functools import cached_property

PRODUCTS_PER_GROUP = 15


@dataclass(frozen=True)
class Group:
    """A category of the second level."""

    name: str
    slug: str
    things: tuple[str, str, str]
    department: "Department"

    @property
    def path(self) -> str:
        """Where its listing stands."""
        return f"{self.department.path}/{self.slug}"


class Department:
    """A category of the first level."""

    def __init__(self, name: str, slug: str, blurb: str, groups: tuple[tuple[str, tuple[str, str, str]], ...]) -> None:
        self.name = name
        self.slug = slug
        self.blurb = blurb
        self.groups = tuple(
            Group(name, name.lower().replace(" & ", "-").replace(" ", "-"), things, self) for name, things in groups
        )

    @property
    def path(self) -> str:
        """Where its listing stands."""
        return f"/c/{self.slug}"


DEPARTMENTS = (
    Department(
        "Kitchen",
        "kitchen",
        "Tools that earn their place on a small worktop.",
        (
            ("Knives", ("Paring Knife", "Bread Knife", "Boning Knife")),
            ("Pans", ("Frying Pan", "Saucepan", "Griddle")),
            ("Mugs & Cups", ("Mug", "Espresso Cup", "Tumbler")),
            ("Storage", ("Flour Jar", "Bread Bin", "Spice Rack")),
        ),
    ),
    Department(
        "Garden",
        "garden",
        "For beds, borders and one stubborn hedge.",
        (
            ("Hand Tools", ("Trowel", "Dibber", "Weeding Fork")),
            ("Pots", ("Planter", "Window Box", "Seed Tray")),
            ("Watering", ("Watering Can", "Hose Reel", "Rain Gauge")),
            ("Sheds & Shelters", ("Tool Store", "Cold Frame", "Log Shelter")),
        ),
    ),
    Department(
        "Workshop",
        "workshop",
        "Edges, measures and somewhere to put them down.",
        (
            ("Hammers", ("Claw Hammer", "Mallet", "Tack Hammer")),
            ("Saws", ("Tenon Saw", "Coping Saw", "Pruning Saw")),
            ("Measuring", ("Folding Rule", "Try Square", "Spirit Level")),
            ("Boxes", ("Tool Chest", "Screw Tray", "Nail Box")),
        ),
    ),
    Department(
        "Lighting",
        "lighting",
        "Warm light for reading, cold light for finding things.",
        (
            ("Table Lamps", ("Desk Lamp", "Bedside Lamp", "Reading Lamp")),
            ("Lanterns", ("Storm Lantern", "Camping Lantern", "Candle Lantern")),
            ("Shades", ("Drum Shade", "Cone Shade", "Globe Shade")),
            ("Bulbs", ("Filament Bulb", "Candle Bulb", "Spot Bulb")),
        ),
    ),
    Department(
        "Outdoors",
        "outdoors",
        "Made for weather, mended for free.",
        (
            ("Flasks", ("Flask", "Food Jar", "Water Bottle")),
            ("Bags", ("Day Sack", "Roll Bag", "Shoulder Bag")),
            ("Blankets", ("Picnic Blanket", "Throw", "Ground Sheet")),
            ("Fire", ("Fire Bowl", "Kindling Axe", "Camp Grill")),
        ),
    ),
)

BRANDS = ("Tidewrack", "Holmgate", "Brindle & Co", "Quarry Lane", "Sallow Works", "Northing")
COLOURS = ("Slate", "Moss", "Ochre", "Chalk", "Rust")
MATERIALS = ("Beech", "Steel", "Copper", "Enamel", "Stoneware", "Canvas", "Ash", "Brass", "Cork", "Wool", "Glass")
_CHARACTER = ("sturdy", "light", "well-balanced", "quiet", "generous", "neat", "forgiving")
_CARE = (
    "Wipe it dry after use and it will outlast its owner.",
    "A little oil twice a year is all it asks for.",
    "Wash by hand; machines are in too much of a hurry.",
    "Keep it out of standing water and in plain sight.",
)


@dataclass(frozen=True)
class Product:
    """One thing for sale; every attribute follows from its number."""

    number: int
    """1 to 300."""

    @cached_property
    def group(self) -> Group:
        """The category that it is listed in."""
        return GROUPS[(self.number - 1) // PRODUCTS_PER_GROUP]

    @property
    def material(self) -> str:
        """What it is made of."""
        return MATERIALS[(self.number * 7) % len(MATERIALS)]

    @property
    def colour(self) -> str:
        """Its colour, one of the facets."""
        return COLOURS[(self.number * 3) % len(COLOURS)]

    @property
    def brand(self) -> str:
        """Who makes it, one of the facets."""
        return BRANDS[(self.number * 5 + self.number // 7) % len(BRANDS)]

    @property
    def name(self) -> str:
        """Unique: the model number tells namesakes apart."""
        return f"{self.material} {self.group.things[self.number % 3]} No. {self.number}"

    @property
    def sku(self) -> str:
        """The shop's own number."""
        return f"TW-{10000 + self.number * 13}"

    @property
    def path(self) -> str:
        """Where its page stands."""
        return f"/p/{self.name.lower().replace('.', '').replace(' ', '-')}"

    @property
    def list_price_cents(self) -> int:
        """Before any sale."""
        return 690 + (self.number * 487) % 11900

    @property
    def on_sale(self) -> bool:
        """Every fifth is."""
        return self.number % 5 == 0

    @property
    def price_cents(self) -> int:
        """What it costs now."""
        return self.list_price_cents * 4 // 5 if self.on_sale else self.list_price_cents

    @property
    def price(self) -> str:
        """The price now, as structured data has it."""
        return f"{self.price_cents / 100:.2f}"

    @property
    def list_price(self) -> str:
        """The price before the sale."""
        return f"{self.list_price_cents / 100:.2f}"

    @property
    def in_stock(self) -> bool:
        """Every eleventh is sold out."""
        return self.number % 11 != 0

    @property
    def rating(self) -> str:
        """Out of five."""
        return f"{3.4 + (self.number % 16) / 10:.1f}"

    @property
    def review_count(self) -> int:
        """How many people have said something."""
        return 2 + (self.number * 17) % 83

    @property
    def image(self) -> str:
        """Where its picture would stand."""
        return f"/media/{self.sku.lower()}.svg"

    @property
    def description(self) -> str:
        """Two or three sentences."""
        thing = self.group.things[self.number % 3].lower()
        character = _CHARACTER[self.number % len(_CHARACTER)]
        return (
            f"A {character} {thing} in {self.material.lower()}, made by {self.brand} in batches of "
            f"{20 + self.number % 40}. {_CARE[self.number % len(_CARE)]}"
        )

    @property
    def specifications(self) -> tuple[tuple[str, str], ...]:
        """The rows of its table."""
        return (
            ("Material", self.material),
            ("Colour", self.colour),
            ("Weight", f"{120 + (self.number * 37) % 1900} g"),
            ("Height", f"{6 + self.number % 50} cm"),
            ("Guarantee", f"{2 + self.number % 9} years"),
        )

    @property
    def has_json_ld(self) -> bool:
        """Two departments out of five say nothing that machines read."""
        return self.group.department.slug not in {"workshop", "lighting"}


GROUPS = tuple(group for department in DEPARTMENTS for group in department.groups)
PRODUCTS = tuple(Product(number) for number in range(1, len(GROUPS) * PRODUCTS_PER_GROUP + 1))
PRODUCT_BY_PATH = {product.path: product for product in PRODUCTS}


@dataclass(frozen=True)
class Post:
    """An entry of the shop's journal."""

    number: int

    @property
    def title(self) -> str:
        """What it is about."""
        return _TITLES[self.number - 1]

    @property
    def slug(self) -> str:
        """The last part of its path."""
        return self.title.lower().replace(",", "").replace("'", "").replace(" ", "-")

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"/journal/{self.slug}"

    @property
    def author(self) -> str:
        """Who wrote it."""
        return ("Ines Farrow", "Tom Okafor", "Greta Lind")[self.number % 3]

    @property
    def date(self) -> str:
        """When it came out."""
        return f"2025-{1 + self.number % 12:02d}-{1 + (self.number * 5) % 27:02d}"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """What it says, long enough to be an article."""
        return tuple(
            f"{opening} {middle} {_CARE[(self.number + at) % len(_CARE)]}"
            for at, (opening, middle) in enumerate(
                zip(_OPENINGS, _MIDDLES[self.number % 3 :] + _MIDDLES[: self.number % 3], strict=True)
            )
        )


_TITLES = (
    "Sharpening a knife without fear",
    "The case for one good pan",
    "What a hedge wants in March",
    "Seven uses for a dead torch",
    "Why we stopped selling umbrellas",
    "A shelf, start to finish",
    "Mending day at the harbour",
    "How to read a spirit level",
    "Notes on wool and rain",
    "The loudest mallet we ever made",
    "Planting in the wrong month",
    "Light for a north-facing room",
)
_OPENINGS = (
    "Most of what people bring us to mend was never broken, only tired.",
    "The second thing to know is that patience is cheaper than equipment.",
    "We tried it three ways in the yard behind the shop before writing this down.",
    "None of it needs a bench, though a bench is a fine thing to have.",
)
_MIDDLES = (
    "Start with the dull side up, take your time, and stop as soon as it is good enough.",
    "Where a rule gets in the way of the work, it is usually the rule that should give.",
    "Our neighbours disagree about nearly every step, which is how we know it is worth doing.",
    "By the evening there was nothing left to argue about and plenty left to eat.",
)
POSTS = tuple(Post(number) for number in range(1, len(_TITLES) + 1))
POST_BY_PATH = {post.path: post for post in POSTS}
