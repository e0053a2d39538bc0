"""Nothing but the profile names the site: a renamed site gets the same findings and fixes under the new names."""

import contextlib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from qtgen.page.profile import default_profile
from qtgen.validation.rules import REGISTRY, rules_of
from qtgen.validation.rules.example import EXAMPLE_PAGE, example_pages, example_site_of
from support.renamed_site import (
    HIDDEN,
    KEYS,
    rename_diagnostic,
    rename_key,
    rename_page,
    rename_site_toml,
    rename_text,
    rename_url,
)

Command = Callable[..., tuple[int, str, str]]

SUBJECTS = ("college-basketball", "digital-media", "others")
"""The subjects of the real sample that are validated under both names."""

SITE = """
format = 1
name = "QuickTakes"
slug = {keep="a-z0-9 ", space="-", collapse=false}

[[layout]]
files = "**/*.md"
path = "{subject|slug}/{title|slug}.md"
body = "\\n&nbsp;"
roles = {key="url", question="title", hidden="no_index"}
fields = [
  {key="_schema", const="default", doc="The editor's schema."},
  {key="seo", type="map", indent=2, fields=[{key="title", value="QuickTakes | {subject}"}]},
  {key="author", const="QuickTakes", example="QuickTakes"},
  {key="question", value="{title}", doc="The same string as `title`."},
  {key="url", value="/learn/{subject|slug}/questions/{title|slug}", doc="`/learn/` + `slug(subject)`"},
  {key="score", type="float", required=false, allow=[-1.0], min=0, max=1, default=-1.0},
  {key="file_name", value="{file.stem}.md"},
  {key="related_article", type="map", repeat=5, fields=[{key="id", copy="id"}, {key="url", ref="url"}]},
]

[links]
field = "related_article"
max = 5

[renderer]
math = ["$", "$$"]
reads = {hidden="noIndex"}
"""
"""A part of the default profile."""


def related(number: int) -> str:
    return (
        f"related_article{number}:\n    id: {number + 20}\n    title: >-\n        What is number {number}?\n"
        f"    subject: Biology\n    url: /learn/biology/questions/what-is-number-{number}\n"
    )


FULL_PAGE = EXAMPLE_PAGE.replace("answer: >-", "no_index: True\nanswer: >-").replace(
    "\n---\n\n", "\n" + "".join(map(related, range(2, 6))) + "---\n\n"
)
"""The example page with every key."""


def faulty_pages() -> Iterator[str]:
    """Yield pages with one fault in one line: each key is left out, misspelled, repeated, moved or given other values."""
    lines = FULL_PAGE.split("\n")
    for number, line in enumerate(lines[: lines.index("related_article3:")]):
        match = re.fullmatch(r"( *)(\w+):(.*)", line)
        if match is None:
            continue
        indent, key, value = match.groups()
        others = [f"{indent}{other}:{value}" for other in (key[:-1], key[1] + key[0] + key[2:])]
        others += [f"{indent}{key}: {other}" for other in ("", "yes", "7", "[a]")]
        for replacement in ([], *([other] for other in others), [line, line]):
            yield "\n".join([*lines[:number], *replacement, *lines[number + 1 :]])
        if number > 1:
            yield "\n".join([*lines[: number - 1], line, lines[number - 1], *lines[number + 1 :]])


def pages_with_faults() -> dict[str, bytes]:
    """Return the pages of all bad examples, and pages with a fault in each line, by path."""
    pages = {
        f"examples/{rule.code.lower()}-{number}/{path}": raw
        for rule in rules_of(default_profile())
        for number, (path, raw) in enumerate(example_pages(rule.bad, example_site_of(default_profile())))
    }
    faulty = {f"faulty/{n}/biology/what-is-osmosis.md": page.encode() for n, page in enumerate(faulty_pages())}
    return {**pages, **faulty}


# --- the renaming -----------------------------------------------------------------------------------------------------


def test_new_keys_have_the_same_length() -> None:
    renamed = [rename_key(key) for key in (*KEYS, HIDDEN)]
    assert len(set(renamed)) == len(renamed)
    assert not set(renamed) & {*KEYS, HIDDEN}
    assert [*map(len, renamed)] == [*map(len, (*KEYS, HIDDEN))]
    assert [rename_key(key) for key in renamed] == [*KEYS, HIDDEN]


def test_every_key_of_the_default_site_is_known(qtgen: Command) -> None:
    def keys(node: Any) -> Iterator[str]:
        for key, value in node.get("properties", {}).items():
            yield re.sub(r"\d+$", "", key)
            yield from keys(value)

    assert set(keys(json.loads(qtgen("schema")[1]))) == set(KEYS)


def test_no_new_name_is_a_word_of_the_rules(qtgen: Command) -> None:
    words = {word for rule in REGISTRY for word in re.findall(r"\w+", qtgen("explain", rule)[1].lower())}
    assert len(words) > 500
    assert not words & {rename_key(key).lower() for key in (*KEYS, HIDDEN)}


def test_a_page_is_renamed_by_its_structure_alone() -> None:
    text = FULL_PAGE.replace("In summary, ", "author: QuickTakes, url: /learn/a/questions/b. ")
    renamed = rename_page(text.encode()).decode()
    lines = renamed.split("\n")
    for key, rest in (("_schema", "regular"), ("author", "Lanternway"), ("no_index", "True"), ("question", ">-")):
        assert f"{rename_key(key)}: {rest}" in lines
    assert f"  {rename_key('title')}: Lanternway | Biology" in lines
    assert "    What is osmosis?" in lines
    assert "url: /learn/a/questions/b. osmosis" in renamed
    assert not re.findall(rf"^ *(?:{'|'.join(KEYS)})\d?:", renamed, re.MULTILINE)
    assert renamed.count("QuickTakes") == 1
    assert renamed.count("/study/biology/inquiries/") == 6
    assert renamed.count("/learn/") == 1


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"url: /learn/a/questions/b\n", b"---\nid: 7\nauthor: \xe9"])
def test_broken_files_are_renamed_too(raw: bytes) -> None:
    assert rename_page(rename_page(raw)) == raw
    assert (rename_page(raw) != raw) == raw.startswith(b"---")


def test_renaming_twice_gives_the_page_back() -> None:
    for path, raw in {**pages_with_faults(), "full": FULL_PAGE.encode()}.items():
        renamed = rename_page(raw)
        assert len(renamed) == len(raw), path
        assert rename_page(renamed) == raw, path


def test_renaming_twice_gives_every_real_page_back(real_pages: Mapping[str, bytes]) -> None:
    for path, raw in real_pages.items():
        renamed = rename_page(raw)
        assert renamed != raw, path
        assert [*map(len, renamed.split(b"\n"))] == [*map(len, raw.split(b"\n"))], path
        assert rename_page(renamed) == raw, path


def test_messages_are_renamed_in_code_spans_and_urls() -> None:
    message = "`related_article2.url` is the url `/learn/a/questions/b` of `x`, not `auther`; write `QuickTakes | A`"
    renamed = rename_text(message, "auther")
    expected = f"`{rename_key('related_article2.url')}` is the url `/study/a/inquiries/b` of `x`, not "
    assert renamed == f"{expected}`{rename_key('auther')}`; write `Lanternway | A`"
    assert rename_text(renamed, rename_key("auther")) == message


def test_a_diagnostic_is_renamed_with_its_fix() -> None:
    place = {"line": 3, "column": 1, "end_line": 4, "end_column": 1}
    edits = [{**place, "text": "    url: /learn/a/questions/b\n"}, {**place, "column": 5, "text": "QuickTakes | A"}]
    fix = {"safe": True, "description": "copy `seo.title`", "edits": edits}
    diagnostic = {**place, "code": "QT305", "message": "`seo.title` is wrong", "field": "seo.title", "fix": fix}
    renamed = rename_diagnostic(diagnostic)
    title, url = rename_key("seo.title"), rename_key("url")
    assert (renamed["message"], renamed["field"]) == (f"`{title}` is wrong", title)
    assert renamed["fix"]["description"] == f"copy `{title}`"
    assert [edit["text"] for edit in renamed["fix"]["edits"]] == [
        f"    {url}: /study/a/inquiries/b\n",
        "Lanternway | A",
    ]
    assert rename_diagnostic(renamed) == diagnostic


def test_the_profile_is_renamed() -> None:
    renamed = rename_site_toml(SITE)
    site = tomllib.loads(renamed)
    assert tomllib.loads(rename_site_toml(renamed)) == tomllib.loads(SITE)
    for word in ("QuickTakes", "/learn/", "questions", HIDDEN, *KEYS):
        assert not re.search(rf'= "{word}"|{{{word}\W|`{word}`|QuickTakes|/learn', renamed), word
    (layout,) = site["layout"]
    assert layout["roles"]["question"] == rename_key("title")
    assert layout["path"] == f"{{{rename_key('subject')}|slug}}/{{{rename_key('title')}|slug}}.md"
    fields = {field["key"]: field for field in layout["fields"]}
    assert fields[rename_key("file_name")]["value"] == "{file.stem}.md"
    assert fields[rename_key("score")]["default"] == -1.0
    assert site["renderer"] == {"math": ["$", "$$"], "reads": {"hidden": rename_key(HIDDEN)}}


# --- the proof --------------------------------------------------------------------------------------------------------


class Site:
    """Pages in a folder `pages` of their own project."""

    def __init__(self, folder: Path, pages: Mapping[str, bytes], *options: str) -> None:
        self.folder = folder
        self.options = ("--no-cache", "--jobs", "1", *options)
        for name, raw in pages.items():
            path = folder / "pages" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)

    def validate(self, qtgen: Command, *options: str) -> tuple[int, str, str]:
        with contextlib.chdir(self.folder):
            return qtgen("validate", "pages", *self.options, *options)

    def read(self, name: str) -> bytes:
        return Path(self.folder, "pages", name).read_bytes()


@pytest.fixture
def renamed_profile(qtgen: Command, tmp_path: Path) -> Path:
    """The profile of the renamed site."""
    if "--site" not in qtgen("validate", "--help")[1]:
        pytest.skip("needs --site")
    shipped = resources.files("qtgen.page") / "default_site.toml"
    profile = tmp_path / "renamed.toml"
    profile.write_text(rename_site_toml(shipped.read_text(encoding="utf-8")), encoding="utf-8")
    return profile


def check_both_sites(qtgen: Command, pages: Mapping[str, bytes], profile: Path) -> None:
    """Compare the findings about pages, and their fixes, with those about the renamed pages."""
    old = Site(profile.parent / "old", pages)
    new = Site(profile.parent / "new", {path: rename_page(raw) for path, raw in pages.items()}, "--site", str(profile))
    old_code, old_out, _ = old.validate(qtgen, "--format", "json")
    new_code, new_out, error = new.validate(qtgen, "--format", "json")
    assert new_code == old_code, error
    expected, found = [*map(rename_diagnostic, json.loads(old_out))], json.loads(new_out)
    assert [pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]][:3] == []
    assert len(found) == len(expected) > 0

    for site in (old, new):
        site.validate(qtgen, "--fix", "--unsafe", "--quiet")
    fixed = {path: old.read(path) for path in pages}
    assert fixed != dict(pages)
    assert [path for path, raw in fixed.items() if new.read(path) != rename_page(raw)] == []


def test_the_renamed_examples_have_the_same_findings(qtgen: Command, renamed_profile: Path) -> None:
    check_both_sites(qtgen, pages_with_faults(), renamed_profile)


def test_renamed_real_pages_have_the_same_findings(
    qtgen: Command, renamed_profile: Path, real_pages: Mapping[str, bytes]
) -> None:
    pages = {path: raw for path, raw in real_pages.items() if Path(path).parent.name in SUBJECTS}
    assert len(pages) > 500
    check_both_sites(qtgen, pages, renamed_profile)


def test_urls_are_renamed_both_ways() -> None:
    assert rename_url("see /learn/a/questions/b, not /learn/a") == "see /study/a/inquiries/b, not /learn/a"
    assert rename_url("/study/a/inquiries/b") == "/learn/a/questions/b"
