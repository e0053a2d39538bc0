"""Links of sites with layouts of their own: lists of keys, lists of maps, and numbered maps of another name."""

from collections import Counter
from pathlib import Path

import pytest

from qtgen.errors import SettingsError, UsageError
from qtgen.linking import graph_of, link, read_catalog
from qtgen.page import Page, Profile, load_profile, read
from qtgen.site.discovery import iter_batches
from qtgen.site.entries import links_on
from support.link_workshop import LINKS, random_articles, texts_of, workshop, write_article
from support.sites import embed_words

FORMS = sorted(LINKS)
LINK_KEYS = ("see_also:", "  - ", "    page:", "further", "  label:", "  page:")
CHAIN, ROPE, BLOCK, SHACKLE = (
    "How does a chain wear?",
    "How does a rope wear?",
    "What is a block?",
    "What is a shackle?",
)


def page_at(path: Path, profile: Profile) -> Page:
    return read(path.read_bytes(), profile, str(path))


def keys_on(path: Path, profile: Profile) -> list[str | None]:
    return [each.key for each in links_on(page_at(path, profile))]


def items(form: str, *names: str) -> str:
    """Return the lines of links to pages about engines, each with a note if the form has one."""
    keys = [f"/engines/{name}/" for name in names]
    if form == "keys":
        return "see_also:\n" + "".join(f"- {key}\n" for key in keys)
    if form == "maps":
        return "see_also:\n" + "".join(f"  - page: {key}\n    label: L\n    note: n{key}\n" for key in keys)
    numbered = enumerate(keys, 1)
    return "".join(f"further{n}:\n  page: {key}\n  label: L\n  note: n{key}\n" for n, key in numbered)


@pytest.mark.parametrize("form", FORMS)
def test_pages_get_links_and_no_other_line_changes(form: str) -> None:
    profile = workshop(form)
    paths = random_articles(30)
    before = texts_of(paths)
    report = link("articles", write=True, embed=embed_words)
    assert (report.errors, report.skipped, report.orphans, len(report.results)) == ([], [], [], 30)
    keys = {path: keys_on(path, profile) for path in paths}
    assert all(len(set(found)) == len(found) == 4 for found in keys.values())
    assert set(Counter(key for found in keys.values() for key in found)) == {
        page_at(path, profile).text_of("permalink") for path in paths
    }
    for path, text in texts_of(paths).items():
        rest = [line for line in text.splitlines(keepends=True) if not line.startswith(LINK_KEYS)]
        assert "".join(rest) == before[path]
    graph = graph_of("articles")
    assert (graph.links, graph.broken, graph.orphans) == (120, 0, 0)
    assert link("articles", embed=embed_words).results == [], "a second run changes nothing"


@pytest.mark.parametrize("form", FORMS)
def test_copies_are_those_of_the_target(form: str) -> None:
    profile = workshop(form)
    paths = random_articles(6)
    link("articles", write=True, embed=embed_words)
    title_of = {page.text_of("permalink"): page.text_of("title") for path in paths if (page := page_at(path, profile))}
    links = [each for path in paths for each in links_on(page_at(path, profile))]
    assert len(links) >= 24
    expected = [{} if form == "keys" else {"label": title_of[each.key], "page": each.key} for each in links]
    assert [dict(each.fields) for each in links] == expected


@pytest.mark.parametrize("form", FORMS)
def test_broken_links_are_found_and_repaired(form: str) -> None:
    profile = workshop(form)
    path = write_article(CHAIN, items(form, "gone", "how-does-a-chain-wear", "what-is-a-block", "what-is-a-block"))
    for title in (ROPE, BLOCK, SHACKLE):
        write_article(title)
    expected = {"dangling": 1, "to_self": 1, "repeated": 1, "to_no_index": 0, "mismatched": 0 if form == "keys" else 1}
    assert graph_of("articles").faults == expected
    before = texts_of([path])[path]
    report = link("articles", write=True, embed=embed_words)
    assert report.errors == []
    (result,) = [result for result in report.results if result.path == path.as_posix()]
    corrected = 0 if form == "keys" else 1
    assert (result.added + result.replaced, result.corrected) == (2, corrected)
    keys = keys_on(path, profile)
    assert sorted(keys, key=str) == [
        f"/engines/{name}/" for name in ("how-does-a-rope-wear", "what-is-a-block", "what-is-a-shackle")
    ]
    assert graph_of("articles").broken == 0
    head = before.index(items(form, "gone").splitlines()[0])
    after = texts_of([path])[path]
    assert after[:head] == before[:head]
    assert after[after.index("---\n\n#") :] == before[before.index("---\n\n#") :]


def test_an_item_that_stays_keeps_its_other_values() -> None:
    profile = workshop("maps")
    path = write_article(
        CHAIN, items("maps", "what-is-a-block", "gone", "how-does-a-rope-wear").replace("L\n", "What is a block?\n", 1)
    )
    for title in (ROPE, BLOCK, SHACKLE):
        write_article(title)
    report = link("articles", write=True, embed=embed_words)
    result = next(result for result in report.results if result.path == path.as_posix())
    assert (result.added, result.replaced, result.corrected, result.removed, result.error) == (0, 1, 1, 0, "")
    assert [dict(each.fields) for each in links_on(page_at(path, profile))] == [
        {"page": "/engines/what-is-a-block/", "label": BLOCK, "note": "n/engines/what-is-a-block/"},
        {"label": SHACKLE, "page": "/engines/what-is-a-shackle/"},
        {"page": "/engines/how-does-a-rope-wear/", "label": ROPE, "note": "n/engines/how-does-a-rope-wear/"},
    ]


def test_a_list_without_good_links_is_removed() -> None:
    workshop()
    path = write_article(CHAIN, items("keys", "gone", "how-does-a-chain-wear"))
    (result,) = link("articles", write=True, embed=embed_words, corpus="articles").results
    assert (result.removed, result.error) == (2, "")
    text = path.read_text(encoding="utf-8")
    assert text == write_article(CHAIN).read_text(encoding="utf-8")


def test_items_beyond_the_maximum_stay() -> None:
    profile = workshop()
    names = ["how-does-a-rope-wear", "what-is-a-block", "what-is-a-shackle", "gone", "far-away"]
    path = write_article(CHAIN, items("keys", *names))
    for title in (ROPE, BLOCK, SHACKLE, "What is a cleat?"):
        write_article(title)
    assert link("articles", write=True, embed=embed_words, corpus="articles").errors == []
    keys = keys_on(path, profile)
    assert keys == [f"/engines/{name}/" for name in [*names[:3], "what-is-a-cleat", "far-away"]]


def test_a_comment_among_the_links_is_not_lost() -> None:
    workshop()
    path = write_article(CHAIN, items("keys", "gone", "what-is-a-block").replace("gone/\n", "gone/ # soon\n"))
    write_article(BLOCK)
    before = path.read_bytes()
    (error,) = link("articles", write=True, embed=embed_words, corpus="articles").errors
    assert path.as_posix() in error
    assert "comment" in error
    assert path.read_bytes() == before


def test_a_part_of_a_site_is_recognized_by_the_paths_of_its_keys() -> None:
    workshop()
    write_article(CHAIN, items("keys", "what-is-a-block"))
    write_article(BLOCK)
    write_article(ROPE, topic="Rigging")
    with pytest.raises(UsageError, match=r"articles/engines/what-is-a-block\.md, which was not read"):
        link(["articles/engines/how-does-a-chain-wear.md", "articles/rigging"], embed=embed_words)


def test_a_page_that_does_not_parse_keeps_its_inbound_links() -> None:
    profile = workshop()
    path = write_article(CHAIN, items("keys", "what-is-a-block"))
    write_article(ROPE)
    write_article(BLOCK).write_text("---\ntitle: [\n---\n", encoding="utf-8")
    report = link("articles", write=True, embed=embed_words)
    assert [page.path for page in report.skipped] == ["articles/engines/what-is-a-block.md"]
    assert "/engines/what-is-a-block/" in keys_on(path, profile)


def test_a_page_without_its_key_is_skipped() -> None:
    workshop()
    write_article(CHAIN)
    path = write_article(ROPE)
    path.write_text(path.read_text(encoding="utf-8").replace("permalink:", "address:"), encoding="utf-8")
    (skipped,) = link("articles", embed=embed_words).skipped
    assert skipped == (path.as_posix(), "the permalink, title or topic is missing")


def test_a_site_without_links_has_a_remedy() -> None:
    profile = workshop()
    text = Path("site.toml").read_text(encoding="utf-8").replace('[links]\nfield = "see_also"\nmax = 4\n', "")
    Path("site.toml").write_text(text, encoding="utf-8")
    write_article(CHAIN)
    for call in (link, graph_of):
        with pytest.raises(SettingsError, match=r"has no `\[links\]`") as caught:
            call("articles")
        assert (caught.value.path, bool(caught.value.remedy)) == (Path("site.toml").absolute(), True)
    assert profile.file.links


def test_pages_of_several_layouts_link_to_each_other() -> None:
    """Notes have no list of links. They are linked to, and their keys are numbers."""
    text = Path(workshop().path or "").read_text(encoding="utf-8")
    note = (
        '[[layout]]\nfiles = "notes/*.md"\npath = "notes/{number}.md"\nbody = ""\n'
        'roles = {key="number", question="heading"}\n'
        'fields = [{key="number", type="int"}, {key="heading"}]\n\n[links]\n'
    )
    Path("site.toml").write_text(text.replace("[links]\n", note), encoding="utf-8")
    profile = load_profile(Path("site.toml"))
    paths = [write_article(title) for title in (CHAIN, ROPE)]
    Path("notes").mkdir()
    Path("notes/7.md").write_text("---\nnumber: 7\nheading: Tides\n---\n", encoding="utf-8")
    report = link(["articles", "notes"], write=True, embed=embed_words)
    assert (report.errors, report.skipped, report.orphans) == ([], [], [])
    assert {*keys_on(paths[0], profile), *keys_on(paths[1], profile)} >= {"7"}
    catalog = read_catalog(iter_batches([Path("articles"), Path("notes")]), profile)
    assert catalog.graph().broken == 0
    assert Path("notes/7.md").read_text(encoding="utf-8") == "---\nnumber: 7\nheading: Tides\n---\n"


def test_pages_of_a_layout_without_a_key_are_skipped() -> None:
    text = Path(workshop().path or "").read_text(encoding="utf-8")
    draft = '[[layout]]\nfiles = "drafts/*.md"\npath = "drafts/{name|slug}.md"\nbody = ""\nroles = {question="name"}\n'
    Path("site.toml").write_text(text.replace("[links]\n", f'{draft}fields = [{{key="name"}}]\n\n[links]\n'), "utf-8")
    for title in (CHAIN, ROPE):
        write_article(title)
    Path("drafts").mkdir()
    Path("drafts/tides.md").write_text("---\nname: Tides\n---\n", encoding="utf-8")
    report = link(["articles", "drafts"], embed=embed_words)
    assert report.skipped == [("drafts/tides.md", "pages of this kind have no key that links could name")]
    assert [result.path for result in report.results] == [
        "articles/engines/how-does-a-chain-wear.md",
        "articles/engines/how-does-a-rope-wear.md",
    ]


def test_numbered_maps_beyond_the_maximum_stay() -> None:
    profile = workshop("numbered")
    file = Path("site.toml")
    file.write_text(file.read_text(encoding="utf-8").replace("max = 4", "max = 2"), encoding="utf-8")
    names = ["what-is-a-block", "gone", "far-away"]
    path = write_article(CHAIN, items("numbered", *names))
    for title in (ROPE, BLOCK):
        write_article(title)
    assert link("articles", write=True, embed=embed_words, corpus="articles").errors == []
    expected = ["what-is-a-block", "how-does-a-rope-wear", "far-away"]
    assert keys_on(path, profile) == [f"/engines/{name}/" for name in expected]


def test_copies_of_other_fields_are_corrected() -> None:
    """A link can copy any field of its target, which is read again for it."""
    workshop("maps")
    file = Path("site.toml")
    file.write_text(file.read_text(encoding="utf-8").replace('copy="title"', 'copy="status"'), encoding="utf-8")
    path = write_article(CHAIN, items("maps", "what-is-a-block"))
    write_article(BLOCK)
    assert graph_of("articles").faults["mismatched"] == 1
    link("articles", write=True, embed=embed_words)
    (only,) = links_on(page_at(path, load_profile(file)))
    assert only.fields == {"page": "/engines/what-is-a-block/", "label": "live", "note": "n/engines/what-is-a-block/"}
    assert graph_of("articles").broken == 0
