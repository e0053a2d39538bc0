"""`qtgen link` over a site with a layout of its own."""

import json
from collections.abc import Callable
from pathlib import Path

from support.link_workshop import random_articles, texts_of, workshop, write_article

Run = Callable[..., tuple[int, str, str]]


def test_check_finds_dangling_and_own_links(qtgen: Run) -> None:
    workshop()
    write_article("What is a block?", "see_also:\n- /engines/gone/\n- /engines/what-is-a-block/\n")
    code, out, err = qtgen("link", "articles", "--check", "--json")
    assert (code, err) == (1, "")
    graph = json.loads(out)
    faults = {"dangling": 1, "to_self": 1, "repeated": 0, "to_no_index": 0, "mismatched": 0}
    assert (graph["links"], graph["faults"]) == (2, faults)


def test_the_report_shows_the_keys_of_broken_links(qtgen: Run) -> None:
    workshop()
    write_article("What is a block?", "see_also:\n- /engines/gone/\n")
    assert qtgen("link", "articles", "--check", "--html", "report.html")[0] == 1
    assert "/engines/gone/" in Path("report.html").read_text(encoding="utf-8")


def test_site_selects_the_layout(qtgen: Run) -> None:
    workshop()
    Path("site.toml").rename("workshop.toml")
    paths = random_articles(6)
    before = texts_of(paths)
    assert qtgen("link", "articles", "--repair", "--dry-run", "--site", "workshop.toml")[0] == 0
    assert texts_of(paths) == before
    code, _, err = qtgen("link", "articles", "--repair", "--site", "workshop.toml")
    assert code == 0
    assert "6 of 6 pages changed" in err
    assert all("see_also:\n" in text for text in texts_of(paths).values())


def test_pages_are_written_by_workers_as_by_one_process(qtgen: Run) -> None:
    workshop()
    paths = random_articles(8)
    before = texts_of(paths)
    assert qtgen("link", "articles", "--repair", "--jobs", "1")[0] == 0
    alone = texts_of(paths)
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")
    assert qtgen("link", "articles", "--repair", "--jobs", "2")[0] == 0
    assert texts_of(paths) == alone != before


def test_a_site_without_links_ends_with_a_remedy(qtgen: Run) -> None:
    workshop()
    site = Path("site.toml")
    site.write_text(site.read_text(encoding="utf-8").replace('[links]\nfield = "see_also"\nmax = 4\n', ""), "utf-8")
    write_article("What is a block?")
    for mode in ("--check", "--repair"):
        code, out, err = qtgen("link", "articles", mode)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "site.toml: has no `[links]`, so there is nothing to link; add `[links]`" in err
