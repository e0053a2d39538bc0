"""Harbour Workshop: articles with steps in the body, and links to other articles."""

import random

from .faults import added, copied, item, missing, misspelled, moved, planter, value
from .front_matter import block_list, flow_list, mixed, page_text
from .types import Lookalike, SitePage
from .words import Phrases, chance, slug, some_day

SITE_TOML = r"""
format = 1
name = "Harbour Workshop"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "articles/**/*.md"
path = "articles/{topic|slug}/{title|slug}.md"
quote = "double"
roles = {key="permalink", question="title", answer="body", subject="topic", date="published"}
fields = [
  {key="title", source="question", max=90, unique=true},
  {key="permalink", value="/{topic|slug}/{title|slug}/"},
  {key="summary", source="model", group="summary", min=40, max=160},
  {key="topic", source="subject", enum=["Engines", "Rigging"]},
  {key="published", type="date", source="today"},
  {key="status", enum=["draft", "live", "withdrawn"], default="draft"},
  {key="withdrawn_because", required_when={status="withdrawn"}, only_when={status="withdrawn"}},
  {key="tags", type="list", style="flow", source="model", group="summary", min=2, max=6, pattern="[a-z][a-z-]+"},
  {key="vessel", type="map", indent=2, required=false, fields=[
    {key="length_m", type="float", min=2, max=60},
    {key="hull", enum=["steel", "wood"]},
  ]},
  {key="see_also", type="list", style="block", required=false, ref="permalink"},
]

[links]
field = "see_also"
max = 4

[renderer]
newline = "real"
math = []
html = "error"

[generate]
prompts = "prompts/workshop"
shapes = ["points", "steps"]

[[shape]]
name = "steps"
parts = [
  {key="goal", min=60, max=280, markdown="{text}"},
  {key="steps", items=[3, 9], min=20, max=300, markdown="{n}. {text}"},
]

[rules]
QT409 = "off"
""".lstrip()

TOPICS = {
    "Engines": {
        "part": (
            "fuel filter", "impeller", "oil pump", "drive belt", "glow plug", "throttle cable", "water pump", "gasket",
            "starter motor", "heat exchanger", "exhaust hose", "propeller shaft", "air filter", "stern gland", "fuel tank",
            "raw water hose", "alternator", "cylinder head", "sump", "injector", "solenoid", "thermostat",
        ),
        "tool": ("a torque wrench", "a feeler gauge", "a hand pump", "a clean rag", "a strap wrench", "a drain pan"),
        "tag": ("diesel", "cooling", "fuel", "winter-care", "electrics", "noise", "safety", "spares"),
    },
    "Rigging": {
        "part": (
            "backstay", "forestay", "halyard", "shroud", "turnbuckle", "boom vang", "mainsheet", "furling drum",
            "spreader", "masthead sheave", "topping lift", "jib sheet", "gooseneck", "toggle pin",
            "runner block", "reef line", "sheet winch", "wire clamp", "mast step", "lazy jack", "swivel shackle",
        ),
        "tool": ("a tension gauge", "a marlinspike", "a sail needle", "a bosun chair", "a split ring", "a rigging knife"),
        "tag": ("rope", "wire", "mast", "tension", "splicing", "sail-care", "safety", "spares"),
    },
}  # fmt: skip
_COMMON = {
    "time": (
        "before a long trip", "after a storm", "in the boatyard", "while afloat", "in cold weather", "every spring",
        "on a small boat", "without a helper", "at anchor", "before a race", "in a strong tide", "at the season end",
        "by headlamp", "with a new crew", "on a mooring", "before a survey",
    ),
    "sign": ("rust", "wear", "a crack", "a leak", "slack", "salt", "a sharp edge", "a loose pin"),
    "gain": ("a quiet passage", "fewer repairs", "a safe return", "an easy start", "less strain", "a longer life"),
    "person": ("A beginner", "A small crew", "One person", "Any owner"),
    "length": ("half an hour", "an hour", "a morning", "two short visits"),
}  # fmt: skip
_TITLE = ("Inspect the {part} {time}", "Replace the {part} {time}", "Clean the {part} {time}", "Fit a spare {part} {time}",
          "Measure the {part} {time}", "Adjust the {part} {time}", "How do you protect the {part} {time}?")  # fmt: skip
_SUMMARY = (
    "How to look after the {part} {time} with {tool} and get {gain}",
    "Look for {sign} on the {part} {time}, use {tool}, and earn {gain}",
    "{person} can service the {part} {time} in {length} with {tool}",
    "What {sign} on the {part} tells you {time}, and how {tool} helps",
)
_GOAL = (
    "You check the {part} for {sign} and leave it ready for {gain}. The work takes {length}.",
    "At the end, the {part} moves freely and shows no trace of {sign}. {person} needs {length}.",
    "The aim is a sound {part} and {gain}. Allow {length} and keep {tool} within reach.",
)
_STEPS = (
    "Lay {tool} on a dry board.",
    "Look at the {part} in good light and note {sign}.",
    "Wipe the {part} with fresh water and let it dry.",
    "Use {tool} to loosen the {part} a little.",
    "Photograph the {part} before you remove it.",
    "Compare the {part} with the drawing in the manual.",
    "Replace the {part} if you find {sign} on both sides.",
    "Grease the {part} thinly and turn it by hand.",
    "Tighten the {part} again, but do not force it.",
    "Write the date and the result into the log.",
    "Test the {part} under a light load.",
)
_REASONS = (
    "A newer article covers this work.",
    "The maker changed the part.",
    "A reader found a mistake in the steps.",
)


def _phrases(topic: str, patterns: tuple[str, ...]) -> Phrases:
    return Phrases(patterns, {**_COMMON, **TOPICS[topic]})


def generate(seed: int, count: int) -> list[SitePage]:
    """Return articles on both topics. Some link to others."""
    rng = random.Random(f"workshop {seed}")
    taken: set[str] = set()
    titled: list[tuple[str, str, dict[str, str]]] = []
    for position, topic in enumerate(TOPICS):
        phrases, share = _phrases(topic, _TITLE), count // 2 + (position < count % 2)
        drawn = [phrases.new_with_theme(rng, taken, "part", "time", "tool", "length") for _ in range(share)]
        titled += [(topic, title, theme) for title, theme in drawn]
    rng.shuffle(titled)
    permalinks = [f"/{slug(topic)}/{slug(title)}/" for topic, title, _ in titled]
    summaries: set[str] = set()
    pages = []
    for topic, title, theme in titled:
        summary = _phrases(topic, _SUMMARY).new(rng, summaries, theme)
        pages.append(_page(rng, topic, title, summary, theme, permalinks))
    return pages


def _page(
    rng: random.Random, topic: str, title: str, summary: str, theme: dict[str, str], permalinks: list[str]
) -> SitePage:
    own = f"/{slug(topic)}/{slug(title)}/"
    status = rng.choices(("live", "draft", "withdrawn"), (6, 2, 2))[0]
    lines = [
        f"title: {mixed(rng, title, 20)}",
        f"permalink: {own}",
        f"summary: {mixed(rng, summary, 20)}",
        f"topic: {topic}",
        f"published: {some_day(rng, 2020, 2025)}",
        f"status: {status}",
    ]
    if status == "withdrawn":
        lines.append(f"withdrawn_because: {rng.choice(_REASONS)}")
    lines.append(flow_list("tags", rng.sample(TOPICS[topic]["tag"], rng.randint(2, 6))))
    if chance(rng, 40):
        lines += ["vessel:", f"  length_m: {rng.randint(8, 40) / 2}", f"  hull: {rng.choice(('steel', 'wood'))}"]
    others = [permalink for permalink in rng.sample(permalinks, min(len(permalinks), 5)) if permalink != own]
    if others and chance(rng, 60):
        lines += block_list("see_also", others[: rng.randint(1, 4)])
    return SitePage(f"articles{own[:-1]}.md", page_text(lines, _body(rng, topic, theme)))


def _body(rng: random.Random, topic: str, theme: dict[str, str]) -> str:
    """Return a goal, and numbered steps in the order of the work."""
    steps = _phrases(topic, _STEPS).ordered(rng, rng.randint(3, 9), theme)
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n\n".join([_phrases(topic, _GOAL).one(rng, theme), "\n".join(numbered)])


PLANT = planter(
    [
        missing("summary"),
        missing("published"),
        missing("tags"),
        missing("vessel.hull"),
        missing("withdrawn_because", kind="missing-conditional"),
        added("disallowed-key", "withdrawn_because", "The maker changed the part.", "tags", never="withdrawn"),
        misspelled("topic", "topics"),
        misspelled("see_also", "see_allso"),
        misspelled("vessel", "vesel"),
        misspelled("vessel.length_m", "lenght_m"),
        value("wrong-type", "published", "last spring", "2024"),
        value("wrong-type", "tags", "diesel", "rope and wire"),
        value("wrong-type", "vessel.length_m", '"12.5"', "long"),
        value("bad-enum", "topic", "Engine", "Sails"),
        value("bad-enum", "status", "lvie", "published", never="withdrawn"),
        value("bad-enum", "vessel.hull", "steal", "plastic"),
        item("dangling-reference", "see_also", "/engines/no-such-article/", "/rigging/removed/"),
        copied("title"),
        moved("tags", "topic"),
        moved("published", "title"),
    ]
)

WORKSHOP = Lookalike("workshop", SITE_TOML, generate, PLANT)
