"""Tests of `qtgen migrate`: the report, previews, refused pages, wrong calls, and runs that are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from qtgen.page.profile import default_profile
from support.lookalikes import LOOKALIKES

Run = Callable[..., tuple[int, str, str]]

WORKSHOP = LOOKALIKES["workshop"]
RENAMED = WORKSHOP.site_toml.replace('{key="topic"', '{key="area", was="topic"').replace(
    'subject="topic"', 'subject="area"'
)
NEW = RENAMED.replace("{topic|slug}", "{area|slug}").replace(
    '  {key="summary"', '  {key="channel", const="web"},\n  {key="summary"'
)


def migrated(text: str) -> str:
    """Return a page of the workshop as the new layout has it."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("summary:"))
    lines.insert(at, "channel: web")
    return "\n".join(["area:" + line.removeprefix("topic:") if line.startswith("topic:") else line for line in lines])


@pytest.fixture
def pages() -> Mapping[str, str]:
    """Path -> text of the pages of a site in the current folder whose layout has just changed."""
    texts = {page.path: page.text for page in WORKSHOP.generate(3, 24)}
    for path, text in texts.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    Path("old.toml").write_text(WORKSHOP.site_toml, encoding="utf-8")
    Path("site.toml").write_text(NEW, encoding="utf-8")
    return texts


def on_disk(pages: Mapping[str, str]) -> dict[str, str]:
    return {path: Path(path).read_text(encoding="utf-8") for path in pages}


def test_pages_are_migrated_once(qtgen: Run, pages: Mapping[str, str]) -> None:
    assert qtgen("migrate", "articles", "--from", "old.toml") == (0, "", "24 of 24 pages changed\n")
    assert on_disk(pages) == {path: migrated(text) for path, text in pages.items()}
    stamps = {path: Path(path).stat().st_mtime_ns for path in pages}
    assert qtgen("migrate", "articles", "--from", "old.toml") == (0, "", "0 of 24 pages changed\n")
    assert {path: Path(path).stat().st_mtime_ns for path in pages} == stamps
    code, out, _ = qtgen("validate", "articles", "--select", "QT2,QT3", "--no-cache")
    assert "topic" not in out
    assert code in (0, 1)


def test_several_processes_do_the_same(qtgen: Run, pages: Mapping[str, str]) -> None:
    assert qtgen("migrate", "articles", "--from", "old.toml", "--jobs", "2")[0] == 0
    assert on_disk(pages) == {path: migrated(text) for path, text in pages.items()}


def test_previews_change_nothing(qtgen: Run, pages: Mapping[str, str]) -> None:
    code, out, err = qtgen("migrate", "articles", "--from", "old.toml", "--dry-run")
    assert (code, err) == (0, "24 of 24 pages would change\n")
    assert out.splitlines() == ["rename `topic` to `area`: 24 pages", "add `channel`: 24 pages"]
    some = sorted(pages)[0]
    code, out, err = qtgen("migrate", some, "--from", "old.toml", "--diff")
    assert (code, err) == (0, "1 of 1 page would change\n")
    changed = [line for line in out.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    topic = next(line for line in pages[some].split("\n") if line.startswith("topic:"))
    assert sorted(changed) == sorted([f"-{topic}", f"+area:{topic.removeprefix('topic:')}", "+channel: web"])
    assert on_disk(pages) == pages


def test_refused_pages_are_listed_and_the_others_migrated(qtgen: Run, pages: Mapping[str, str]) -> None:
    both, crlf, twice, locked = sorted(pages)[:4]
    Path(both).write_text(pages[both].replace("topic:", "area: x\ntopic:"), encoding="utf-8")
    Path(crlf).write_bytes(pages[crlf].replace("\n", "\r\n").encode())
    Path(twice).write_text(pages[twice].replace("topic:", "title: x\ntopic:"), encoding="utf-8")
    Path(locked).chmod(0o444)
    code, out, err = qtgen("migrate", "articles", "--from", "old.toml")
    assert (code, err) == (1, "20 of 24 pages changed; 4 cannot be migrated\n")
    lines = out.splitlines()
    assert lines[0].startswith(f"{both}:")
    assert lines[0].endswith("`topic`: the page already has the new key `area`")
    assert lines[1] == f"{crlf}:1: carriage return U+000D"
    assert lines[2].endswith("`title`: the key `title` is here a second time")
    assert lines[3] == f"{locked}: is read-only; nothing was written to it"
    assert len(lines) == 4
    document = json.loads(qtgen("migrate", "articles", "--from", "old.toml", "--json")[1])
    assert [(row["path"], row["field"]) for row in document["refused"]] == [
        (both, "topic"), (crlf, None), (twice, "title"), (locked, None),
    ]  # fmt: skip
    assert (document["pages"], document["changed"], document["written"]) == (24, [], True)


def test_json_lists_the_changes(qtgen: Run, pages: Mapping[str, str]) -> None:
    code, out, _ = qtgen("migrate", "articles", "--from", "old.toml", "--json", "--dry-run")
    assert code == 0
    assert json.loads(out) == {
        "pages": 24,
        "written": False,
        "changed": sorted(pages),
        "changes": [
            {"kind": "renamed", "field": "topic", "to": "area", "pages": 24},
            {"kind": "added", "field": "channel", "to": None, "pages": 24},
        ],
        "refused": [],
        "nonconforming": [],
    }


def test_other_faults_of_a_page_are_kept_and_counted(qtgen: Run, pages: Mapping[str, str]) -> None:
    some = sorted(pages)[0]
    faulty = pages[some].replace("published:", "publisched:")
    Path(some).write_text(faulty, encoding="utf-8")
    code, _, err = qtgen("migrate", "articles", "--from", "old.toml")
    assert (code, err.splitlines()) == (
        0,
        [
            "24 of 24 pages changed",
            "1 page still has keys, an order or types that the layout does not allow; `qtgen validate` lists them",
        ],
    )
    assert Path(some).read_text(encoding="utf-8") == migrated(faulty)


# --- calls that cannot be right --------------------------------------------------------------------------------------


def test_equal_files_leave_nothing_to_migrate(qtgen: Run, pages: Mapping[str, str]) -> None:
    assert qtgen("migrate", "articles", "--from", "site.toml") == (
        0, "", "nothing to migrate: the change of site.toml affects no page\n",
    )  # fmt: skip
    assert json.loads(qtgen("migrate", "articles", "--from", "site.toml", "--json")[1])["changes"] == []
    assert on_disk(pages) == pages


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["articles"], "missing option '--from'"),
        (["articles", "--from", "gone.toml"], "--from gone.toml: no such file; give the site.toml that the pages"),
        (["articles", "--from", "old.toml", "--diff", "--dry-run"], "--diff and --dry-run cannot be used together"),
        (["articles", "--from", "old.toml", "--diff", "--json"], "--diff and --json cannot be used together"),
        (["nothing", "--from", "old.toml"], "nothing: no such file or folder"),
        (["empty", "--from", "old.toml"], "empty: no pages (*.md) in this folder"),
        (["articles", "--from", "old.toml", "--site", "gone.toml"], "--site: gone.toml: no such file"),
    ],
)
def test_an_invalid_call_gives_one_line(qtgen: Run, arguments: list[str], words: str) -> None:
    Path("empty").mkdir()
    code, out, err = qtgen("migrate", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_without_a_site_toml_there_is_nothing_to_migrate_to(qtgen: Run, pages: Mapping[str, str]) -> None:
    Path("site.toml").unlink()
    code, out, err = qtgen("migrate", "articles", "--from", "old.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no site.toml is in force, so there is no layout to migrate to; change to the folder of the site" in err
    assert on_disk(pages) == pages


HOSTILE = {
    "not TOML": (b"format = 1\nname = [", "hostile.toml: is not valid TOML: invalid value"),
    "not UTF-8": (b"format = 1\nname = '\xff'", "is not UTF-8"),
    "empty": (b"", "is missing"),
    "another format": (b"format = 9\n", ":1: `format`: is not 1"),
    "an unknown key": (
        WORKSHOP.site_toml.replace('{key="title"', '{kee="title"').encode(),
        ":11: `layout[0].fields[0].kee`: is not a key of this table; did you mean `key`?",
    ),
    "a cycle": (
        WORKSHOP.site_toml.replace('{key="title", source="question"', '{key="title", value="{permalink}"').encode(),
        "depends on itself",
    ),
    "an invalid pattern": (WORKSHOP.site_toml.replace("[a-z][a-z-]+", "[a-z").encode(), "RE2 cannot compile"),
    "a path outside": (WORKSHOP.site_toml.replace('path = "articles', 'path = "../articles').encode(), "is outside"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_invalid_former_file_gives_one_line(qtgen: Run, pages: Mapping[str, str], name: str) -> None:
    raw, words = HOSTILE[name]
    Path("hostile.toml").write_bytes(raw)
    code, out, err = qtgen("migrate", "articles", "--from", "hostile.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "hostile.toml" in err
    assert words in err
    assert on_disk(pages) == pages


def test_a_new_required_field_without_a_value_changes_no_page(qtgen: Run, pages: Mapping[str, str]) -> None:
    Path("site.toml").write_text(NEW.replace(', const="web"', ""), encoding="utf-8")
    code, out, err = qtgen("migrate", "articles", "--from", "old.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert (
        "site.toml:13: `layout[0].fields[2].key`: is new and required, but `channel` has no value for existing pages"
        in err
    )
    assert on_disk(pages) == pages


# --- runs that end early ---------------------------------------------------------------------------------------------

_SIGNAL = """
import os, signal, sys
from qtgen import cli
from qtgen.site.migration import run
run._CHUNK = 5
replace, calls = run.replace_files, []
def replace_then_signal(pages):
    errors = replace(pages)
    calls.append(0)
    if len(calls) == 2:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return errors
run.replace_files = replace_then_signal
sys.exit(cli.run(["migrate", "articles", "--from", "old.toml", "--jobs", "1"]))
"""


def interrupted(name: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own that gets a signal after two of its five groups of pages."""
    command = [sys.executable, "-c", _SIGNAL, name]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ})


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -signal.SIGKILL), ("SIGINT", 130)])
def test_a_run_that_ends_early_is_resumed(qtgen: Run, pages: Mapping[str, str], name: str, code: int) -> None:
    done = interrupted(name)
    assert done.returncode == code, done.stderr
    if name == "SIGINT":
        assert done.stderr == (
            "qtgen: interrupted after 5 pages; up to a few hundred more pages may be complete; "
            "run the same command again to resume\n"
        )
    expected = {path: migrated(text) for path, text in pages.items()}
    states = on_disk(pages)
    assert all(states[path] in (pages[path], expected[path]) for path in pages), "a page is whole"
    assert sum(states[path] == expected[path] for path in pages) == 10
    assert qtgen("migrate", "articles", "--from", "old.toml") == (0, "", "14 of 24 pages changed\n")
    assert on_disk(pages) == expected


# --- the site that qtgen was written for -----------------------------------------------------------------------------


def test_real_pages_follow_a_renamed_key_and_a_new_constant(qtgen: Run, real_pages: Mapping[str, bytes]) -> None:
    some = dict(list(real_pages.items())[::50])
    for path, raw in some.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(raw)
    old = default_profile().raw.decode()
    new = old.replace('{key="post_on_text",', '{key="date_label", was="post_on_text",')
    new = new.replace('  {key="author",', '  {key="channel", const="web"},\n  {key="author",')
    Path("old.toml").write_text(old, encoding="utf-8")
    Path("site.toml").write_text(new, encoding="utf-8")
    folder = sorted(some)[0].partition("/")[0]
    code, out, err = qtgen("migrate", folder, "--from", "old.toml")
    assert (code, out) == (0, "")
    assert err.startswith(f"{len(some)} of {len(some)} pages changed\n")
    for path, raw in some.items():
        expected = raw.replace(b"\npost_on_text:", b"\ndate_label:", 1).replace(
            b"\nauthor:", b"\nchannel: web\nauthor:", 1
        )
        assert Path(path).read_bytes() == expected
    assert qtgen("migrate", folder, "--from", "old.toml")[2].startswith(f"0 of {len(some)} pages changed\n")
