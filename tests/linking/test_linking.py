"""`qtgen link` from the command line over small sites, the graph of links, and the links of generated pages."""

import contextlib
import json
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qtgen.commands import _linking as relinker
from qtgen.commands import _new_links as new_links
from qtgen.embeddings import index as neighbours
from qtgen.embeddings.cache import VectorCache
from qtgen.embeddings.pages import CenteredVectors, PageText
from qtgen.errors import SettingsError
from qtgen.linking import apply as link_edits
from qtgen.linking import candidates
from qtgen.linking.assign import MOST_INBOUND, choose, searchable
from qtgen.linking.candidates import Pages
from qtgen.linking.graph import Links, PageNode, graph_of
from qtgen.linking.reports import html
from qtgen.page import read, read_text, splice
from qtgen.page.fields import FIELD_GROUPS
from qtgen.settings import Settings
from qtgen.site.similarity import WordSets
from qtgen.validation.rules.example import EXAMPLE_PAGE

Run = Callable[..., tuple[int, str, str]]
WORDS = [
    "gravity",
    "orbit",
    "planet",
    "mass",
    "force",
    "cell",
    "membrane",
    "protein",
    "enzyme",
    "nucleus",
    "market",
    "price",
    "demand",
    "supply",
    "inflation",
    "court",
    "contract",
    "treaty",
    "justice",
    "crime",
    "river",
    "delta",
    "erosion",
    "sediment",
    "flood",
    "poem",
    "novel",
    "metaphor",
    "rhyme",
    "author",
]
SUBJECTS = ("Physics", "Biology", "Economics", "Politics")


def page(title: str, subject: str = "Biology", number: int = 1, **changes: Any) -> tuple[Path, bytes]:
    name = "".join(char for char in title.lower() if char.isalnum() or char == " ").replace(" ", "-")
    own = {
        "id": number,
        "title": title,
        "article_title": title,
        "question": title,
        "seo.title": f"QuickTakes | {subject}",
        "subject": subject,
        "file_name": f"{name}.md",
        "url": f"/learn/{subject.lower()}/questions/{name}",
        "related_article1": None,
    }
    text = splice(read_text(EXAMPLE_PAGE), {**own, **changes})
    return Path(f"site/{subject.lower()}/{name}.md"), text.encode()


def site(count: int, seed: int = 1) -> dict[Path, bytes]:
    """Pages of random words, on disk."""
    chance = random.Random(seed)
    pages: dict[Path, bytes] = {}
    for number in range(1, count + 1):
        subject = chance.choice(SUBJECTS)
        title = f"What has {' '.join(chance.sample(WORDS, 3))} to do with {number}?"
        answer = " ".join(chance.choices(WORDS, k=60)).capitalize() + "."
        path, raw = page(title, subject, number, answer=answer)
        pages[path] = raw
    return put(pages)


def put(pages: Mapping[Path, bytes]) -> dict[Path, bytes]:
    for path, raw in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return dict(pages)


def now(pages: Mapping[Path, bytes]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in pages}


def links(raw: bytes) -> list[str]:
    values = read(raw).values
    return [str(values[key]) for n in range(1, 6) if (key := f"related_article{n}.url") in values]


def link_to(place: int, raw: bytes, **changes: Any) -> dict[str, Any]:
    target = read(raw).values
    return {f"related_article{place}.{key}": changes.get(key, target[key]) for key in ("id", "title", "subject", "url")}


def findings(qtgen: Run) -> Counter[str]:
    return Counter(one["code"] for one in json.loads(qtgen("validate", "site", "--format", "json")[1]))


@pytest.mark.parametrize("mode", ["--repair", "--relink"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_page_has_five_good_links_and_one_from_another(qtgen: Run, mode: str, seed: int) -> None:
    before = site(40, seed)
    code, _, err = qtgen("link", "site", mode)
    assert code == 0, err
    after = now(before)
    inbound = Counter(url for raw in after.values() for url in links(raw))
    assert all(len(set(links(raw))) == 5 for raw in after.values())
    assert set(inbound) == {read(raw).values["url"] for raw in after.values()}
    assert max(inbound.values()) <= MOST_INBOUND
    for path, raw in before.items():
        old, new = read(raw).values, read(after[path]).values
        assert {name for name in new if new[name] != old.get(name)} <= set(FIELD_GROUPS["related"])
        assert not set(raw.splitlines()) - set(after[path].splitlines()), "no other line changes"
    assert not findings(qtgen).keys() & {"QT403", "QT404", "QT405", "QT406", "QT407", "QT408", "QT409"}
    assert qtgen("link", "site", mode)[2].startswith("0 pages of 40 changed")
    assert now(before) == after, "a second run changes nothing"


def test_good_links_stay_in_their_places_and_broken_ones_are_mended_there(qtgen: Run) -> None:
    pages = site(12)
    paths = list(pages)
    first = paths[0]
    broken = {
        **link_to(1, pages[paths[5]]),
        **link_to(2, pages[paths[6]], id=999, title="Another?"),
        **link_to(3, pages[paths[7]], url="/learn/biology/questions/gone"),
        **link_to(4, pages[first]),
        **link_to(5, pages[paths[5]]),
    }
    raw = splice(read(pages[first]), broken).encode()
    put({first: raw})
    assert qtgen("link", "site", "--check")[0] == 1
    code, _, err = qtgen("link", "site")
    assert code == 0, err
    values = read(first.read_bytes()).values
    assert [values[f"related_article{n}.url"] for n in (1, 2)] == [read(pages[paths[n]]).values["url"] for n in (5, 6)]
    assert values["related_article2.id"] == read(pages[paths[6]]).values["id"]
    assert values["related_article2.title"] == read(pages[paths[6]]).values["title"]
    assert len(set(links(first.read_bytes()))) == 5
    assert values["url"] not in links(first.read_bytes())
    assert qtgen("link", "site", "--check")[0] == 0


def test_hidden_pages_and_near_duplicates_are_not_named(qtgen: Run) -> None:
    pages = site(10)
    pages |= put(
        dict([page("What is osmosis of a cell?", number=90), page("What is the osmosis of cells?", number=91)])
    )
    hidden_path, hidden = page("What hides in the nucleus of a cell?", number=92, no_index=True)
    pages |= put({hidden_path: hidden})
    assert qtgen("link", "site")[0] == 0
    after = now(pages)
    named = {url for raw in after.values() for url in links(raw)}
    assert read(hidden).values["url"] not in named
    assert len(links(after[hidden_path])) == 5, "its own readers are served"
    urls = {
        "/learn/biology/questions/what-is-osmosis-of-a-cell",
        "/learn/biology/questions/what-is-the-osmosis-of-cells",
    }
    for raw in after.values():
        assert not (read(raw).values["url"] in urls and urls & set(links(raw)))
        assert len(urls & set(links(raw))) < 2


def test_looking_changes_nothing(qtgen: Run) -> None:
    before = site(8)
    code, out, _ = qtgen("link", "site", "--diff")
    assert code == 1
    assert "+related_article1:" in out
    listed = json.loads(qtgen("link", "site", "--dry-run", "--json")[1])
    assert [one["status"] for one in listed["changed"]] == ["planned"] * 8
    code, out, _ = qtgen("link", "site", "--check", "--json", "--html", "graph.html")
    assert (code, json.loads(out)["orphans"], json.loads(out)["without_links"]) == (1, 8, 8)
    assert "Links from subject (row) to subject (column)" in Path("graph.html").read_text()
    assert now(before) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--check", "--diff"), "--check and --diff do not go together"),
        (("--html", "x.html"), "--html goes with --check"),
        (("--diff", "--json"), "--diff and --json both want stdout"),
        (("--corpus", "nowhere"), "--corpus nowhere: no such folder"),
        (("--update-neighbours",), "--update-neighbours changes pages of the site that --corpus names"),
        (("--check", "--relink"), "--check changes nothing and --relink says what to change"),
        (("--embeddings", ""), "--embeddings: the name of a model is missing"),
        (("--check", "--html", "site/report.md"), "ends in .md, as pages do"),
        (("--check", "--html", "site"), "is a directory"),
    ],
)
def test_a_wrong_call_is_one_line(qtgen: Run, options: tuple[str, ...], said: str) -> None:
    site(2)
    code, out, err = qtgen("link", "site", *options)
    assert (code, out) == (2, "")
    assert said in err


def test_without_the_extra(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    site(2)
    monkeypatch.setattr(relinker, "_NEEDED", ("no_such_package",))
    code, _, err = qtgen("link", "site")
    assert (code, err) == (
        2,
        "qtgen: `qtgen link` needs the `links` extra (no_such_package is missing): pip install 'qtgen[links]'\n",
    )


def test_a_part_of_a_site_is_not_taken_for_the_whole(qtgen: Run) -> None:
    pages = site(40)
    assert qtgen("link", "site")[0] == 0
    before = now(pages)
    one = next(path for path in pages if path.parent.name == "biology")
    for part in ("site/biology", str(one)):
        code, _, err = qtgen("link", part, "--relink")
        assert (code, "which is not among those that were read: PATHS are a part of a site" in err) == (2, True), err
    assert now(before) == before
    assert qtgen("link", str(one), "--corpus", "site")[2] == "0 pages of 1 changed\n"
    away = Path("away/biology") / one.name
    put({away: before[one]})
    code, _, err = qtgen("link", "away")
    assert code == 2
    assert "5 of 5 links lead to no page of PATHS, and would be lost" in err
    assert qtgen("link", "away", "--corpus", "away")[2].startswith("1 page of 1 changed: links 5 removed")


def test_a_page_that_lacks_its_subject_does_not_make_others_change_each_time(qtgen: Run) -> None:
    pages = site(10)
    assert qtgen("link", "site")[0] == 0
    victim = next(iter(pages))
    victim.write_bytes(splice(read(victim.read_bytes()), {"subject": None}).encode())
    assert qtgen("link", "site")[2].endswith("0 pages of 10 changed\n")


@pytest.mark.parametrize("written", ["related_article1:", "related_article1: {}", "related_article1: []"])
def test_an_empty_entry_is_filled(qtgen: Run, written: str) -> None:
    pages = site(8)
    victim = next(iter(pages))
    put({victim: pages[victim].replace(b"\n---\n\n", f"\n{written}\n---\n\n".encode())})
    assert qtgen("link", "site")[0] == 0
    assert len(links(victim.read_bytes())) == 5


def test_a_key_that_is_not_known_stays_and_holds_up_nothing(qtgen: Run) -> None:
    pages = site(8)
    victim, other = list(pages)[:2]
    raw = splice(read(pages[victim]), link_to(1, pages[other])).encode()
    put({victim: raw.replace(b"\n---\n\n", b"\n    why: by hand\n---\n\n")})
    assert qtgen("link", "site")[0] == 0
    values = read(victim.read_bytes()).values
    assert values["related_article1.why"] == "by hand"
    assert len(links(victim.read_bytes())) == 5


@pytest.mark.parametrize("mode", ["--dry-run", "--diff", "--repair"])
def test_looking_says_what_writing_would(qtgen: Run, mode: str) -> None:
    pages = site(10)
    commented, locked = list(pages)[:2]
    other = link_to(1, pages[list(pages)[2]], title="Another?")
    raw = splice(read(pages[commented]), other).replace("Another?", "Another? # by hand")
    put({commented: raw.replace("title: >-\n        Another?", "title: Another?").encode()})
    locked.chmod(0o444)
    code, _, err = qtgen("link", "site", mode)
    assert code == 1
    assert err.count("not written: ") == 2
    assert f"not written: {locked.as_posix()}: is read-only" in err
    assert f"not written: {commented.as_posix()}: its links are written in a way that is not edited" in err
    assert f"8 pages of 10 {'changed' if mode == '--repair' else 'would change'}" in err


def test_links_to_a_page_that_does_not_parse_for_now_stay(qtgen: Run) -> None:
    pages = site(20)
    assert qtgen("link", "site")[0] == 0
    victim = next(iter(pages))
    whole = victim.read_bytes()
    victim.write_bytes(whole.replace(b"\ntitle: ", b"\ntitle: [", 1))
    before = now(pages)
    code, _, err = qtgen("link", "site")
    assert (code, "to pages that do not parse stay" in err) == (1, True), err
    assert now(pages) == before
    victim.write_bytes(whole)
    assert qtgen("link", "site")[2] == "0 pages of 20 changed\n"


def test_a_report_says_which_pages_cannot_be_read(qtgen: Run) -> None:
    site(8)
    assert qtgen("link", "site")[0] == 0
    put({Path("site/biology/broken.md"): b"---\ntitle: [\n---\n\n&nbsp;"})
    code, out, err = qtgen("link", "site", "--check", "--json")
    assert (code, [one["path"] for one in json.loads(out)["unreadable"]]) == (1, ["site/biology/broken.md"])
    assert "site/biology/broken.md: " in err


def test_an_interrupted_run_says_how_far_it_came(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    site(8)

    def stopped(edits: Any) -> Any:
        for number, edit in enumerate(edits):
            if number == 3:
                raise KeyboardInterrupt
            yield edit.outcome()

    monkeypatch.setattr(link_edits, "written", stopped)
    code, _, err = qtgen("link", "site")
    assert code == 130
    assert "interrupted after 3 pages and perhaps some hundred more, each of them whole; the same call goes on" in err


# --- bad input -------------------------------------------------------------------------------------------------------


def test_one_page_and_none(qtgen: Run) -> None:
    Path("site").mkdir()
    assert qtgen("link", "site")[0] == 2
    before = site(1)
    code, _, err = qtgen("link", "site")
    assert code == 0
    assert "no page could name site/" in err
    assert now(before) == before
    assert qtgen("link", "site", "--check")[0] == 0
    ((path, raw),) = before.items()
    put({path: splice(read(raw), link_to(1, raw)).encode()})
    assert qtgen("link", "site")[0] == 0
    assert now(before) == before, "a link to the page itself goes"


def test_five_hundred_copies_of_one_question(qtgen: Run) -> None:
    copies = dict(page(f"What is osmosis{'?' * (1 + n % 3)}", f"S{n}", n) for n in range(500))
    copies |= dict(page(f"What is {word}?", "Biology", 600 + n) for n, word in enumerate(WORDS[:6]))
    put(copies)
    code, _, err = qtgen("link", "site")
    assert code == 0, err
    for raw in now(copies).values():
        if "osmosis" in str(read(raw).values["title"]):
            assert not any("osmosis" in url for url in links(raw))
        assert sum("osmosis" in url for url in links(raw)) <= 1


def test_a_page_that_does_not_parse_is_left_alone_and_listed(qtgen: Run) -> None:
    pages = site(8)
    broken = Path("site/biology/broken.md")
    put({broken: b"---\ntitle: [\n---\n\n&nbsp;"})
    code, _, err = qtgen("link", "site")
    assert code == 1
    assert "left alone: site/biology/broken.md" in err
    assert broken.read_bytes() == b"---\ntitle: [\n---\n\n&nbsp;"
    assert all(len(links(raw)) == 5 for raw in now(pages).values())


@pytest.mark.parametrize("accident", ["gone", "edited", "read-only"])
def test_what_happens_between_planning_and_writing(qtgen: Run, accident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = site(12)
    victim = next(iter(pages))
    true_write = link_edits.written

    def late(*arguments: Any) -> Any:
        rewrites = list(arguments[0])
        if accident == "gone":
            victim.unlink()
        elif accident == "edited":
            victim.write_bytes(pages[victim].replace(b"\nid: ", b"\nid: 7"))
        else:
            victim.chmod(0o444)
        return true_write(iter(rewrites))

    monkeypatch.setattr(link_edits, "written", late)
    code, _, err = qtgen("link", "site")
    assert code == 1, err
    assert "not written: " in err
    if accident == "gone":
        url = read(pages[victim]).values["url"]
        others = [path.read_bytes() for path in pages if path != victim]
        assert not any(url in links(raw) for raw in others), "no page names what is gone"
        assert "which it was to name, is gone" in err
    else:
        assert links(victim.read_bytes()) == []


def test_folders_that_are_a_whole_part_of_the_corpus(qtgen: Run) -> None:
    pages = site(20)
    assert qtgen("validate", "site", "--corpus", "site")[0] == 0
    assert qtgen("validate", "site/biology", "--corpus", "site")[0] == 0
    assert qtgen("link", "site/biology", "--corpus", "site")[0] == 0
    changed = {path.parent.name for path, raw in pages.items() if path.read_bytes() != raw}
    assert changed == {"biology"}


def test_two_runs_at_once(qtgen: Run) -> None:
    pages = site(30)
    command = [sys.executable, "-m", "qtgen", "link", "site"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=120)
        assert run.returncode in (0, 1)
    assert all(len(set(links(raw))) == 5 for raw in now(pages).values())
    assert qtgen("link", "site", "--check")[0] == 0


def test_a_damaged_cache_costs_time_only(qtgen: Run) -> None:
    pages = site(10)
    assert qtgen("link", "site")[0] == 0
    after = now(pages)
    file = Path(".qtgen/cache/vectors.sqlite")
    whole = file.read_bytes()
    for damage in (b"no database", b""):
        put(pages)
        file.write_bytes(damage)
        assert qtgen("link", "site")[0] == 0
        assert now(pages) == after
    for row in ("X'00'", "NULL", "'abc'", "substr(vector, 9)", "zeroblob(length(vector))"):
        put(pages)
        file.write_bytes(whole)
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            assert database.execute(f"UPDATE checked SET vector = {row}").rowcount == 10
        assert qtgen("link", "site")[0] == 0
        assert now(pages) == after


def test_an_endpoint_whose_vectors_change_their_length_is_said(tmp_path: Path) -> None:
    class Meaning:
        name = "m at e"
        width = 4

        def __call__(self, texts: Sequence[PageText]) -> "np.ndarray[Any, np.dtype[np.float32]]":
            return np.ones((len(texts), self.width), np.float32)

    old, new = ([PageText(f"{name} {n}", "", "") for n in range(3)] for name in ("old", "new"))
    cache = VectorCache(Meaning(), tmp_path)
    assert cache(old).shape == (3, 4)
    cache.close()
    wider = Meaning()
    wider.width = 8
    cache = VectorCache(wider, tmp_path)
    assert cache(old).shape == (3, 4)
    with pytest.raises(SettingsError, match="m at e gives vectors of another length"):
        cache(new)
    cache.close()


# --- what is chosen --------------------------------------------------------------------------------------------------


def texts_of_two_matters(count: int) -> dict[Path, bytes]:
    """Pages of two subjects that share no word but the small ones."""
    chance = random.Random(5)
    pages = {}
    for number in range(count):
        subject, words = (("Physics", WORDS[:15]), ("Politics", WORDS[15:]))[number % 2]
        title = f"What has {' '.join(chance.sample(words, 3))} to do with {number}?"
        answer = " ".join(chance.choices(words, k=60)).capitalize() + "."
        keywords = ", ".join(chance.sample(words, 3))
        path, raw = page(title, subject, number + 1, answer=answer, **{"seo.page_keywords": keywords})
        pages[path] = raw
    return put(pages)


@pytest.mark.parametrize("by_index", [False, True])
def test_links_stay_with_their_matter(qtgen: Run, by_index: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SAME_SUBJECT", 0.0)
    monkeypatch.setattr(candidates, "SAME_SITTING", 0.0)
    if by_index:
        monkeypatch.setattr(neighbours, "_ALL_WITH_ALL", 10)
        monkeypatch.setattr(neighbours, "_CELL", 50)
    pages = texts_of_two_matters(100)
    assert qtgen("link", "site")[0] == 0
    for raw in now(pages).values():
        subject = str(read(raw).values["subject"]).lower()
        assert [url for url in links(raw) if f"/{subject}/" not in url] == []


def small(vectors: list[list[float]], **columns: Any) -> Pages:
    """Pages with these vectors, each of a question of its own."""
    rows = np.array(vectors, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    count = len(rows)
    nothing = np.zeros(count, np.float32)
    plain: dict[str, Any] = {
        "meanings": CenteredVectors(rows, nothing + 1, nothing),
        "subjects": np.zeros(count, np.int32),
        "ids": np.arange(count) * 1_000,
        "questions": WordSets(frozenset({f"word{number}"}) for number in range(count)),
        "linkable": np.ones(count, bool),
        "wanted": np.zeros(count, bool),
        "changeable": np.ones(count, bool),
        "kept": np.full((count, 5), -1, np.int32),
    }
    return Pages(**plain | columns)


def order_for(pages: Pages) -> list[int]:
    """The candidates of the first page."""
    (found,) = candidates.candidates(pages, np.array([0], np.int32), searchable(pages))
    return [number for number in found[0].tolist() if number >= 0]


AROUND = [[1.0, 0, 0], [0.7, 0.7, 0], [0.6, 0, 0.8], [0.5, 0.5, 0.7]]


def test_the_nearest_come_first_but_not_near_duplicates_of_the_page_or_of_each_other() -> None:
    assert order_for(small(AROUND)) == [1, 2, 3]
    assert order_for(small([*AROUND, [0.9, 0.43, 0]])) == [1, 2, 3], "page 4 says what page 0 says"
    assert order_for(small([*AROUND, [0.7, 0.69, 0.05]])) in ([4, 2, 3], [1, 2, 3]), "1 and 4 say the same"
    alike = small(AROUND, questions=WordSets([frozenset({"a", "b"}), frozenset({"a", "b"}), *[frozenset("c")] * 2]))
    assert order_for(alike)[0] == 2, "page 1 asks what page 0 asks"


def test_what_is_far_is_no_candidate() -> None:
    assert order_for(small([*AROUND, [0.2, 0.9, 0], [0.2, 0, -0.9]])) == [1, 2, 3]


@pytest.mark.parametrize(("nearness", "gains"), [(0.8, True), (0.5, False)])
def test_a_fair_choice_takes_the_place_of_what_is_farther_only(nearness: float, gains: bool) -> None:
    """Page 0 names 1 to 5, of which 1 is the farthest (0.6) and is named by 2 too; nobody names 6."""
    vectors = [[1.0, *[0] * 6], [0.6, 0.8, *[0] * 5]]
    vectors += [[0.7, *[0] * n, 0.7, *[0] * (5 - n)] for n in range(1, 5)]
    vectors += [[nearness, *[0] * 5, (1 - nearness**2) ** 0.5]]
    kept = np.full((7, 5), -1, np.int32)
    kept[0], kept[2, 0] = [1, 2, 3, 4, 5], 1
    only_six = np.arange(7) == 6
    pages = small(vectors, kept=kept, wanted=only_six, changeable=np.arange(7) == 0)
    chosen = choose(pages, searchable(pages), fill=False, fair=True)
    assert chosen.links[0].tolist() == ([6, 2, 3, 4, 5] if gains else [1, 2, 3, 4, 5])
    assert chosen.orphans == (() if gains else (6,))


def test_what_whole_pages_say_counts_where_most_of_them_are_near_duplicates() -> None:
    pages = small(AROUND)
    assert not pages.same_meaning(0, 1, 0.7)
    mostly_shared = small(
        AROUND, meanings=CenteredVectors(pages.vectors, np.full(4, 0.2, np.float32), np.full(4, 0.48))
    )
    assert mostly_shared.same_meaning(0, 1, 0.7), "0.04 * 0.7 + 0.96"


def test_of_pages_that_ask_the_same_the_one_of_the_page_s_own_subject_is_offered() -> None:
    words = [frozenset({"a"}), frozenset({"b"}), frozenset({"b"}), frozenset({"c"})]
    subjects = np.array([1, 0, 1, 0], np.int32)
    vectors = [[1.0, 0, 0], [0.6, 0.8, 0], [0.6, 0.8, 0], [0.5, 0, 0.9]]
    assert order_for(small(vectors, questions=WordSets(words), subjects=subjects)) == [2, 3]


def test_an_old_link_gives_way_only_for_a_page_that_nobody_names_and_is_counted() -> None:
    """Every place is taken, and 6 is named by nobody."""
    chance = np.random.default_rng(6)
    kept = [[other for other in range(6) if other != page] for page in range(6)]
    columns = {"kept": np.array([*kept, [0, 1, 2, 3, 4]], np.int32), "wanted": np.ones(7, bool)}
    pages = small(chance.normal(size=(7, 20)).tolist(), **columns)
    chosen = choose(pages, searchable(pages))
    assert (chosen.orphans, len(chosen.gave_way)) == ((), 1)
    assert (chosen.links != pages.kept).sum() == 1


def test_subject_and_ids_decide_between_pages_as_near() -> None:
    near = [[1.0, 0, 0], [0.6, 0.8, 0], [0.6, -0.8, 0], [0.6, 0, 0.8]]
    assert order_for(small(near, subjects=np.array([0, 1, 0, 1], np.int32)))[0] == 2
    assert order_for(small(near, ids=np.array([10, 5_000, 90_000, 11])))[0] == 3


def test_variety_counts_more_than_a_little_nearness() -> None:
    """Page 2 is a little less near than 1 and says what 1 says; 3 is of another kind."""
    pages = small([[1.0, 0, 0], [0.80, 0.6, 0], [0.79, 0.31, 0.53], [0.75, -0.66, 0]])
    assert order_for(pages) == [1, 3, 2]


def test_no_page_is_given_more_links_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "VARIETY", 0.0)  # it keeps hubs small by itself
    chance = np.random.default_rng(3)
    spokes = chance.normal(size=(80, 40)) + np.array([2.0, *[0] * 39])
    pages = small([[1.0, *[0] * 39], *spokes.tolist()])
    chosen = choose(pages, searchable(pages))
    inbound = np.bincount(chosen.links[chosen.links >= 0], minlength=len(pages))
    assert inbound[0] == inbound.max() == MOST_INBOUND, "the hub is wanted by more"


def test_a_page_among_many_near_duplicates_of_it_looks_further() -> None:
    chance = np.random.default_rng(4)
    crowd = [[1.0, 0, 0] + chance.normal(size=3) * 0.01 for _ in range(100)]
    others = [[0.5, *chance.normal(size=2)] for _ in range(30)]
    pages = small([*np.array(crowd).tolist(), *others])
    chosen = choose(pages, searchable(pages))
    assert ((chosen.links[:100] >= 100).sum(axis=1) >= 1).all()


# --- the graph -------------------------------------------------------------------------------------------------------


def test_figures_of_a_graph_that_can_be_followed_by_hand() -> None:
    """a -> b -> c -> b, d alone; a and d of one subject, b and c of another; one link dangles."""
    places = [PageNode("/a", "X", "x", 1, True), PageNode("/b", "Y", "y", 2, True)]
    places += [PageNode("/c", "Y", "y", 3, True), PageNode("/d", "X", "x", 4, True)]
    number = [np.array(column, np.int32) for column in ([0, 1, 2, 2], [0, 0, 0, 1], [1, 2, 1, -1], [0, 0, 0, 1])]
    graph = graph_of(places, Links(*number))
    assert (graph.pages, graph.links, graph.broken, graph.faults["dangling"]) == (4, 4, 1, 1)
    assert (graph.orphans, graph.without_links) == (2, 1)
    assert graph.linked_to == {0: 2, 1: 1, 2: 1}
    assert graph.components == [3, 1]
    assert [(one.name, one.start, one.reached, one.reached_anywhere) for one in graph.subjects] == [
        ("X", "/a", 1, 3),
        ("Y", "/b", 2, 2),
    ]
    assert graph.matrix == [[0, 1], [0, 2]]
    assert graph.cross_subject == pytest.approx(1 / 3)
    assert "<b>" not in html.document(
        {**graph.as_dict(), "subjects": [s._asdict() | {"name": "<b>"} for s in graph.subjects]}
    )


# --- pages that are new ----------------------------------------------------------------------------------------------


def test_neighbours_are_left_as_they_are_but_for_the_new_link(qtgen: Run) -> None:
    corpus = site(30)
    assert qtgen("link", "site")[0] == 0
    for path in list(corpus)[::2]:  # broken and wrong links, that are not this command's to mend
        values = {"related_article2.title": "Another?", "related_article4.url": "/learn/biology/questions/gone"}
        put({path: splice(read(path.read_bytes()), values).encode()})
    before = now(corpus)
    old, raw = page("What is the nucleus of a cell?", number=500)
    new = Path("new") / old.relative_to("site")
    put({new: raw})
    listed = json.loads(qtgen("link", "new", "--corpus", "site", "--dry-run", "--json")[1])["neighbours"]
    code, _, err = qtgen("link", "new", "--corpus", "site", "--update-neighbours")
    assert code == 0
    assert "1 page of the corpus changed, to name pages of PATHS that none of it names" in err
    assert "pages that no page names: 1 before, 0 after" in err
    changed = [path for path in corpus if path.read_bytes() != before[path]]
    assert [one["path"] for one in listed] == [path.as_posix() for path in changed]
    assert len(changed) == 1
    old_links, new_links = links(before[changed[0]]), links(changed[0].read_bytes())
    assert [one for one, other in zip(new_links, old_links, strict=True) if one != other] == [read(raw).values["url"]]
    assert "Another?" not in str(before[changed[0]]) or "Another?" in changed[0].read_text()


# --- pages that were generated ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("update", [False, True])
def test_new_pages_get_links_and_give_some(qtgen: Run, capsys: pytest.CaptureFixture[str], update: bool) -> None:
    corpus = site(30)
    old, raw = page("What is the nucleus of a cell?", number=500)
    new = Path("outputs") / old.relative_to("site")
    put({new: raw})
    assert qtgen("link", "site")[0] == 0
    before = now(corpus)
    new_links.link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=update)
    said = capsys.readouterr().err
    assert len(links(new.read_bytes())) == 5
    url = read(raw).values["url"]
    naming = [path for path in corpus if url in links(path.read_bytes())]
    changed = [path for path in corpus if path.read_bytes() != before[path]]
    assert changed == naming
    assert bool(naming) == update
    assert "links given to 1 of 1 new page" in said
    assert (" should name outputs/" in said) != update
    settled = new.read_bytes()
    new_links.link_new([new.as_posix()], Path("site"), Settings(), update_neighbours=update)
    assert new.read_bytes() == settled
