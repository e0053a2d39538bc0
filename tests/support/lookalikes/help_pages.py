"""Help pages in four languages, with lists in block style."""

import random

from .faults import changed, copied, item, missing, misspelled, moved, planter, value
from .front_matter import block_list, double, page_text, single
from .help_words import BODIES, INTROS, STEPS, TITLES
from .types import Lookalike, SitePage
from .words import chance, slug, some_day

SITE_TOML = r"""
format = 1
name = "Boards Help"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "**/*.md"
path = "{language}/{title|slug}.md"
body = {min=80}
quote = "single"
roles = {key="permalink", question="title", answer="body", subject="language", date="reviewed"}
fields = [
  {key="title", source="question", max=80, unique=true},
  {key="intro", source="model", group="summary", min=20, max=200, unique=true},
  {key="language", source="subject", enum=["en", "de", "fr", "pt"]},
  {key="permalink", value="/{file.folder}/{file.stem}/"},
  {key="layout", const="help"},
  {key="versions", type="list", style="block", min=1, max=3, enum=["cloud", "server", "3.9", "3.10"], default=["cloud"]},
  {key="topics", type="list", style="block", min=1, max=3, enum=["teams", "files", "billing", "calendar", "security"], default=["files"]},
  {key="redirect_from", type="list", style="block", required=false, min=1, max=2, pattern="/[a-z0-9/-]+"},
  {key="reviewed", type="date", source="today"},
]

[renderer]
newline = "real"
math = []
html = "error"
""".lstrip()

LANGUAGES = ("en", "de", "fr", "pt")
TOPICS = ("teams", "files", "billing", "calendar", "security")


def generate(seed: int, count: int) -> list[SitePage]:
    """Return help pages, about as many in each language."""
    rng = random.Random(f"help_pages {seed}")
    titles: set[str] = set()
    intros: set[str] = set()
    pages = []
    for position, language in enumerate(LANGUAGES):
        share = count // 4 + (position < count % 4)
        pages += [_page(rng, language, TITLES[language].new(rng, titles, same=slug), intros) for _ in range(share)]
    return pages


def _page(rng: random.Random, language: str, title: str, intros: set[str]) -> SitePage:
    intro = INTROS[language].new(rng, intros, {"title": title})
    name = slug(title)
    indent = rng.choice((2, 2, 0))
    versions = rng.sample(("cloud", "server", single("3.9"), single("3.10")), rng.randint(1, 3))
    lines = [
        f"title: {single(title) if chance(rng, 20) else title}",
        f"intro: {single(intro) if ':' in intro else intro}",
        f"language: {language}",
        f"permalink: /{language}/{name}/",
        "layout: help",
        *block_list("versions", versions, indent),
        *block_list("topics", rng.sample(TOPICS, rng.randint(1, 3)), indent),
    ]
    if chance(rng, 30):
        lines += block_list("redirect_from", _old_addresses(rng, language, name), indent)
    lines.append(f"reviewed: {some_day(rng, 2021, 2025)}")
    steps = STEPS[language].ordered(rng, rng.randint(3, 5))
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    first, last = BODIES[language].paragraphs(rng, rng.choice(((2, 1), (2, 2), (1, 2))))
    body = "\n\n".join([first, "\n".join(numbered), last])
    return SitePage(f"{language}/{name}.md", page_text(lines, body))


def _old_addresses(rng: random.Random, language: str, name: str) -> list[str]:
    return rng.sample((f"/{language}/old/{name}", f"/guides/{name}", f"/{language}/faq/{name}"), rng.randint(1, 2))


def _other_language(old: str, rng: random.Random) -> str:
    """Return the address of the page in a language that it is not written in."""
    return f"/{rng.choice([other for other in LANGUAGES if not old.startswith(f'/{other}/')])}{old[3:]}"


PLANT = planter(
    [
        missing("title"),
        missing("intro"),
        missing("topics"),
        missing("layout"),
        missing("reviewed"),
        misspelled("redirect_from", "redirect_form"),
        misspelled("versions", "version"),
        misspelled("permalink", "permlink"),
        value("wrong-type", "versions", "cloud", "3.9"),
        value("wrong-type", "reviewed", "2024-05", "soon"),
        value("wrong-type", "title", "2024", "yes"),
        item("wrong-type", "versions", "3.10", "3.9"),
        item("bad-enum", "topics", "team", "secuirty"),
        item("bad-enum", "versions", "clout", double("3.100")),
        value("bad-enum", "language", "es", "english"),
        value("wrong-constant", "layout", "helper", "default"),
        changed("broken-template", "permalink", _other_language),
        changed("broken-template", "permalink", lambda old, rng: f"{old.rstrip('/')}-old/"),
        copied("intro"),
        moved("language", "title"),
        moved("topics", "layout"),
    ]
)

HELP_PAGES = Lookalike("help_pages", SITE_TOML, generate, PLANT)
