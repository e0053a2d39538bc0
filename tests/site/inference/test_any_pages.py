"""Whatever pages contain, the file that is written loads, and every place is on its page."""

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from qtgen.errors import UsageError
from qtgen.page.profile import parse_profile
from qtgen.site.inference.collect import collect
from qtgen.site.inference.infer import infer
from qtgen.site.inference.places import locate

KEYS = (
    "title", "url", "body", "a", "b", "a.b", "link1", "link2", "link3", "tag", "tags", " ", 'k"q', "k\n", "x1", "é", "1",
    "seo", "file.stem", "k{y}",
)  # fmt: skip
TEXTS = ("", "{x}", "a\nb", 'é "q"', " #", "x, y, z", "é{", "\u200b", "\U0001f600", "on", "/a/b-1")
FOLDERS = ([""], ["a/"], ["a/", "b/"], ["x{y}/", "z/"], ["a/b/", "c/"], ['q"r/'])
SEEDS = range(60)


def some_value(rng: random.Random, depth: int = 0) -> Any:
    makers: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.choice([True, False]),
        lambda: rng.randrange(5),
        lambda: rng.random() * 10,
        lambda: f"word {rng.randrange(4)}",
        lambda: f"A title: {rng.randrange(999)}",
        lambda: dt.date(2024, 1, 1 + rng.randrange(28)),
        lambda: rng.choice(TEXTS),
        lambda: float(rng.choice(["nan", "inf"])),
        lambda: [some_value(rng, depth + 1) for _ in range(rng.randrange(4))],
        lambda: {rng.choice(KEYS): some_value(rng, depth + 1) for _ in range(rng.randrange(4))},
        lambda: [{rng.choice(KEYS): some_value(rng, depth + 1)} for _ in range(rng.randrange(3))],
    ]
    return rng.choice(makers if depth < 3 else makers[:9])()


def write_pages(rng: random.Random, root: Path) -> None:
    """Write pages whose keys have a constant value, any value, or a text with the number of the page."""
    generators = {rng.choice(KEYS): (rng.randrange(3), some_value(rng)) for _ in range(rng.randrange(1, 8))}
    folders = rng.choice(FOLDERS)
    for number in range(rng.choice([1, 3, 25, 60])):
        front: dict[str, Any] = {}
        for key, (mode, constant) in generators.items():
            if rng.random() > 0.03:
                front[key] = (constant, some_value(rng), f"{key} {number}")[mode]
        if rng.random() < 0.1:
            front[rng.choice(KEYS)] = some_value(rng)
        text = yaml.safe_dump(front, sort_keys=False, allow_unicode=rng.random() < 0.5)
        path = root / rng.choice(folders) / f"p{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{text}---\n{rng.choice(['', 'text', f'text {number}'])}", encoding="utf-8")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_written_file_loads(seed: int, tmp_path: Path) -> None:
    write_pages(random.Random(seed), tmp_path)
    try:
        result = infer(collect([tmp_path], print, 1), tmp_path)
    except UsageError as error:
        assert "can be their title" in error.message or "none of the pages can be used" in error.message  # noqa: PT017
        return
    assert parse_profile(result.text.encode(), tmp_path / "site.toml").file.layout
    for found in locate(result):
        for place in found.places:
            lines = Path(place.path).read_text(encoding="utf-8").split("\n")
            assert 1 <= place.line <= len(lines)
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1
