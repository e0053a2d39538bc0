"""A glossary with short front matter. Many titles are words that YAML reads as another type if nothing quotes them."""

import random
import textwrap

from .faults import changed, copied, missing, misspelled, moved, planter, value
from .front_matter import double, mixed, page_text, single
from .types import Lookalike, SitePage
from .words import Phrases, chance, slug, some_day

SITE_TOML = r"""
format = 1
name = "Pocket Terms"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "terms/**/*.md"
path = "terms/{title|slug}.md"
body = {min=40}
quote = "double"
roles = {key="url", question="title", answer="body", subject="part", date="added"}
fields = [
  {key="title", source="question", max=60, unique=true},
  {key="url", value="/t/{title|slug}"},
  {key="part", source="subject", enum=["word", "phrase", "number", "day"]},
  {key="gist", source="model", group="summary", min=20, max=160, unique=true},
  {key="rank", type="int", min=1, max=9, default=5},
  {key="live", const="yes"},
  {key="aka", required=false, max=40},
  {key="added", type="date", source="today"},
]

[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

TRAPS = ("on", "off", "yes", "no", "true", "false", "null")
PHRASES = Phrases(
    (
        "{quality} {thing}",
        "{quality} {place} {thing}",
        "{place} {thing}",
        "{thing} of the {place}",
        "{thing} for a {quality} {place}",
    ),
    {
        "quality": (
            "open", "closed", "narrow", "broad", "early", "late", "spare", "plain", "double", "hidden", "shared",
            "quiet", "steep", "loose", "fixed", "short",
        ),
        "thing": (
            "switch", "label", "ticket", "ledger", "signal", "marker", "gate", "counter", "timer", "handle", "stamp",
            "token", "index", "folder", "mirror", "anchor", "latch", "tally",
        ),
        "place": (
            "harbor", "garden", "kitchen", "station", "library", "market", "office", "workshop", "cellar", "bridge",
            "corridor", "stage", "depot", "archive",
        ),
    },
)  # fmt: skip
_AUDIENCE = {
    "who": ("clerks", "visitors", "drivers", "editors", "gardeners", "printers", "porters", "teachers"),
    "where": ("the front desk", "the timetable", "the order form", "the back cover", "the control panel", "the map"),
    "when": ("in the morning", "before each visit", "once a week", "after a delivery", "at the end of a shift"),
}
GIST = Phrases(
    (
        'What {who} mean when they read "{title}" on {where}',
        'Why {where} says "{title}", and what {who} do about it',
        'How {who} use "{title}" when they check {where} {when}',
    ),
    _AUDIENCE,
)
BODY = Phrases(
    (
        'You find "{title}" on {where}.',
        'Most {who} meet "{title}" {when}.',
        "The term is older than {where}.",
        'If {where} shows "{title}", nothing else has to change.',
        "New {who} often read it as a mistake.",
        "Write it exactly as it stands here.",
        "Some {who} still use another name for it.",
        "It matters most {when}.",
    ),
    _AUDIENCE,
)


def generate(seed: int, count: int) -> list[SitePage]:
    """Return pages of the glossary."""
    rng = random.Random(f"short_keys {seed}")
    titles = [(title, "word") for title in TRAPS][: count // 5]
    numbers = Phrases(
        ("{a}.{b}0", "{a}:{b}5", "0x{a}{b}", "{a}_{b}00"),
        {"a": [str(number) for number in range(1, 24)], "b": "12345"},
    )
    taken: set[str] = set()
    titles += [(numbers.new(rng, taken, same=slug), "number") for _ in range(min(count // 8, 150))]
    days = {some_day(rng, 2019, 2026).isoformat() for _ in range(count // 8)}
    titles += [(day, "day") for day in sorted(days)]
    titles += [(PHRASES.new(rng, taken, same=slug), "phrase") for _ in range(count - len(titles))]
    rng.shuffle(titles)
    gists: set[str] = set()
    return [_page(rng, title, part, gists) for title, part in titles]


def _page(rng: random.Random, title: str, part: str, gists: set[str]) -> SitePage:
    theme = {"title": title}
    quoted = mixed(rng, title) if part == "phrase" else rng.choice((single, double))(title)
    lines = [
        f"title: {quoted}",
        f"url: /t/{slug(title)}",
        f"part: {mixed(rng, part, 15)}",
        f"gist: {mixed(rng, GIST.new(rng, gists, theme))}",
        f"rank: {rng.randint(1, 9)}",
        f"live: {rng.choice((single, double))('yes')}",
    ]
    if chance(rng, 25):
        lines.append(f"aka: {mixed(rng, PHRASES.one(rng))}")
    lines.append(f"added: {some_day(rng, 2021, 2025)}")
    paragraphs = BODY.paragraphs(rng, rng.choice(((3,), (2, 3), (4, 2), (3, 2, 3))), theme)
    return SitePage(
        f"terms/{slug(title)}.md", page_text(lines, "\n\n".join(textwrap.fill(text, 60) for text in paragraphs))
    )


def _unquoted(old: str, rng: random.Random) -> str | None:
    return old.strip("'\"") if old[:1] in ("'", '"') else None


PLANT = planter(
    [
        changed("wrong-type", "title", _unquoted, only="^part: ['\"]?(word|number|day)"),
        changed("wrong-type", "live", _unquoted),
        value("wrong-type", "rank", "high", '"4"'),
        value("wrong-type", "added", "yesterday", "2024-02"),
        value("wrong-constant", "live", '"true"', '"maybe"'),
        value("bad-enum", "part", "wrd", "nonsense"),
        value("broken-template", "url", "/t/old-name", "/terms/old-name"),
        copied("gist"),
        missing("url"),
        missing("part"),
        missing("added"),
        missing("rank"),
        misspelled("gist", "gits"),
        misspelled("added", "aded"),
        misspelled("title", "titel"),
        moved("added", "title"),
        moved("url", "added"),
        misspelled("aka", "akka"),
    ]
)  # fmt: skip

SHORT_KEYS = Lookalike("short_keys", SITE_TOML, generate, PLANT)
