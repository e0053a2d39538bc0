"""Rules of other sites: conditions, limits, lists, references, unique values, and severities of the profile."""

from pathlib import Path

import pytest

from qtgen.errors import SettingsError
from qtgen.page.profile import Profile, default_profile, load_profile, parse_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.site.profiles import resolve_profile
from qtgen.validation import fix, validate
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.plugins import rules_key
from qtgen.validation.rules import PageFile, check_page, rules_of
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import choose_rules
from support.default_tables import read
from support.validation import run_options

WORKSHOP = Path(__file__).parents[2] / "fixtures" / "sites" / "workshop" / "site.toml"
PATH = "articles/engines/how-do-i-bleed-a-diesel.md"
PAGE = """\
---
title: How do I bleed a diesel?
permalink: /engines/how-do-i-bleed-a-diesel/
summary: Air in the fuel stops a diesel, and four steps let it out again.
topic: Engines
published: 2026-01-31
status: draft
tags: [diesel, fuel]
---

Open the vent screw of the fuel filter, pump until no air comes out, and close the screw again.
"""


@pytest.fixture
def workshop() -> Profile:
    return load_profile(WORKSHOP)


def site_with(tmp_path: Path, text: str, old: str = "", new: str = "") -> Profile:
    assert old in text
    return parse_profile(text.replace(old, new, 1).encode(), tmp_path / "site.toml")


def found(profile: Profile, *changes: tuple[str, str], path: str = PATH) -> list[tuple[str, int, int, str | None, str]]:
    """Return the findings of families 1xx to 3xx about the page with some replacements."""
    text = PAGE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    diagnostics = check_page(PageFile(path, read(text.encode(), profile, path)), rules_of(profile))
    return [(one.code, one.line, one.column, one.field, one.message) for one in diagnostics if one.code < "QT4"]


def between(profile: Profile, *texts: str) -> list[Diagnostic]:
    """Return the findings of family 4xx, except orphans, about pages that are in the folder of the engines."""
    pages = {f"articles/engines/{number}.md": text.encode() for number, text in enumerate(texts)}
    options = ValidationOptions(rules_of(profile), profile=profile, overlay=pages)
    every = run_options(batches_for_paths(pages), options)
    return [one for one in every if one.code[:3] == "QT4" and one.code not in ("QT409", "QT410")]


def named(name: str, old: str = "", new: str = "") -> str:
    text = PAGE.replace("bleed a diesel", name).replace("bleed-a-diesel", name.replace(" ", "-"))
    return text.replace(old, new, 1)


def test_a_valid_page_has_no_findings(workshop: Profile) -> None:
    assert found(workshop) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("status: draft", "status: gone", ("QT205", 7, 9, "status", "`status` must be `draft`, `live` or `withdrawn`, not `gone`")),
        ("[diesel, fuel]", "[diesel, Fuel]", ("QT205", 8, 16, "tags", "`tags.1` must match `[a-z][a-z-]+`, not be `Fuel`")),
        ("[diesel, fuel]", "[diesel, [fuel]]", ("QT203", 8, 16, "tags", "`tags.1` must be text, not `['fuel']` (list)")),
        ("[diesel, fuel]", "diesel", ("QT203", 8, 7, "tags", "`tags` must be a list, not `diesel` (str)")),
        ("2026-01-31", "2026-02-31", ("QT205", 6, 12, "published", "`published` must be a calendar date; 2026-02-31 does not exist")),
        ("status: draft\n", "status: withdrawn\n", ("QT201", 8, 1, "withdrawn_because", "`withdrawn_because` is missing, because `status` is `withdrawn`; add it here")),
        ("status: draft\n", "status: draft\nwithdrawn_because: it is wrong\n", ("QT208", 8, 1, "withdrawn_because", "`withdrawn_because` is only allowed if `status` is `withdrawn`; remove it")),
        ("status: draft\n", "statsu: draft\n", ("QT202", 7, 1, "statsu", "unknown key `statsu`; did you mean `status`?")),
        ("---\n\nOpen", "vessel:\n  length_m: 90\n  hull: steel\n---\n\nOpen", ("QT205", 10, 13, "vessel.length_m", "`vessel.length_m` must be from 2 to 60, not 90")),
        ("permalink: /eng", "permalink: /ing", ("QT303", 3, 12, "permalink", "`permalink` must be `/engines/how-do-i-bleed-a-diesel/`, from `topic` and `title`")),
        ("topic: Engines\npublished: 2026-01-31\n", "published: 2026-01-31\ntopic: Engines\n", ("QT204", 6, 1, "topic", "`topic` is out of order; move it above `published`")),
    ],
)  # fmt: skip
def test_a_fault_is_reported_at_its_place(
    workshop: Profile, old: str, new: str, finding: tuple[str, int, int, str, str]
) -> None:
    assert finding in found(workshop, (old, new))


def test_a_title_has_limits_that_no_model_rule_checks(workshop: Profile) -> None:
    long = "How do I bleed a diesel" + " and bleed it again" * 5 + "?"
    messages = [message for *_, message in found(workshop, ("How do I bleed a diesel?", long))]
    assert f"`title` must have at most 90 characters, not {len(long)}" in messages


def test_the_folder_has_all_segments_of_the_path(workshop: Profile) -> None:
    message = "the file is in folder `news/engines`; its `topic` belongs in folder `articles/engines`"
    assert [one[-1] for one in found(workshop, path=PATH.replace("articles", "news"))] == [message]


def test_a_file_name_without_a_field_is_reported_at_the_question(workshop: Profile) -> None:
    ((code, line, _, field, message),) = found(workshop, path="articles/engines/other.md")
    assert (code, line, field) == ("QT302", 2, "title")
    assert message.startswith("the file is named `other.md`; rename it to `how-do-i-bleed-a-diesel.md`")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("---\ntitle", "+++\ntitle", "QT102"),
        ("\n", "\r\n", "QT105"),
        ("topic: Engines\n", "topic: Engines\ntopic: Engines\n", "QT103"),
        ("topic: Engines", "topic: &anchor Engines", "QT104"),
        ("title: How do I bleed a diesel?", 'title: "???"', "QT303"),
        ("title: How do I bleed a diesel?", f"title: {'diesel ' * 60}", "QT205"),
    ],
)
def test_failures_are_findings(workshop: Profile, old: str, new: str, code: str) -> None:
    text = PAGE.replace(old, new) if old == "\n" else PAGE.replace(old, new, 1)
    diagnostics = check_page(PageFile(PATH, read(text.encode(), workshop, PATH)), rules_of(workshop))
    if code == "QT303":  # the slug is empty, so the address is no longer the one that follows from the title
        assert "QT302" in {one.code for one in diagnostics}
    assert code in {one.code for one in diagnostics}


def test_references_in_lists_of_keys_are_checked(workshop: Profile) -> None:
    link = "---\n\nOpen", "see_also:\n  - /engines/how-do-i-fill-a-tank/\n  - /engines/gone/\n---\n\nOpen"
    (dangling,) = between(workshop, named("bleed a diesel", *link), named("fill a tank"))
    assert (dangling.code, dangling.field, dangling.line, dangling.column) == ("QT403", "see_also", 11, 5)
    assert dangling.message == "no page has this `permalink`; link to another page"


def test_unique_values_and_keys_must_differ(workshop: Profile) -> None:
    codes = sorted({(one.code, one.field) for one in between(workshop, PAGE, PAGE)})
    assert codes == [("QT401", "permalink"), ("QT412", "title")]


REFERENCES = """\
format = 1
name = "Proposals"

[[layout]]
path = "{number|slug}.md"
roles = {question="title"}
fields = [
  {key="number", type="int", unique=true},
  {key="title"},
  {key="requires", required=false, separator=", ", ref="number"},
  {key="parts", type="list", required=false, fields=[{key="name"}, {key="of", type="int", ref="number"}]},
]
"""


def proposal(number: int, rest: str = "") -> str:
    return f"---\nnumber: {number}\ntitle: Proposal {number}\n{rest}---\n\nText.\n"


def test_references_outside_links_are_checked(tmp_path: Path) -> None:
    profile = site_with(tmp_path, REFERENCES)
    parts = "parts:\n  - name: a\n    of: 1\n  - name: b\n    of: 7\n"
    diagnostics = between(profile, proposal(1, "requires: 2, 9\n"), proposal(2, parts), proposal(2))
    assert [(one.path[-4:], one.code, one.line, one.column, one.field) for one in diagnostics] == [
        ("0.md", "QT403", 4, 14, "requires"),
        ("1.md", "QT412", 2, 9, "number"),
        ("1.md", "QT403", 8, 9, "parts"),
        ("2.md", "QT412", 2, 9, "number"),
    ]
    assert diagnostics[0].message == "no page has this value as its `number`; name another page"


def test_maps_in_lists_have_required_and_known_keys(tmp_path: Path) -> None:
    profile = site_with(tmp_path, REFERENCES)
    text = proposal(1, "parts:\n  - naem: a\n    of: x\n")
    diagnostics = check_page(PageFile("1.md", read(text.encode(), profile)), rules_of(profile))
    assert [(one.code, one.line, one.column) for one in diagnostics if one.code < "QT3"] == [
        ("QT201", 5, 5),
        ("QT202", 5, 5),
        ("QT203", 6, 9),
    ]


# --- the rules of a profile -------------------------------------------------------------------------------------------


def test_a_profile_sets_severities_and_turns_rules_off(tmp_path: Path) -> None:
    text = WORKSHOP.read_text(encoding="utf-8")
    profile = site_with(tmp_path, text, 'QT409 = "off"', 'QT409 = "off"\nQT205 = "info"')
    chosen = {rule.code: rule.severity for rule in choose_rules(profile=profile)}
    assert "QT409" not in chosen
    assert chosen["QT205"] is Severity.INFO
    page = PageFile(PATH, read(PAGE.replace("draft", "gone").encode(), profile, PATH))
    assert [one.severity for one in check_page(page, rules_of(profile)) if one.code == "QT205"] == [Severity.INFO]


def test_an_unknown_code_in_a_profile_is_an_error_with_its_line(tmp_path: Path) -> None:
    text = WORKSHOP.read_text(encoding="utf-8")
    profile = site_with(tmp_path, text, "QT409", "QT499")
    with pytest.raises(SettingsError, match="no rule has the code `QT499`") as error:
        choose_rules(profile=profile)
    line = 1 + profile.raw.decode().split("\n").index('QT499 = "off"')
    assert str(error.value.path) == f"{tmp_path / 'site.toml'}:{line}"


def test_rules_that_do_not_apply_are_absent(workshop: Profile) -> None:
    codes, default = ({rule.code for rule in rules_of(profile)} for profile in (workshop, default_profile()))
    assert default - codes >= {"QT106", "QT206", "QT301", "QT305", "QT402", "QT404", "QT405", "QT406"}
    assert codes - default == {"QT208", "QT412"}


def test_the_cache_key_has_the_digest_of_another_profile(workshop: Profile) -> None:
    assert workshop.digest in rules_key(profile=workshop)
    assert "site" not in rules_key(profile=default_profile())


def test_the_public_functions_use_the_nearest_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_profile(None) == default_profile()
    (tmp_path / "site.toml").write_bytes(WORKSHOP.read_bytes())
    path = tmp_path / PATH
    path.parent.mkdir(parents=True)
    path.write_text(PAGE.replace("permalink: /eng", "permalink: /ing"), encoding="utf-8")
    assert "QT303" in {one.code for one in validate("articles")}
    assert "QT303" not in {one.code for one in validate("articles", site=default_profile())}
    (fixed,) = fix("articles", unsafe=True, site="site.toml")
    assert fixed.error is None
    assert path.read_text(encoding="utf-8") == PAGE


def test_workers_find_the_same_with_a_profile(tmp_path: Path, workshop: Profile) -> None:
    folder = tmp_path / "articles" / "engines"
    folder.mkdir(parents=True)
    for number in range(6):
        (folder / f"how-do-i-clean-{number}.md").write_text(named(f"clean {number}", "draft", "gone"), encoding="utf-8")
    found_here, found_there = (validate(folder, site=workshop, jobs=jobs) for jobs in (1, 2))
    assert found_here == found_there
    assert len(found_here) >= 6
