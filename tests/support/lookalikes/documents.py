"""Documents of three kinds, as a careful hand writes them: wrapped text, comments between keys, tabs and odd spacing."""

import random
import re

from .faults import copied, missing, misspelled, moved, planter, value
from .front_matter import folded, mixed, page_text, wrapped
from .types import Lookalike, SitePage
from .words import Phrases, chance, slug, some_day

_START = """  {key="kind", const="@kind"},
  {key="title", source="question", max=80, unique=true},
  {key="permalink", value="/@kind/{title|slug}/"},
  {key="summary", style="folded", source="model", group="summary", min=60, max=300, unique=true},
  {key="desk", source="subject", enum=["Press", "Bindery", "Stores", "Accounts"]},
"""
_END = '  {key="updated", type="date", source="today"},\n'
_OWN = {
    "guide": """  {key="level", enum=["first", "second"], default="first"},
  {key="minutes", type="int", min=5, max=90, default=15},
""",
    "note": """  {key="about", min=10, max=120, source="model", group="summary"},
  {key="pinned", type="bool", required=false},
""",
    "policy": """  {key="owner", pattern="[A-Z][a-z]+ [A-Z][a-z]+", default="Ada Wren"},
  {key="in_force", type="date", source="today"},
  {key="exceptions", style="folded", required=false, min=20, max=300},
""",
}


def _layout(kind: str) -> str:
    return f"""
[[layout]]
files = "library/**/*.md"
when = {{kind="{kind}"}}
path = "library/{{title|slug}}.md"
body = {{min=100}}
text_indent = 2
roles = {{key="permalink", question="title", answer="body", subject="desk", date="updated"}}
fields = [
{_START.replace("@kind", kind)}{_OWN[kind]}{_END}]
"""


SITE_TOML = f"""
format = 1
name = "Print House Library"
slug = {{keep="a-z0-9 -", space="-", collapse=true, ascii=true}}
{_layout("guide")}{_layout("note")}{_layout("policy")}
[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

_WORDS = {
    "act": ("Order", "Store", "Count", "Label", "Pack", "Sort", "Check", "Return", "Weigh", "Replace", "Protect", "Unpack"),
    "stock": (
        "paper", "ink", "thread", "glue", "covers", "plates", "boxes", "proofs", "samples", "stencils", "endpapers",
        "ribbons", "blades", "cartons",
    ),
    "time": (
        "in summer", "before a holiday", "on a short day", "after a fire drill", "for a rush order", "at the year end",
        "with one press", "without the trolley", "for a new client", "in wet weather", "during a stock check",
    ),
    "person": ("the binder", "the printer", "the clerk", "the storekeeper", "an apprentice", "the night shift"),
    "tool": ("the scales", "the small press", "the guillotine", "the day book", "the drying rack", "the pallet jack"),
    "result": ("a clean edge", "an even count", "a dry store", "a full record", "less waste", "a short queue"),
    "first": ("Ada", "Karl", "June", "Omar", "Vera", "Nils"),
    "last": ("Wren", "Poole", "Marsh", "Dell", "Frost", "Lane"),
}  # fmt: skip
TITLES = {
    "guide": Phrases(("How to {low_act} {stock} {time}", "How to {low_act} {stock} and {other_stock}"), {
        **_WORDS, "low_act": [act.lower() for act in _WORDS["act"]], "other_stock": _WORDS["stock"],
    }),
    "note": Phrases(("{act} {stock} {time}", "Notes on {stock} from {person}", "Notes on {stock} {time}"), _WORDS),
    "policy": Phrases(("Who may {low_act} {stock} {time}", "Rules for {stock} {time}"), {
        **_WORDS, "low_act": [act.lower() for act in _WORDS["act"]],
    }),
}  # fmt: skip
SUMMARY = Phrases(
    (
        "This page covers {stock} {time} and tells {person} what to write down, so that the shop keeps {result}",
        "It shows {person} how to work with {tool} {time}, and why {result} depends on a careful start",
        "Read this before you move {stock} to {tool}, because {person} signs for each move {time}",
        "A short account of {stock} and {tool}, written for {person}, with hints that lead to {result}",
    ),
    _WORDS,
)
ABOUT = Phrases(("{stock} and {tool}", "what {person} saw at {tool}", "{stock} {time}"), _WORDS)
OWNER = Phrases(("{first} {last}",), _WORDS)
BODY = Phrases(
    (
        "Start with {tool} and make sure that it is clean.",
        "Ask {person} if the count is not right.",
        "Keep {stock} away from the window.",
        "The aim is {result}.",
        "Write each step into the day book.",
        "Two people should lift a full pallet.",
        "Stop when {tool} makes an odd noise.",
        "Most mistakes happen {time}.",
        "Put {stock} back before you leave.",
        "Only {person} may change this order.",
    ),
    _WORDS,
)
COMMENTS = (
    "reviewed by the desk",
    "keep in step with the wall chart",
    "asked for by the night shift",
    "see the day book",
)
KINDS = ("guide", "note", "policy")
DESKS = ("Press", "Bindery", "Stores", "Accounts")


def generate(seed: int, count: int) -> list[SitePage]:
    """Return documents: about as many of each kind, in a mixed order."""
    rng = random.Random(f"documents {seed}")
    titles: set[str] = set()
    summaries: set[str] = set()
    pages = []
    for position, kind in enumerate(KINDS):
        share = count // 3 + (position < count % 3)
        for _ in range(share):
            title, theme = TITLES[kind].new_with_theme(rng, titles, "stock", "time", "person")
            theme["tool"] = rng.choice(_WORDS["tool"])
            pages.append(_page(rng, kind, title, SUMMARY.new(rng, summaries, theme), theme))
    rng.shuffle(pages)
    return pages


def _page(rng: random.Random, kind: str, title: str, summary: str, theme: dict[str, str]) -> SitePage:
    lines = [
        f"kind: {kind}",
        f"title: {mixed(rng, title)}",
        f"permalink: /{kind}/{slug(title)}/",
        *_long(rng, "summary", summary),
        f"desk: {rng.choice(DESKS)}",
        *_own_lines(rng, kind, theme),
        f"updated: {some_day(rng, 2019, 2025)}",
    ]
    rows = [f"\t{stock}\t{rng.randint(1, 40)}" for stock in rng.sample(_WORDS["stock"], rng.randint(2, 4))]
    paragraphs = BODY.paragraphs(rng, rng.choice(((4, 3), (3, 3, 2), (5, 4))), theme)
    body = "\n\n".join([paragraphs[0], "Things to fetch:", "\n".join(rows), *paragraphs[1:]])
    return SitePage(f"library/{slug(title)}.md", page_text(_by_hand(rng, lines), body))


def _own_lines(rng: random.Random, kind: str, theme: dict[str, str]) -> list[str]:
    """Return the lines that only this kind of document has."""
    if kind == "guide":
        return [f"level: {rng.choice(('first', 'second'))}", f"minutes: {rng.randrange(5, 91, 5)}"]
    if kind == "note":
        return [f"about: {ABOUT.one(rng, theme)}", *(["pinned: true"] if chance(rng, 30) else [])]
    exceptions = BODY.paragraphs(rng, (2,), theme)[0] if chance(rng, 40) else ""
    return [
        f"owner: {OWNER.one(rng)}",
        f"in_force: {some_day(rng, 2020, 2025)}",
        *(_long(rng, "exceptions", exceptions) if exceptions else []),
    ]


def _long(rng: random.Random, key: str, text: str) -> list[str]:
    """Return a text of several lines: wrapped or folded."""
    return rng.choice((wrapped, folded))(key, text, rng.choice((50, 60, 72)))


def _by_hand(rng: random.Random, lines: list[str]) -> list[str]:
    """Return the lines with comments between some keys, and with odd spacing after some colons."""
    result = []
    for position, line in enumerate(lines):
        if line.startswith(" ") or line.endswith(">-"):
            result.append(line)
            continue
        if position and chance(rng, 8):
            result.append(f"# {rng.choice(COMMENTS)}")
        followed = position + 1 < len(lines) and lines[position + 1].startswith(" ")
        result.append(
            line if followed or not chance(rng, 20) else re.sub(": ", f":{' ' * rng.randint(2, 4)}", line, count=1)
        )
    return result


PLANT = planter(
    [
        missing("title"),
        missing("summary"),
        missing("desk"),
        missing("updated"),
        missing("level", only="^kind: +guide"),
        missing("owner"),
        missing("in_force"),
        misspelled("minutes", "minuts"),
        misspelled("pinned", "pined"),
        misspelled("exceptions", "exeptions"),
        misspelled("permalink", "permalnk"),
        value("wrong-type", "minutes", "ten", '"15"'),
        value("wrong-type", "in_force", "next spring", "2024"),
        value("wrong-type", "updated", "yesterday", "2024-7"),
        value("wrong-type", "pinned", '"true"', "top"),
        value("wrong-type", "title", "yes", "2.10"),
        value("bad-enum", "kind", "guides", "memo"),
        value("bad-enum", "desk", "Pres", "Office"),
        value("bad-enum", "level", "frist", "third"),
        value("broken-template", "permalink", "/library/old-name/", "/guide/old/"),
        copied("summary"),
        moved("updated", "kind"),
        moved("desk", "summary"),
    ]
)

DOCUMENTS = Lookalike("documents", SITE_TOML, generate, PLANT)
