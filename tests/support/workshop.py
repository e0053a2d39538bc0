"""Small sites with the layout of the Harbour Workshop, whose pages write links in one of three forms."""

import random
from collections.abc import Iterable
from pathlib import Path

from qtgen.page import Profile, load_profile
from support.sites import WORDS

SITE = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"
_KEYS = '{key="see_also", type="list", style="block", required=false, ref="permalink"}'
_FIELDS = '[{key="label", copy="title"}, {key="page", ref="permalink"}, {key="note", required=false}]'
LINKS = {
    "keys": _KEYS,
    "maps": f'{{key="see_also", type="list", style="block", required=false, fields={_FIELDS}}}',
    "numbered": f'{{key="further", type="map", indent=2, repeat=4, required=false, fields={_FIELDS}}}',
}
"""The field of the links, by the form of the links."""


def workshop(form: str = "keys") -> Profile:
    """Write a `site.toml` into the current folder, and return its profile."""
    text = SITE.read_text(encoding="utf-8").replace(_KEYS, LINKS[form])
    if form == "numbered":
        text = text.replace('field = "see_also"', 'field = "further"')
    Path("site.toml").write_text(text, encoding="utf-8")
    return load_profile(Path("site.toml"))


def write_article(title: str, links: str = "", topic: str = "Engines", text: str = "Grease it.") -> Path:
    """Write a page whose front matter has a comment, odd spacing and a text with a tab, and return its path.

    Args:
        links: The lines of its links.
    """
    name = "-".join(title.lower().rstrip("?").split())
    path = Path(f"articles/{topic.lower()}/{name}.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'---\ntitle:   "{title}"\npermalink: /{topic.lower()}/{name}/\nsummary: >\n  What to know about it, and\n'
        f"  what not.\ntopic: {topic}\npublished: 2024-05-06\nstatus: live # since May\n"
        f"tags: [grease,   oil]\n{links}---\n\n# {title}\n\n{text}\n\n\tcode\n",
        encoding="utf-8",
    )
    return path


def random_articles(count: int, seed: int = 1) -> list[Path]:
    """Write pages of random words, and return their paths."""
    rng = random.Random(seed)
    paths = []
    for number in range(count):
        topic = rng.choice(["Engines", "Rigging"])
        title = f"What has {' '.join(rng.sample(WORDS, 3))} to do with {number}?"
        paths.append(write_article(title, topic=topic, text=" ".join(rng.choices(WORDS, k=60))))
    return paths


def texts_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Return what the files hold now."""
    return {path: path.read_text(encoding="utf-8") for path in paths}
