"""Migrations of damaged pages: nothing raises, the title stays, and a second run changes nothing."""

import random
from pathlib import Path

import pytest
import yaml

from qtgen.page.profile import parse_profile
from qtgen.site.migration import Migration, migrate_page, plan_migration
from support.lookalikes import LOOKALIKES

SITE = Path("/srv/site/site.toml")
REPLACEMENTS = {
    "reference": [
        ('{key="released", type="date"', '{key="day", was="released", type="date"'),
        ('    {key="stability"', '    {key="extra", default="x"},\n    {key="stability"'),
        ('{key="deprecated"', '{key="old", was="deprecated"'),
    ],
    "products": [
        ('{key="latest"', '{key="newest", was="latest"'),
        ('  {key="spare_parts", type="bool", default=false},\n', ""),
        ("const=2", "const=3"),
    ],
    "documents": [('{key="desk"', '{key="team", was="desk"'), ('subject="desk"', 'subject="team"')],
}


def planned(name: str) -> Migration:
    old = new = LOOKALIKES[name].site_toml
    for text, replacement in REPLACEMENTS[name]:
        assert text in new
        new = new.replace(text, replacement)
    return plan_migration(parse_profile(old.encode(), SITE), parse_profile(new.encode(), SITE))


def damaged(text: str, rng: random.Random) -> str:
    """Return a page with a character or a line of its front matter added, removed, repeated or moved."""
    end = text.index("\n---\n")
    at = rng.randrange(end)
    lines = text.split("\n")
    number, other = (rng.randrange(text.count("\n", 0, end)) for _ in range(2))
    match rng.randrange(4):
        case 0:
            return text[:at] + rng.choice("#:{}[]'\"&*|>-\n \t!%@,\r") + text[at:]
        case 1:
            return text[:at] + text[at + 1 :]
        case 2:
            lines.insert(other, lines[number])
        case _:
            lines.insert(other, lines.pop(number))
    return "\n".join(lines)


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_a_damaged_page_is_refused_or_migrated_once(name: str) -> None:
    rng = random.Random(name)
    migration = planned(name)
    changed = refused = 0
    for page in LOOKALIKES[name].generate(9, 20):
        path = (SITE.parent / page.path).as_posix()
        for _ in range(20):
            text = damaged(page.text, rng)
            result = migrate_page(text.encode(), path, migration)
            refused += result.refusal is not None
            if result.after is None:
                continue
            changed += 1
            again = migrate_page(result.after, path, migration)
            assert (again.after, again.refusal) == (None, None)
            after = yaml.load(result.after.decode().split("\n---\n")[0], yaml.CSafeLoader)
            before = yaml.load(text.split("\n---\n")[0], yaml.CSafeLoader)
            assert after["title"] == before["title"] if "title" in before else "title" not in after
    assert changed > 100
    assert refused > 10
