"""Whole runs: pages and sites, the corpus, and what a hostile folder holds."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qtgen.page.profile import default_profile
from qtgen.page.reader import read_exactly
from qtgen.site.discovery import batches_for_paths, iter_batches, iter_page_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import PageFile
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.run_pages import RunPages
from qtgen.validation.selection import choose_rules
from support.default_tables import read
from support.validation import ALL_RULES, Run, run_options, validate_paths, write_example_site, write_page


@pytest.fixture(autouse=True)
def _site() -> None:
    write_example_site()


def codes(diagnostics: list[Diagnostic]) -> set[str]:
    return {diagnostic.code for diagnostic in diagnostics}


# --- between pages ----------------------------------------------------------------------------------------------------


def test_links_are_checked_against_the_corpus_but_not_for_one_page_alone() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    with_corpus = ValidationOptions(
        choose_rules(profile=default_profile()), corpus=Path("outputs"), profile=default_profile()
    )
    assert codes(validate_paths([EXAMPLE_PATH], with_corpus)) == {"QT403"}
    assert validate_paths([EXAMPLE_PATH]) == []


def test_only_the_given_pages_are_counted_and_reported() -> None:
    write_page(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace("score: -1.0", "score: 7"))
    options = ValidationOptions(
        choose_rules(profile=default_profile()), corpus=Path("outputs"), profile=default_profile()
    )
    with ValidationResult(iter_batches([Path(EXAMPLE_PATH)]), options) as result:
        assert list(result) == []
        assert result.pages == 1


def test_no_pages_are_no_findings_even_with_a_corpus() -> None:
    assert run_options([], ValidationOptions(ALL_RULES, corpus=Path("outputs"), profile=default_profile())) == []


def test_a_new_page_is_compared_with_the_questions_of_the_corpus() -> None:
    write_page("new/biology/whats-the-osmosis.md", EXAMPLE_PAGE.replace("What is osmosis?", "What's the osmosis?"))
    options = ValidationOptions(
        choose_rules(["QT410"], profile=default_profile()), corpus=Path("outputs"), profile=default_profile()
    )
    (finding,) = validate_paths(["new"], options)
    assert finding.message == (
        "`title` is nearly the question of outputs/biology/what-is-osmosis.md; keep one of the pages"
    )


def test_near_duplicates_are_found_only_on_request() -> None:
    other = EXAMPLE_PAGE.replace("What is osmosis?", "What's the osmosis?")
    write_page("outputs/biology/whats-the-osmosis.md", other.replace("what-is-osmosis", "whats-the-osmosis"))
    assert "QT410" not in codes(
        validate_paths(
            ["outputs"], ValidationOptions(choose_rules(profile=default_profile()), profile=default_profile())
        )
    )
    assert codes(
        validate_paths(
            ["outputs"],
            ValidationOptions(choose_rules(["QT410"], profile=default_profile()), profile=default_profile()),
        )
    ) == {"QT410"}


def test_pages_without_an_id_do_not_share_one() -> None:
    for path, text in ((EXAMPLE_PATH, EXAMPLE_PAGE), (NEIGHBOUR_PATH, NEIGHBOUR_PAGE)):
        write_page(path, text.replace("\nid: 7\n", "\n").replace("\nid: 8\n", "\n"))
    assert codes(validate_paths(["outputs"])) == {"QT201"}


def test_a_result_can_be_iterated_over_twice() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("id: 8", "id: 9"))
    with ValidationResult(
        iter_batches([Path("outputs")]), ValidationOptions(ALL_RULES, profile=default_profile())
    ) as result:
        assert list(result) == list(result) != []


def test_findings_of_a_page_are_sorted_by_position_whatever_rule_they_come_from() -> None:
    write_page(EXAMPLE_PATH, EXAMPLE_PAGE.replace("id: 8", "id: 9").replace("score: -1.0", "score: 7"))
    found = validate_paths(["outputs"])
    assert [diagnostic.code for diagnostic in found] == ["QT205", "QT404"]


def test_pages_are_sorted_by_path_and_read_once() -> None:
    for name in ("a-b/x.md", "a/x.md", "a.md", "a/b/c.md", "a/.hidden/x.md", "a0.md"):
        write_page(f"s/{name}", "x")
    found = list(iter_page_paths([Path("s/a"), Path("s"), Path("s/a.md")]))
    assert [path for path in iter_page_paths([Path(), Path("s/a.md")]) if path.startswith("s/")] == found
    assert found == sorted(["s/a-b/x.md", "s/a/x.md", "s/a.md", "s/a/b/c.md", "s/a0.md"])


def test_an_interrupted_run_leaves_no_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    closed: list[RunPages] = []
    close = RunPages.close

    def record(pages: RunPages) -> None:
        closed.append(pages)
        close(pages)

    monkeypatch.setattr(RunPages, "close", record)
    with pytest.raises(KeyboardInterrupt):
        validate_paths(["outputs"], ValidationOptions(ALL_RULES, on_progress=interrupt, profile=default_profile()))
    assert len(closed) == 1


# --- hostile folders --------------------------------------------------------------------------------------------------

BAD = {
    "empty": b"",
    "binary": bytes(range(256)) * 100,
    "bomb": b"---\na: &a [x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c]\n" % (n, n, n - 1, n - 1) for n in range(98, 115))
    + b"---\n",
    "nested": b"---\na: " + b"[" * 10_000 + b"]" * 10_000 + b"\n---\n",
    "latin-1": EXAMPLE_PAGE.replace("solute", "solut\u00e9").encode("latin-1"),
    "duplicate": EXAMPLE_PAGE.replace("id: 7", "id: 7\nid: 7").encode(),
    "object": EXAMPLE_PAGE.replace("QuickTakes\nq", "!!python/object/apply:os.system ['x']\nq").encode(),
    "nul": EXAMPLE_PAGE.replace("moves", "\0").encode(),
    "crlf": EXAMPLE_PAGE.replace("\n", "\r\n").encode(),
    "bom": b"\xef\xbb\xbf" + EXAMPLE_PAGE.encode(),
    "tabs": EXAMPLE_PAGE.replace("    ", "\t").encode(),
    "keys": b"---\n" + b"".join(b"k%d: 1\n" % n for n in range(60_000)) + b"---\n\n&nbsp;",
    "colons": b"---\n" + b":" * 500_000 + b"\n---\n",
    "dollars": EXAMPLE_PAGE.replace("Osmosis moves", "$`" * 100_000).encode(),
    "stars": EXAMPLE_PAGE.replace("Osmosis moves", "** " * 150_000).encode(),
    "parentheses": EXAMPLE_PAGE.replace("Osmosis moves", r"\(" * 150_000 + r"\[" * 150_000).encode(),
    "headings": EXAMPLE_PAGE.replace(
        "Osmosis moves", "".join(f"1. **h{n}** " for n in range(50_000)) + "1. **h1**"
    ).encode(),
    "open": EXAMPLE_PAGE.replace("Osmosis moves", r"\n\n**a" * 100_000).encode(),
    "powers": EXAMPLE_PAGE.replace("Osmosis moves", "** " * 150_001).encode(),
    "torn": EXAMPLE_PAGE.replace("Osmosis moves", r"\nu $a$ " * 80_000).encode(),
    "pairs": EXAMPLE_PAGE.replace("Osmosis moves", r"\(a\) " * 120_000).encode(),
    "placeholders": EXAMPLE_PAGE.replace("Osmosis moves", "[insert ab" * 70_000).encode(),
    "money": EXAMPLE_PAGE.replace("Osmosis moves", "$1" + "ab " * 250_000).encode(),
    "ticks": EXAMPLE_PAGE.replace("Osmosis moves", "`a` " * 200_000).encode(),
    "tags": EXAMPLE_PAGE.replace("Osmosis moves", "<a " * 150_000).encode(),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_file_is_reported_in_reasonable_time(qtgen: Run, name: str) -> None:
    Path(f"outputs/biology/{name}.md").write_bytes(BAD[name])
    qtgen("validate", "outputs", "--diff", "--unsafe")
    code, out, err = qtgen("validate", "outputs")
    assert code == 1
    assert f"outputs/biology/{name}.md:" in out
    assert err.startswith("3 pages checked")


def test_large_files_pipes_loops_and_folders_named_like_pages() -> None:
    with Path("outputs/large.md").open("wb") as large:
        large.truncate(50_000_000)
    os.mkfifo("outputs/pipe.md")
    Path("outputs/folder.md").mkdir()
    Path("outputs/loop.md").symlink_to("loop.md")
    Path("outputs/loop").symlink_to(".")
    found = {diagnostic.path: diagnostic.code for diagnostic in validate_paths(["outputs"])}
    assert found == {"outputs/large.md": "QT107", "outputs/loop.md": "QT108", "outputs/pipe.md": "QT108"}


def test_a_file_name_that_is_not_valid_text(qtgen: Run) -> None:
    write_page(os.fsdecode(b"outputs/biology/\xff.md"), "no page")
    for _ in range(2):
        code, out, err = qtgen("validate", "outputs")
        assert (code, "QT102" in out, err.startswith("3 pages checked")) == (1, True, True)


# --- fuzzing: `make fuzz` runs this with many more examples ------------------------------------------------------------

_LINES = EXAMPLE_PAGE.split("\n")
_PARTS = st.sampled_from(
    ["\\n", "$", "$$", "`", "```", "**", "\\(", "\\)", "\\neq", "<b>", "---", ": ", " #", "&x", "*x", "!!str", "{", "[", "'", '"', "\r", "\0", "\ufeff", "\t", "𝔘", "\x85", "- ", "|", ">", "%", "@", "<<: 1", "null", "5"]
)  # fmt: skip

_FOLDED = [number for number, line in enumerate(_LINES) if line.startswith("    ")]
_MODEL_TEXT = st.sampled_from(
    ["I'm sorry, but I cannot", "Sure! Here is", "As an AI language model, I", "[insert name]", "{{ question }}", "<|end|>", "[INST]", "$5 a litre, or $8", "**Membrane**", "1. **Gradient**: ", "$$a$$", "$a **b$ **c**", "`**`", "~~~", "a,b", " ,", "\\n**a", "\\not =", "\\nu.", "<br>", "](javascript:x)", '"keywords":']
)  # fmt: skip


@st.composite
def damaged_pages(draw: st.DrawFn) -> bytes:
    """Draw the example page after a few small accidents."""
    lines = list(_LINES)
    for _ in range(draw(st.integers(1, 5))):
        index = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "swap", "insert", "text", "indent", "cut"])):
            case "delete":
                lines[index : index + 1] = []
            case "double":
                lines.insert(index, lines[index])
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[index], lines[other] = lines[other], lines[index]
            case "insert":
                column = draw(st.integers(0, len(lines[index])))
                lines[index] = lines[index][:column] + draw(_PARTS) + lines[index][column:]
            case "text":  # what a model might write
                index = min(draw(st.sampled_from(_FOLDED)), len(lines) - 1)
                words = lines[index].split(" ")
                place = draw(st.integers(min(4, len(words)), len(words)))
                lines[index] = " ".join([*words[:place], draw(_MODEL_TEXT), *words[place:]])
            case "indent":
                lines[index] = " " * draw(st.integers(0, 9)) + lines[index].lstrip(" ")
            case "cut":
                lines[index] = lines[index][: draw(st.integers(0, len(lines[index])))]
        lines = lines or [""]
    raw = "\n".join(lines).encode()
    if draw(st.booleans()):
        return raw
    index = draw(st.integers(0, len(raw)))
    return raw[:index] + draw(st.binary(max_size=3)) + raw[index:]


@settings(
    max_examples=int(os.environ.get("QTGEN_FUZZ", "100")),
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
)
@example(
    EXAMPLE_PAGE.replace(
        "title: >-\n    What is osmosis?\narticle", "title: >-\n    What is diffusion?\narticle"
    ).encode()
)
@example(  # no page is compared with this one until its `url` is added, and then its link lacks an `id`
    EXAMPLE_PAGE.replace("_schema: default\n", "")
    .replace("    id: 8\n", "")
    .replace("url: /learn/biology/questions/what-is-osmosis\n", "_schema: default\n")
    .encode()
)
@example(  # with its `url`, the page would be compared with a link that cannot have its title
    EXAMPLE_PAGE.replace("\ntitle: >-", "\ntitle: >")
    .replace("url: /learn/biology/questions/what-is-osmosis\n", "")
    .encode()
)
@example(EXAMPLE_PAGE.replace("page_keywords: >-", "page_keywords: >").encode())  # the value ends with a line break
@example(
    EXAMPLE_PAGE.replace("    Osmosis moves", " \ufeff   Osmosis moves").encode()
)  # without the mark, YAML drops spaces
@given(damaged_pages())
def test_any_accident_is_checked_and_both_readers_agree(
    passed_over: Callable[[PageFile], set[tuple[str, int, int]]], raw: bytes
) -> None:
    batches = batches_for_paths([EXAMPLE_PATH, NEIGHBOUR_PATH])
    options = ValidationOptions(
        ALL_RULES,
        overlay={EXAMPLE_PATH: raw, NEIGHBOUR_PATH: NEIGHBOUR_PAGE.encode()},
        fixes=True,
        profile=default_profile(),
    )
    before = run_options(batches, options)
    files = list(fix_pages(batches, options, unsafe=True))
    overlay = {**options.overlay, **{file.path: file.after for file in files}}
    after = run_options(batches, ValidationOptions(ALL_RULES, overlay=overlay, fixes=True, profile=default_profile()))
    assert _error_codes(after) <= _error_codes(before)
    assert not list(
        fix_pages(batches, ValidationOptions(ALL_RULES, overlay=overlay, profile=default_profile()), unsafe=True)
    )
    page = read(raw)
    assert not passed_over(PageFile(EXAMPLE_PATH, page))
    if page.canonical:
        slow = read_exactly(page.text, page.layout)
        assert not slow.problems
        assert slow.values == page.values


def _error_codes(diagnostics: list[Diagnostic]) -> set[str]:
    return {diagnostic.code for diagnostic in diagnostics if diagnostic.severity == "error"}
