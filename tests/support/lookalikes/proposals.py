"""Numbered proposals with a lifecycle. The early ones have another order of keys than the current ones."""

import random

from .faults import added, changed, copied, item, missing, misspelled, moved, planter, value
from .front_matter import double, mixed, page_text
from .types import Lookalike, SitePage
from .words import Phrases, chance, some_day

_FIELDS = {
    "number": '{key="number", type="int", min=1, unique=true, source="sequence"}',
    "title": '{key="title", source="question", max=80, unique=true}',
    "permalink": '{key="permalink", value="/lp/{number}/"}',
    "description": '{key="description", source="model", group="summary", min=20, max=160, unique=true}',
    "author": '{key="author", separator=", ", min=1, max=3, pattern="[A-Z][a-z]+ [A-Z][a-z]+", default="The Editors"}',
    "status": '{key="status", enum=["Draft", "Review", "Accepted", "Final", "Withdrawn"], default="Draft"}',
    "type": '{key="type", source="subject", enum=["Standard", "Process", "Information"]}',
    "created": '{key="created", type="date", source="today"}',
    "requires": '{key="requires", required=false, separator=", ", ref="number"}',
    "discussions-to": '{key="discussions-to", required=false, pattern="https://talk\\\\.example/t/[0-9]+"}',
    "withdrawal-reason": (
        '{key="withdrawal-reason", required_when={status="Withdrawn"}, only_when={status="Withdrawn"}, min=10, max=160}'
    ),
}
_CURRENT = (
    "number", "title", "permalink", "description", "author", "discussions-to", "status", "type", "created", "requires",
    "withdrawal-reason",
)  # fmt: skip
_EARLY = (
    "title", "number", "permalink", "status", "type", "author", "created", "requires", "withdrawal-reason",
    "description", "discussions-to",
)  # fmt: skip


def _layout(folder: str, order: tuple[str, ...]) -> str:
    fields = "".join(f"  {_FIELDS[key]},\n" for key in order)
    return f"""
[[layout]]
files = "{folder}/**/*.md"
path = "{folder}/lp-{{number}}.md"
body = {{min=100}}
roles = {{key="permalink", question="title", answer="body", subject="type", id="number", date="created"}}
fields = [
{fields}]
"""


SITE_TOML = f"""
format = 1
name = "Lantern Proposals"
slug = {{keep="a-z0-9 -", space="-", collapse=true, ascii=true}}
{_layout("current", _CURRENT)}{_layout("early", _EARLY)}
[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

_SUBJECTS = {
    "object": (
        "message queue", "lamp schedule", "status page", "device registry", "audit trail", "access list", "backup plan",
        "sensor feed", "name server", "release log", "error report", "login form", "rate limit", "time source",
        "search index", "import job", "export file", "key store", "billing record", "test runner",
    ),
    "unit": (
        "street lanterns", "gateways", "small offices", "remote sites", "night crews", "field teams",
        "control rooms", "older devices", "shared hosts", "guest accounts", "public maps", "partner cities",
    ),
    "goal": (
        "fewer outages", "shorter queues", "lower costs", "clearer errors", "faster repairs", "safer defaults",
        "simpler audits", "longer battery life",
    ),
}  # fmt: skip
TITLE = Phrases(
    (
        "Add a {object} for {unit}",
        "Replace the {object} of {unit}",
        "Retire the {object} for {unit}",
        "A common {object} for {unit}",
        "One {object} for {goal}",
        "Move the {object} closer to {unit}",
        "Version the {object} of {unit}",
        "Sign the {object} of {unit}",
        "Rules for a {object} with {goal}",
        "Split the {object} between {unit} and the archive",
        "Limits of the {object} for {unit}",
        "Test the {object} before {unit} depend on it",
        "Publish the {object} for {unit} and aim for {goal}",
        "Simplify the {object} for {unit} and aim for {goal}",
    ),
    _SUBJECTS,
)
DESCRIPTION = Phrases(
    (
        "Gives {unit} a new {object} and aims for {goal}",
        "Describes how {unit} share one {object} and reach {goal}",
        "Changes the {object} so that {unit} see {goal}",
        "Explains why {unit} need a second {object}, with {goal} in view",
        "Lists the steps that bring a {object} to {unit} and lead to {goal}",
        "Compares two ways to give {unit} a {object} with {goal}",
    ),
    _SUBJECTS,
)
REASON = Phrases(
    (
        "Another proposal covers the {object}.",
        "Nobody has time to maintain the {object}.",
        "Trials did not show {goal}.",
    ),
    _SUBJECTS,
)
BODY = Phrases(
    (
        "Today the {object} is set up by hand.",
        "This works for {unit}, but it does not scale.",
        "We propose one {object} for all of them.",
        "The main gain is {goal}.",
        "The change does not affect {unit}.",
        "A trial with {unit} took two weeks.",
        "During the trial we saw {goal}.",
        "The old {object} stays available for one year.",
        "Each team decides when to switch.",
        "The cost is one more {object} to maintain.",
        "We considered a smaller change, but it would not bring {goal}.",
        "Reviewers should look at the {object} first.",
    ),
    _SUBJECTS,
)
FIRST_NAMES = ("Mara", "Tom", "Ines", "Jonas", "Priya", "Leo", "Aiko", "Sam", "Nadia", "Oscar")
LAST_NAMES = ("Quill", "Ash", "Harrow", "Lindt", "Vale", "Brook", "Moss", "Tarn", "Field", "Stone")
_HEADINGS = ("Motivation", "Proposal", "Costs", "Open questions")


def generate(seed: int, count: int) -> list[SitePage]:
    """Return proposals. The lower numbers are early ones."""
    rng = random.Random(f"proposals {seed}")
    numbers = sorted(rng.sample(range(1, 3 * count + 1), count))
    titles: set[str] = set()
    descriptions: set[str] = set()
    pages = []
    for position in range(count):
        title, theme = TITLE.new_with_theme(rng, titles, "object", "unit")
        description = DESCRIPTION.new(rng, descriptions, theme)
        pages.append(_page(rng, numbers, position, title, description, theme))
    return pages


def _page(
    rng: random.Random, numbers: list[int], position: int, title: str, description: str, theme: dict[str, str]
) -> SitePage:
    number = numbers[position]
    early = position < len(numbers) * 2 // 5
    status = rng.choices(("Draft", "Review", "Accepted", "Final", "Withdrawn"), (3, 2, 2, 4, 2))[0]
    authors = [f"{first} {rng.choice(LAST_NAMES)}" for first in rng.sample(FIRST_NAMES, rng.choice((1, 1, 2, 3)))]
    values = {
        "number": str(number),
        "title": mixed(rng, title, 20),
        "permalink": f"/lp/{number}/",
        "description": mixed(rng, description, 20),
        "author": ", ".join(authors),
        "status": status,
        "type": rng.choice(("Standard", "Standard", "Process", "Information")),
        "created": str(some_day(rng, 2016, 2019) if early else some_day(rng, 2020, 2025)),
    }
    others = numbers[:position]
    if others and chance(rng, 45):
        values["requires"] = _references(rng.sample(others, min(len(others), rng.randint(1, 3))))
    if chance(rng, 35):
        values["discussions-to"] = f"https://talk.example/t/{rng.randint(1000, 9999)}"
    if status == "Withdrawn":
        values["withdrawal-reason"] = REASON.one(rng, theme)
    lines = [f"{key}: {values[key]}" for key in (_EARLY if early else _CURRENT) if key in values]
    paragraphs = BODY.paragraphs(rng, rng.choice(((4, 3), (3, 4, 2), (4, 3, 3), (3, 3, 2, 3))), theme)
    sections = [f"## {heading}\n\n{text}" for heading, text in zip(_HEADINGS, paragraphs, strict=False)]
    return SitePage(f"{'early' if early else 'current'}/lp-{number}.md", page_text(lines, "\n\n".join(sections)))


def _references(numbers: list[int]) -> str:
    """Return the numbers with commas. YAML would read one plain number as an int, so it is quoted."""
    return ", ".join(map(str, sorted(numbers))) if len(numbers) > 1 else double(str(numbers[0]))


PLANT = planter(
    [
        missing("author"),
        missing("created"),
        missing("type"),
        missing("permalink"),
        misspelled("status", "staus"),
        misspelled("discussions-to", "discussion-to"),
        misspelled("requires", "require"),
        value("wrong-type", "created", "last spring", "2024"),
        changed("wrong-type", "requires", lambda old, rng: old.strip('"'), only='^requires: "'),
        value("bad-enum", "status", "Finall", "final", never="Withdrawn"),
        value("bad-enum", "type", "Standards", "Rule"),
        value("broken-template", "permalink", "/lp/draft/", "/proposals/1/"),
        item("dangling-reference", "requires", "90001", "90417", only="^requires: [0-9]"),
        copied("description"),
        missing("withdrawal-reason", kind="missing-conditional"),
        added("disallowed-key", "withdrawal-reason", "Nobody has time for it.", "", never="Withdrawn|^title.*\nnumber"),
        moved("created", "number"),
        moved("author", "number"),
    ]
)  # fmt: skip

PROPOSALS = Lookalike("proposals", SITE_TOML, generate, PLANT)
