"""`qtgen link` from the command line over small sites."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.embeddings import index
from qtgen.linking import apply, candidates
from qtgen.linking.assign import MAX_INBOUND
from qtgen.page import splice
from support.default_tables import FIELD_GROUPS, read
from support.sites import (
    WORDS,
    change_page,
    current,
    link_fields,
    linked_urls,
    make_page,
    random_site,
    site_of_two_topics,
    url_of,
    write_pages,
)

Run = Callable[..., tuple[int, str, str]]
BROKEN_PAGE = b"---\ntitle: [\n---\n\n&nbsp;"


@pytest.mark.parametrize("mode", ["--repair", "--relink"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_page_gets_five_good_links_and_an_inbound_link(qtgen: Run, mode: str, seed: int) -> None:
    before = random_site(40, seed)
    code, _, err = qtgen("link", "site", mode)
    assert code == 0, err
    after = current(before)
    inbound = Counter(url for raw in after.values() for url in linked_urls(raw))
    assert all(len(set(linked_urls(raw))) == 5 for raw in after.values())
    assert set(inbound) == {url_of(raw) for raw in after.values()}
    assert max(inbound.values()) <= MAX_INBOUND
    for path, raw in before.items():
        old, new = read(raw).values, read(after[path]).values
        assert {name for name in new if new[name] != old.get(name)} <= set(FIELD_GROUPS["related"])
        assert not set(raw.splitlines()) - set(after[path].splitlines()), "no other line changes"
    findings = json.loads(qtgen("validate", "site", "--format", "json")[1])
    link_rules = {"QT403", "QT404", "QT405", "QT406", "QT407", "QT408", "QT409"}
    assert not {finding["code"] for finding in findings} & link_rules
    assert qtgen("link", "site", mode)[2] == "0 of 40 pages changed\n"
    assert current(before) == after, "a second run changes nothing"


def test_good_links_keep_their_slots_and_broken_ones_are_repaired(qtgen: Run) -> None:
    pages = random_site(12)
    paths = list(pages)
    first = paths[0]
    links = {
        **link_fields(1, pages[paths[5]]),
        **link_fields(2, pages[paths[6]], id=999, title="Another?"),
        **link_fields(3, pages[paths[7]], url="/learn/biology/questions/gone"),
        **link_fields(4, pages[first]),
        **link_fields(5, pages[paths[5]]),
    }
    change_page(first, **links)
    assert qtgen("link", "site", "--check")[0] == 1
    code, _, err = qtgen("link", "site")
    assert code == 0, err
    assert "3 replaced, 1 corrected" in err
    values = read(first.read_bytes()).values
    assert [values[f"related_article{slot}.url"] for slot in (1, 2)] == [url_of(pages[paths[n]]) for n in (5, 6)]
    assert values["related_article2.id"] == read(pages[paths[6]]).values["id"]
    assert values["related_article2.title"] == read(pages[paths[6]]).values["title"]
    assert len(set(linked_urls(first.read_bytes()))) == 5
    assert values["url"] not in linked_urls(first.read_bytes())
    assert qtgen("link", "site", "--check")[0] == 0


def test_no_page_links_to_a_no_index_page_or_to_two_near_duplicates(qtgen: Run) -> None:
    pages = random_site(10)
    hidden_path, hidden = make_page("What hides in the nucleus of a cell?", number=92, no_index=True)
    pages |= write_pages(
        dict(
            [
                make_page("What is osmosis of a cell?", number=90),
                make_page("What is the osmosis of cells?", number=91),
                (hidden_path, hidden),
            ]
        )
    )
    assert qtgen("link", "site")[0] == 0
    after = current(pages)
    assert url_of(hidden) not in {url for raw in after.values() for url in linked_urls(raw)}
    assert len(linked_urls(after[hidden_path])) == 5, "the no-index page itself gets links"
    duplicates = {
        f"/learn/biology/questions/{name}" for name in ("what-is-osmosis-of-a-cell", "what-is-the-osmosis-of-cells")
    }
    for raw in after.values():
        linked = duplicates & set(linked_urls(raw))
        assert len(linked) < 2
        assert not (url_of(raw) in duplicates and linked)


@pytest.mark.parametrize("uses_index", [False, True])
def test_links_stay_within_their_topic(qtgen: Run, uses_index: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SUBJECT_BONUS", 0.0)
    monkeypatch.setattr(candidates, "ID_BONUS", 0.0)
    if uses_index:
        monkeypatch.setattr(index, "_ALL_WITH_ALL", 10)
        monkeypatch.setattr(index, "_CELL", 50)
    pages = site_of_two_topics(100)
    assert qtgen("link", "site")[0] == 0
    for raw in current(pages).values():
        subject = str(read(raw).values["subject"]).lower()
        assert [url for url in linked_urls(raw) if f"/{subject}/" not in url] == []


@pytest.mark.parametrize("written", ["related_article1:", "related_article1: {}", "related_article1: []"])
def test_an_empty_entry_gets_a_link(qtgen: Run, written: str) -> None:
    pages = random_site(8)
    victim = next(iter(pages))
    write_pages({victim: pages[victim].replace(b"\n---\n\n", f"\n{written}\n---\n\n".encode())})
    assert qtgen("link", "site")[0] == 0
    assert len(linked_urls(victim.read_bytes())) == 5


def test_an_unknown_key_of_a_link_stays(qtgen: Run) -> None:
    pages = random_site(8)
    victim, other = list(pages)[:2]
    raw = splice(read(pages[victim]), link_fields(1, pages[other])).encode()
    write_pages({victim: raw.replace(b"\n---\n\n", b"\n    why: by hand\n---\n\n")})
    assert qtgen("link", "site")[0] == 0
    values = read(victim.read_bytes()).values
    assert values["related_article1.why"] == "by hand"
    assert len(linked_urls(victim.read_bytes())) == 5


def test_a_page_without_a_subject_does_not_make_others_change_in_each_run(qtgen: Run) -> None:
    pages = random_site(10)
    assert qtgen("link", "site")[0] == 0
    change_page(next(iter(pages)), subject=None)
    assert qtgen("link", "site")[2].endswith("0 of 10 pages changed\n")


def test_five_hundred_copies_of_one_question(qtgen: Run) -> None:
    copies = dict(make_page(f"What is osmosis{'?' * (1 + n % 3)}", f"S{n}", n) for n in range(500))
    copies |= dict(make_page(f"What is {word}?", "Biology", 600 + n) for n, word in enumerate(WORDS[:6]))
    write_pages(copies)
    code, _, err = qtgen("link", "site")
    assert code == 0, err
    for raw in current(copies).values():
        copies_linked = sum("osmosis" in url for url in linked_urls(raw))
        assert copies_linked <= ("osmosis" not in url_of(raw))


# --- what is printed -----------------------------------------------------------------------------------------------------


def test_previews_change_nothing(qtgen: Run) -> None:
    before = random_site(8)
    code, out, err = qtgen("link", "site", "--diff")
    assert code == 1
    assert "+related_article1:" in out
    assert "orphans: 8 before, 0 after" in err
    code, out, err = qtgen("link", "site", "--dry-run")
    assert code == 0
    assert out.splitlines() == [f"{path}: 5 added" for path in sorted(map(str, before))]
    assert "8 of 8 pages would change; links: 40 added" in err
    listed = json.loads(qtgen("link", "site", "--dry-run", "--json")[1])
    assert [row["status"] for row in listed["changed"]] == ["planned"] * 8
    assert current(before) == before


def test_the_diff_can_be_applied_as_a_patch(qtgen: Run) -> None:
    before = random_site(8)
    diff = qtgen("link", "site", "--diff")[1]
    assert qtgen("link", "site")[0] == 0
    after = current(before)
    write_pages(before)
    subprocess.run(["git", "apply", "-p0"], input=diff, text=True, check=True)
    assert current(before) == after


def test_the_json_document_of_a_run(qtgen: Run) -> None:
    random_site(8)
    locked = sorted(Path("site").rglob("*.md"))[0]
    locked.chmod(0o444)
    code, out, _ = qtgen("link", "site", "--json")
    document = json.loads(out)
    assert code == 1
    assert list(document) == ["pages", "changed", "unreadable", "orphans", "gave_way", "neighbours"]
    failed, *written = document["changed"]
    assert (failed["path"], failed["status"]) == (locked.as_posix(), "failed")
    assert "is read-only" in failed["error"]
    keys = ("path", "status", "added", "replaced", "corrected", "removed", "error")
    assert [list(row) for row in written] == [list(keys)] * 7
    assert {(row["status"], row["added"], row["error"]) for row in written} == {("written", 5, None)}


def test_the_graph_is_reported_as_text_json_and_html(qtgen: Run) -> None:
    before = random_site(8)
    code, out, _ = qtgen("link", "site", "--check")
    assert code == 1
    assert "orphans          8 pages without an inbound link" in out
    code, out, _ = qtgen("link", "site", "--check", "--json", "--html", "graph.html")
    document = json.loads(out)
    assert (code, document["orphans"], document["without_links"], document["unreadable"]) == (1, 8, 8, [])
    report = Path("graph.html").read_text()
    assert "no page links to 8 pages" in report
    assert all(f'href="./{path.as_posix()}"' in report for path in before)
    assert current(before) == before


def test_a_symbolic_link_in_the_folder_is_not_another_page(qtgen: Run) -> None:
    pages = random_site(8)
    path = next(iter(pages))
    Path("site/a.md").symlink_to(path.resolve())
    assert json.loads(qtgen("link", "site", "--check", "--json")[1])["pages"] == 8
    assert qtgen("link", "site")[2].startswith("8 of 8 pages changed; links: 40 added\n")


def test_long_lists_end_with_a_count(qtgen: Run) -> None:
    write_pages({Path(f"site/biology/{number:02}.md"): BROKEN_PAGE for number in range(25)})
    write_pages(dict([make_page("What is osmosis?")]))
    err = qtgen("link", "site")[2].splitlines()
    assert sum(line.startswith("skipped: ") for line in err) == 20
    assert "… and 5 more pages" in err


# --- pages that cannot be read or written --------------------------------------------------------------------------------


def test_a_page_that_does_not_parse_is_skipped_and_listed(qtgen: Run) -> None:
    pages = random_site(8)
    broken = Path("site/biology/broken.md")
    write_pages({broken: BROKEN_PAGE})
    code, _, err = qtgen("link", "site")
    assert code == 1
    assert "skipped: site/biology/broken.md: " in err
    assert broken.read_bytes() == BROKEN_PAGE
    assert all(len(linked_urls(raw)) == 5 for raw in current(pages).values())


def test_the_graph_report_lists_pages_that_cannot_be_read(qtgen: Run) -> None:
    random_site(8)
    assert qtgen("link", "site")[0] == 0
    write_pages({Path("site/biology/broken.md"): BROKEN_PAGE})
    code, out, err = qtgen("link", "site", "--check", "--json")
    assert (code, [page["path"] for page in json.loads(out)["unreadable"]]) == (1, ["site/biology/broken.md"])
    assert "cannot be read: site/biology/broken.md: " in err


def test_links_to_a_page_that_does_not_parse_are_kept(qtgen: Run) -> None:
    pages = random_site(20)
    assert qtgen("link", "site")[0] == 0
    victim = next(iter(pages))
    whole = victim.read_bytes()
    victim.write_bytes(whole.replace(b"\ntitle: ", b"\ntitle: [", 1))
    before = current(pages)
    code, _, err = qtgen("link", "site")
    assert code == 1
    assert "to pages that do not parse" in err
    assert current(pages) == before
    victim.write_bytes(whole)
    assert qtgen("link", "site")[2] == "0 of 20 pages changed\n"


@pytest.mark.parametrize("mode", ["--dry-run", "--diff", "--repair"])
def test_previews_report_the_errors_that_writing_would(qtgen: Run, mode: str) -> None:
    pages = random_site(10)
    commented, locked = list(pages)[:2]
    change_page(commented, **link_fields(1, pages[list(pages)[2]], title="Another?"))
    commented.write_text(commented.read_text().replace("title: >-\n        Another?", "title: Another? # by hand"))
    locked.chmod(0o444)
    code, _, err = qtgen("link", "site", mode)
    assert code == 1
    assert err.count("not written: ") == 2
    assert f"not written: {locked.as_posix()}: is read-only" in err
    assert f"not written: {commented.as_posix()}: its links are laid out in a way that cannot be edited" in err
    assert f"8 of 10 pages {'changed' if mode == '--repair' else 'would change'}" in err


@pytest.mark.parametrize("accident", ["gone", "edited", "read-only"])
def test_a_page_that_changes_between_planning_and_writing(
    qtgen: Run, accident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = random_site(12)
    victim = next(iter(pages))
    write_edits = apply.write_edits
    accidents: dict[str, Callable[[], object]] = {
        "gone": victim.unlink,
        "edited": lambda: victim.write_bytes(pages[victim].replace(b"\nid: ", b"\nid: 7")),
        "read-only": lambda: victim.chmod(0o444),
    }

    def after_the_accident(edits: Any) -> Any:
        planned = list(edits)
        if planned:
            accidents[accident]()
        return write_edits(planned)

    monkeypatch.setattr("qtgen.linking.write_edits", after_the_accident)
    code, _, err = qtgen("link", "site")
    assert code == 1, err
    assert "not written: " in err
    if accident == "gone":
        others = [path.read_bytes() for path in pages if path != victim]
        assert not any(url_of(pages[victim]) in linked_urls(raw) for raw in others), "no page links to what is gone"
        assert "which is gone; nothing was written to it" in err
    else:
        assert linked_urls(victim.read_bytes()) == []


def test_two_runs_at_the_same_time(qtgen: Run) -> None:
    pages = random_site(30)
    command = [sys.executable, "-m", "qtgen", "link", "site"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=120)
        assert run.returncode in (0, 1)
    assert all(len(set(linked_urls(raw))) == 5 for raw in current(pages).values())
    assert qtgen("link", "site", "--check")[0] == 0


def test_an_interrupted_run_says_how_far_it_got(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    random_site(8)

    def interrupted(edits: Any) -> Any:
        for number, edit in enumerate(edits):
            if number == 3:
                raise KeyboardInterrupt
            yield edit.result()

    monkeypatch.setattr("qtgen.linking.write_edits", interrupted)
    code, _, err = qtgen("link", "site")
    assert code == 130
    assert err.startswith("qtgen: interrupted after 3 pages; ")
    assert err.endswith("; run the same command again to resume\n")


def test_a_damaged_cache_only_costs_time(qtgen: Run) -> None:
    pages = random_site(10)
    assert qtgen("link", "site")[0] == 0
    after = current(pages)
    file = Path(".qtgen/cache/vectors.sqlite")
    whole = file.read_bytes()
    for damage in (b"no database", b""):
        write_pages(pages)
        file.write_bytes(damage)
        assert qtgen("link", "site")[0] == 0
        assert current(pages) == after
    for row in ("X'00'", "NULL", "'abc'", "substr(vector, 9)", "zeroblob(length(vector))"):
        write_pages(pages)
        file.write_bytes(whole)
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            assert database.execute(f"UPDATE checked SET vector = {row}").rowcount == 10
        assert qtgen("link", "site")[0] == 0
        assert current(pages) == after


def test_without_a_cache_no_file_is_left(qtgen: Run) -> None:
    random_site(6)
    assert qtgen("link", "site", "--no-cache")[0] == 0
    assert not Path(".qtgen").exists()


# --- which pages ---------------------------------------------------------------------------------------------------------


def test_a_site_of_no_page_or_one_page(qtgen: Run) -> None:
    Path("site").mkdir()
    assert qtgen("link", "site")[0] == 2
    before = random_site(1)
    ((path, raw),) = before.items()
    code, _, err = qtgen("link", "site")
    assert (code, err) == (0, f"0 of 1 page changed\norphans: 1 before, 1 after\norphan: {path.as_posix()}\n")
    assert current(before) == before
    assert qtgen("link", "site", "--check")[0] == 0
    change_page(path, **link_fields(1, raw))
    assert qtgen("link", "site")[0] == 0
    assert current(before) == before, "a link to the page itself is removed"


def test_part_of_a_site_is_an_error(qtgen: Run) -> None:
    pages = random_site(40)
    assert qtgen("link", "site")[0] == 0
    before = current(pages)
    page = next(path for path in pages if path.parent.name == "biology")
    for part in ("site/biology", str(page)):
        code, _, err = qtgen("link", part, "--relink")
        assert code == 2
        assert err.startswith("qtgen: --corpus: pages link to site/")
        assert err.endswith("set `corpus` to the folder of the whole site\n")
    assert current(before) == before
    assert qtgen("link", str(page), "--corpus", "site")[2] == "0 of 1 page changed\n"
    away = Path("away/biology") / page.name
    write_pages({away: before[page]})
    code, _, err = qtgen("link", "away")
    assert code == 2
    assert "5 of 5 links lead to none of these pages and would be removed" in err
    assert qtgen("link", "away", "--corpus", "away")[2].startswith("1 of 1 page changed; links: 5 removed")


def test_only_pages_of_the_selected_folder_change(qtgen: Run) -> None:
    pages = random_site(20)
    assert qtgen("link", "site/biology", "--corpus", "site")[0] == 0
    assert {path.parent.name for path, raw in pages.items() if path.read_bytes() != raw} == {"biology"}


def test_the_corpus_of_the_settings_is_used(qtgen: Run) -> None:
    random_site(20)
    Path("qtgen.toml").write_text('corpus = "site"\n')
    assert qtgen("link", "site/biology")[0] == 0


def test_neighbours_are_suggested_and_changed_on_request(qtgen: Run) -> None:
    corpus = random_site(30)
    assert qtgen("link", "site")[0] == 0
    before = current(corpus)
    path, raw = make_page("What is the nucleus of a cell?", number=500)
    new = Path("new") / path.relative_to("site")
    write_pages({new: raw})
    _, out, err = qtgen("link", "new", "--corpus", "site", "--dry-run", "--json")
    (suggested,) = json.loads(out)["neighbours"]
    assert suggested["status"] == "advised"
    assert (
        f"{suggested['path']} should link to {new.as_posix()}\nuse --update-neighbours to change these pages\n" in err
    )
    code, _, err = qtgen("link", "new", "--corpus", "site", "--update-neighbours")
    assert code == 0
    assert "1 page of the corpus changed to link to PATHS\n" in err
    assert "orphans: 1 before, 0 after\n" in err
    assert [path.as_posix() for path in corpus if path.read_bytes() != before[path]] == [suggested["path"]]
    assert url_of(raw) in linked_urls(Path(suggested["path"]).read_bytes())


# --- wrong calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--check", "--diff"), "--check and --diff cannot be used together"),
        (("--diff", "--dry-run"), "--diff and --dry-run cannot be used together"),
        (("--html", "x.html"), "--html can only be used with --check"),
        (("--diff", "--json"), "--diff and --json cannot be used together"),
        (("--corpus", "nowhere"), "--corpus: nowhere: no such folder"),
        (("--update-neighbours",), "--update-neighbours changes pages of the corpus, so it needs --corpus"),
        (("--check", "--relink"), "--relink cannot be used with --check, which changes nothing"),
        (("--check", "--update-neighbours"), "--update-neighbours cannot be used with --check"),
        (("--embeddings", ""), "--embeddings needs the name of a model"),
        (("--check", "--html", "site/report.md"), "use a name that ends in .html"),
        (("--check", "--html", "site"), "is a directory"),
        (("--check", "--html", "reports/links.html"), "folder reports does not exist; create it first"),
    ],
)
def test_an_invalid_call_gives_one_line(qtgen: Run, options: tuple[str, ...], message: str) -> None:
    random_site(2)
    code, out, err = qtgen("link", "site", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("reports").exists()


def test_a_missing_extra_is_one_line(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    random_site(2)
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr("qtgen._util.extras.find_spec", lambda name: None if name == "faiss" else name)
    code, _, err = qtgen("link", "site")
    assert code == 2
    assert err.startswith("qtgen: `qtgen link` needs the `links` extra (faiss is not installed); run `pip install")
