"""Reference pages of a library, with lists in flow style and maps three deep."""

import random

from .faults import changed, copied, missing, misspelled, moved, planter, value
from .front_matter import double, flow_list, mixed, page_text, single
from .types import Lookalike, SitePage
from .words import Phrases, chance, slug, some_day

SITE_TOML = r"""
format = 1
name = "Ropework Reference"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "reference/**/*.md"
path = "reference/{module|slug}/{title|slug}.md"
body = {min=80}
quote = "double"
roles = {key="permalink", question="title", answer="body", subject="module"}
fields = [
  {key="title", source="question", max=60, unique=true, pattern="[a-z]+(-[a-z]+)+"},
  {key="permalink", value="/reference/{module|slug}/{title|slug}/"},
  {key="module", source="subject", enum=["Text", "Files", "Time", "Tables"]},
  {key="kind", enum=["function", "option", "type"], default="function"},
  {key="summary", source="model", group="summary", min=20, max=160, unique=true},
  {key="tags", type="list", style="flow", source="model", group="summary", min=1, max=4, pattern="[a-z][a-z-]+"},
  {key="spec", type="map", indent=2, fields=[
    {key="since", type="map", indent=2, fields=[
      {key="version", pattern="[0-9]+\\.[0-9]+", default="4.0"},
      {key="released", type="date", source="today"},
    ]},
    {key="stability", enum=["stable", "beta", "frozen"], default="beta"},
    {key="limits", type="map", indent=2, required=false, fields=[
      {key="size_mb", type="int", min=1, max=512},
      {key="seconds", type="float", min=0.5, max=60},
    ]},
  ]},
  {key="deprecated", type="bool", required=false},
  {key="replaced_by", required=false, ref="title"},
]

[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

MODULES = ("Text", "Files", "Time", "Tables")
_WORDS = {
    "verb": (
        "split", "join", "trim", "merge", "sort", "count", "read", "copy", "move", "round", "group", "fill", "find",
        "mask", "shift", "check", "wrap", "drop",
    ),
    "noun": (
        "line", "word", "cell", "row", "column", "folder", "path", "name", "hour", "week", "margin", "table", "header",
        "footer", "block", "field", "range", "list",
    ),
    "extra": (
        "by-key", "in-place", "with-limit", "from-end", "by-size", "as-text", "once", "in-order", "by-date", "at-start",
        "if-empty", "per-group", "as-numbers", "with-default",
    ),
    "result": ("a new value", "the number of changes", "nothing", "the first match", "a list", "true if it worked"),
    "input": ("an empty input", "a missing value", "a long input", "a negative number", "a repeated key"),
    "reason": ("reports", "exports", "small scripts", "nightly jobs", "log files", "address lists"),
}  # fmt: skip
TITLE = Phrases(("{verb}-{noun}", "{verb}-{noun}-{extra}"), _WORDS)
SUMMARY = Phrases(
    (
        "Returns {result} when you {verb} a {noun}, mostly for {reason}",
        "Helps you {verb} each {noun} in {reason} and returns {result}",
        "Lets {reason} {verb} a {noun} and handles {input}",
        "Use it to {verb} every {noun}, even with {input}",
    ),
    _WORDS,
)
BODY = Phrases(
    (
        "The call returns {result}.",
        "It accepts {input} and does not fail.",
        "Most people use it for {reason}.",
        "With {input}, it stops and raises an error.",
        "It never changes the original {noun}.",
        "The order of each {noun} stays the same.",
        "You can {verb} more than one {noun} in a call.",
        "It is fast enough for {reason}.",
    ),
    _WORDS,
)
TAGS = ("text", "lists", "dates", "numbers", "lookup", "clean-up", "layout", "speed", "safety")


def generate(seed: int, count: int) -> list[SitePage]:
    """Return reference pages."""
    rng = random.Random(f"reference {seed}")
    taken: set[str] = set()
    titled = [TITLE.new_with_theme(rng, taken, "verb", "noun") for _ in range(count)]
    titles = [title for title, _ in titled]
    summaries: set[str] = set()
    return [_page(rng, titles, title, SUMMARY.new(rng, summaries, theme), theme) for title, theme in titled]


def _page(rng: random.Random, titles: list[str], title: str, summary: str, theme: dict[str, str]) -> SitePage:
    module = rng.choice(MODULES)
    version = f"{rng.randint(1, 3)}.{rng.choice((0, 1, 2, 5, 10, 20))}"
    lines = [
        f"title: {title}",
        f"permalink: /reference/{slug(module)}/{slug(title)}/",
        f"module: {module}",
        f"kind: {rng.choice(('function', 'function', 'option', 'type'))}",
        f"summary: {mixed(rng, summary, 25)}",
        flow_list("tags", (mixed(rng, tag, 15) for tag in rng.sample(TAGS, rng.randint(1, 4)))),
        "spec:",
        "  since:",
        f"    version: {rng.choice((double, double, single))(version)}",
        f"    released: {some_day(rng, 2018, 2025)}",
        f"  stability: {rng.choice(('stable', 'stable', 'beta', 'frozen'))}",
    ]
    if chance(rng, 40):
        lines += ["  limits:", f"    size_mb: {rng.choice((1, 8, 64, 512))}", f"    seconds: {rng.randint(1, 119) / 2}"]
    if chance(rng, 25):
        lines.append(f"deprecated: {rng.choice(('true', 'true', 'false'))}")
    if chance(rng, 20):
        lines.append(f"replaced_by: {rng.choice([other for other in titles if other != title] or titles)}")
    before, after = BODY.paragraphs(rng, (3, rng.randint(2, 4)), theme)
    body = f"{before}\n\n    result = {title.replace('-', '_')}(value)\n\n{after}"
    return SitePage(f"reference/{slug(module)}/{slug(title)}.md", page_text(lines, body))


PLANT = planter(
    [
        missing("module"),
        missing("kind"),
        missing("tags"),
        missing("spec.stability"),
        missing("spec.since.released"),
        misspelled("summary", "sumary"),
        misspelled("deprecated", "depricated"),
        misspelled("spec.since.version", "verson"),
        misspelled("spec.limits.seconds", "second"),
        changed("wrong-type", "spec.since.version", lambda old, rng: old.strip("'\"")),
        value("wrong-type", "spec.since.released", "spring", "2024"),
        value("wrong-type", "tags", "text", "lists and dates"),
        value("wrong-type", "deprecated", '"yes"', "later"),
        value("wrong-type", "spec.limits.size_mb", "large", '"64"'),
        value("bad-enum", "spec.stability", "stabel", "alpha"),
        value("bad-enum", "kind", "func", "Function"),
        value("broken-template", "permalink", "/reference/old/", "/ref/split-line/"),
        copied("summary"),
        value("dangling-reference", "replaced_by", "split-nothing", "join-everything"),
        moved("spec", "title"),
        moved("tags", "module"),
        moved("spec.stability", "spec.since"),
    ]
)

REFERENCE = Lookalike("reference", SITE_TOML, generate, PLANT)
