"""Product data: lists of maps, dates, booleans, unions of both, and comments after values."""

import datetime as dt
import random

from .faults import changed, copied, missing, misspelled, moved, planter, value
from .front_matter import double, mixed, page_text, single
from .types import Lookalike, SitePage
from .words import Phrases, chance, slug, some_day

SITE_TOML = r"""
format = 1
name = "Shelf Life"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "products/**/*.md"
path = "products/{title|slug}.md"
body = {min=100}
quote = "double"
roles = {key="permalink", question="title", answer="body", subject="category", date="checked"}
fields = [
  {key="title", source="question", max=60, unique=true},
  {key="category", source="subject", enum=["Kitchen", "Garden", "Office", "Travel"]},
  {key="permalink", value="/{category|slug}/{title|slug}"},
  {key="summary", source="model", group="summary", min=30, max=160, unique=true},
  {key="maker", required=false, max=60},
  {key="spare_parts", type="bool", default=false},
  {key="eol", type=["bool", "date"], default=false},
  {key="releases", type="list", min=1, max=4, fields=[
    {key="cycle", pattern="[0-9]+\\.[0-9]+"},
    {key="date", type="date"},
    {key="eol", type=["bool", "date"]},
    {key="latest", pattern="[0-9]+\\.[0-9]+\\.[0-9]+"},
    {key="lts", type="bool", required=false},
  ]},
  {key="checked", type="date", source="today"},
  {key="data_version", type="int", const=2},
]

[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

CATEGORIES = ("Kitchen", "Garden", "Office", "Travel")
_WORDS = {
    "material": ("Copper", "Steel", "Oak", "Cork", "Felt", "Glass", "Linen", "Slate", "Willow", "Brass", "Clay", "Wool"),
    "style": ("Folding", "Compact", "Heavy", "Silent", "Classic", "Double", "Tall", "Round", "Solar", "Quick"),
    "thing": (
        "Kettle", "Scale", "Lamp", "Timer", "Stapler", "Trolley", "Sprinkler", "Radio", "Clock", "Heater", "Printer",
        "Fan", "Grinder", "Charger", "Thermometer", "Sharpener", "Mixer", "Lantern", "Speaker",
    ),
    "size": ("Mini", "Plus", "Twin", "Duo", "Max"),
    "place": ("small kitchens", "shared offices", "camper vans", "roof gardens", "busy workshops", "guest rooms", "tents"),
    "trait": ("a quiet motor", "a long cable", "a spare battery", "a soft handle", "a clear display", "a metal base"),
    "span": ("two years", "three years", "five years", "eighteen months"),
    "maker": ("North Pier", "Hill and Daughter", "Brook Works", "Ember Street", "Fern Valley", "Tall Mill"),
}  # fmt: skip
TITLE = Phrases(
    ("{material} {thing}", "{style} {material} {thing}", "{style} {thing} {size}", "{style} {thing}"), _WORDS
)
SUMMARY = Phrases(
    (
        "The {title} has {trait} and is made for {place}",
        "A {style} device with {trait} that gets updates for {span}, sold as the {title}",
        "Dates of the {title}, which people use in {place} for {span}",
    ),
    {**_WORDS, "style": [style.lower() for style in _WORDS["style"]]},
)
BODY = Phrases(
    (
        "The {title} comes with {trait}.",
        "It is sold for use in {place}.",
        "Each release gets updates for {span}.",
        "After that, only safety faults are fixed.",
        "The maker announces the end of a release six months before.",
        "Spare parts are kept for {span}.",
        "Owners in {place} report few problems.",
        "You can install the latest version with a cable.",
        "Older releases do not connect to newer chargers.",
        "The version is printed below the base.",
    ),
    _WORDS,
)
MAKER = Phrases(("{maker}",), _WORDS)
COMMENTS = ("estimate", "see the leaflet", "by letter from the maker", "not announced yet", "from the archive")


def generate(seed: int, count: int) -> list[SitePage]:
    """Return pages of products."""
    rng = random.Random(f"products {seed}")
    titles: set[str] = set()
    return [_page(rng, TITLE.new(rng, titles, same=slug)) for _ in range(count)]


def _page(rng: random.Random, title: str) -> SitePage:
    theme = {"title": title, **BODY.theme(rng, "place", "span")}
    category = rng.choice(CATEGORIES)
    lines = [
        f"title: {mixed(rng, title)}",
        f"category: {category}",
        f"permalink: /{slug(category)}/{slug(title)}",
        f"summary: {mixed(rng, SUMMARY.one(rng, theme), 20)}",
    ]
    if chance(rng, 50):
        lines.append(f"maker: {MAKER.one(rng)}")
    lines += [
        _noted(rng, f"spare_parts: {rng.choice(('true', 'false'))}", 10),
        _noted(rng, f"eol: {_end_of_life(rng, 2027, 2032)}", 30),
        *_releases(rng),
        f"checked: {some_day(rng, 2024, 2025)}",
        "data_version: 2",
    ]
    paragraphs = BODY.paragraphs(rng, rng.choice(((4, 3), (3, 3, 2), (4, 3, 3))), theme)
    return SitePage(f"products/{slug(title)}.md", page_text(lines, "\n\n".join(paragraphs)))


def _releases(rng: random.Random) -> list[str]:
    """Return the releases, newest first."""
    lines = ["releases:"]
    day = some_day(rng, 2022, 2025)
    major = rng.randint(3, 9)
    for _ in range(rng.randint(1, 4)):
        minor = rng.choice((0, 1, 2, 10))
        lines += [
            f"  - cycle: {rng.choice((double, double, single))(f'{major}.{minor}')}",
            _noted(rng, f"    date: {day}", 10),
            _noted(rng, f"    eol: {_end_of_life(rng, day.year + 1, day.year + 4)}", 25),
            f"    latest: {mixed(rng, f'{major}.{minor}.{rng.randint(0, 30)}', 40)}",
        ]
        if chance(rng, 40):
            lines.append(_noted(rng, f"    lts: {rng.choice(('true', 'false'))}", 15))
        major -= 1
        day -= dt.timedelta(rng.randint(150, 500))
    return lines


def _end_of_life(rng: random.Random, first: int, last: int) -> str:
    return "false" if chance(rng, 35) else str(some_day(rng, first, last))


def _noted(rng: random.Random, line: str, percent: int) -> str:
    """Return the line, often with a comment."""
    return f"{line}{rng.choice((' ', '  '))}# {rng.choice(COMMENTS)}" if chance(rng, percent) else line


PLANT = planter(
    [
        missing("category"),
        missing("spare_parts"),
        missing("eol"),
        missing("checked"),
        missing("releases.latest"),
        missing("releases.date"),
        misspelled("summary", "sumary"),
        misspelled("maker", "makers"),
        misspelled("releases.lts", "ltss"),
        misspelled("releases.latest", "lastest"),
        changed("wrong-type", "releases.cycle", lambda old, rng: old.strip("'\"")),
        value("wrong-type", "releases.date", "spring 2024", "2024-05"),
        value("wrong-type", "releases.eol", "never", '"2026-01-31"'),
        value("wrong-type", "releases.lts", '"true"', "planned"),
        value("wrong-type", "eol", "unknown", "2030"),
        value("wrong-type", "spare_parts", "some", '"no"'),
        value("wrong-type", "releases", "none", "4.2.1"),
        value("wrong-constant", "data_version", "1", "3"),
        value("bad-enum", "category", "Kichen", "Outdoor"),
        value("broken-template", "permalink", "/kitchen/old-name", "/products/item"),
        copied("summary"),
        moved("checked", "title"),
        moved("data_version", "permalink"),
        moved("releases.latest", "releases.date"),
    ]
)

PRODUCTS = Lookalike("products", SITE_TOML, generate, PLANT)
