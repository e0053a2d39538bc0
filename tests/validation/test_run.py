"""The whole check: cache, corpus, fixes and their proof, processes, what a hostile folder holds."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from qtgen.page import read
from qtgen.page.parse import parse
from qtgen.page.reader import read as read_page
from qtgen.site.discovery import batches_for_paths, iter_batches, iter_page_paths
from qtgen.validation.autofix import fix
from qtgen.validation.cache import Cache
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import PageFile
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH, NEIGHBOUR_PAGE, NEIGHBOUR_PATH
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules

Run = Callable[..., tuple[int, str, str]]
RULES = choose_rules()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example site, written a minute ago."""
    monkeypatch.chdir(tmp_path)
    for path, text in ((EXAMPLE_PATH, EXAMPLE_PAGE), (NEIGHBOUR_PATH, NEIGHBOUR_PAGE)):
        put(path, text)
    return tmp_path


def put(path: str | Path, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def diagnostics(paths: list[str], check: ValidationOptions | None = None) -> list[Diagnostic]:
    with ValidationResult(
        iter_batches([Path(path) for path in paths]), check or ValidationOptions(RULES)
    ) as validation:
        return [diagnostic for checked in validation for diagnostic in checked.diagnostics]


# --- the cache --------------------------------------------------------------------------------------------------------


def cached(now: int | None = None) -> list[Diagnostic]:
    cache = Cache(Path(".qtgen/cache"), "key", Path(), now or Path(EXAMPLE_PATH).stat().st_mtime_ns + 10**10)
    try:
        return diagnostics(["outputs"], ValidationOptions(RULES, cache=cache))
    finally:
        cache.close()


def kept() -> int:
    """How many pages the cache knows."""
    with contextlib.closing(sqlite3.connect(".qtgen/cache/pages.sqlite")) as database, database:
        return sum(len(msgpack.decode(pages)[0]) for (pages,) in database.execute("SELECT pages FROM known"))


def test_a_warm_run_says_the_same_as_a_cold_one(site: Path) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7").replace("id: 8", "id: 9"))
    plain = diagnostics(["outputs"])
    assert [d.code for d in plain] == ["QT205", "QT404"]
    assert cached() == plain == cached()
    assert kept() == 2


def test_verdicts_between_pages_are_never_kept(site: Path) -> None:
    assert cached() == []
    Path(NEIGHBOUR_PATH).unlink()
    put("outputs/biology/other.md", NEIGHBOUR_PAGE.replace("what-is-diffusion", "other"))
    assert "QT403" in {d.code for d in cached() if d.path == EXAMPLE_PATH}


def test_a_changed_file_is_read_again(site: Path) -> None:
    assert cached() == []
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    assert [d.code for d in cached()] == ["QT205"]


def test_a_file_changed_just_now_is_not_kept(site: Path) -> None:
    cached(now=Path(EXAMPLE_PATH).stat().st_mtime_ns)
    assert kept() == 0


def test_a_blob_that_was_damaged_is_not_believed(site: Path) -> None:
    assert cached() == []
    with contextlib.closing(sqlite3.connect(".qtgen/cache/pages.sqlite")) as database, database:
        (blob,) = database.execute("SELECT pages FROM known").fetchone()
        database.execute("UPDATE known SET pages = ?", (blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:],))
    assert cached() == []


def test_what_could_not_be_read_is_tried_again(site: Path) -> None:
    Path("outputs/biology/x.md").symlink_to("gone.md")
    assert [d.code for d in cached()] == ["QT108"]
    assert kept() == 2


def test_a_folder_of_another_is_kept_too_and_what_is_gone_is_forgotten(site: Path) -> None:
    for name in ("b/x.md", "c.md", "d/x.md", "e.md"):
        put(f"outputs/biology/{name}", "x")
    time = Path("outputs/biology/e.md").stat().st_mtime_ns + 10**10
    first = cached(time)
    assert cached(time) == first
    assert kept() == 6
    Path("outputs/biology/what-is-osmosis.md").rename("outputs/biology/what-is-osmosis2.md")
    cached(time)
    assert kept() == 6


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_cache_costs_time_only(site: Path, damage: bytes) -> None:
    cached()
    Path(".qtgen/cache/pages.sqlite").write_bytes(damage)
    assert cached() == []
    assert cached() == []


def test_a_folder_where_nothing_can_be_written_is_checked_all_the_same(site: Path) -> None:
    put(".qtgen", "a file where the folder would be")
    assert cached() == []


def test_two_runs_at_once(site: Path) -> None:
    for number in range(300):
        put(f"outputs/biology/page-{number}.md", EXAMPLE_PAGE)
    command = [sys.executable, "-m", "qtgen", "validate", "outputs", "--statistics", "--jobs", "1"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    outcomes = [(run.communicate(timeout=60)[0], run.returncode) for run in runs]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == 1


def test_the_cache_ignores_itself_in_version_control(site: Path) -> None:
    cached()
    assert Path(".qtgen/.gitignore").read_text() == "*\n"


# --- between pages ----------------------------------------------------------------------------------------------------


def test_one_page_against_the_whole_site(qtgen: Run, site: Path) -> None:
    shutil.copytree("outputs", "site")
    assert qtgen("validate", EXAMPLE_PATH)[0] == 0
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    code, out, err = qtgen("validate", EXAMPLE_PATH, "--corpus", "outputs")
    assert (code, out.splitlines()[0].split()[1]) == (1, "QT403")
    assert err.startswith("1 page checked")
    assert qtgen("validate", EXAMPLE_PATH)[0] == 0, "one page by itself is not judged by its links"


def test_a_new_page_that_asks_what_the_site_has(qtgen: Run, site: Path) -> None:
    put("new/biology/whats-the-osmosis.md", EXAMPLE_PAGE.replace("What is osmosis?", "What's the osmosis?"))
    out = qtgen("validate", "new", "--corpus", "outputs", "--select", "QT410")[1]
    assert "QT410 nearly the question of outputs/biology/what-is-osmosis.md" in out


def test_pages_without_an_id_share_none(qtgen: Run, site: Path) -> None:
    for path, text in ((EXAMPLE_PATH, EXAMPLE_PAGE), (NEIGHBOUR_PATH, NEIGHBOUR_PAGE)):
        put(path, text.replace("\nid: 7\n", "\n").replace("\nid: 8\n", "\n"))
    out = qtgen("validate", "outputs")[1]
    assert "QT201" in out
    assert "QT402" not in out
    assert "QT404" not in out


def test_near_duplicates_run_only_when_selected(qtgen: Run, site: Path) -> None:
    other = EXAMPLE_PAGE.replace("What is osmosis?", "What's the osmosis?").replace(
        "what-is-osmosis", "whats-the-osmosis"
    )
    put("outputs/biology/whats-the-osmosis.md", other.replace("id: 7", "id: 9"))
    assert "QT410" not in qtgen("validate", "outputs")[1]
    out = qtgen("validate", "outputs", "--select", "QT410")[1]
    assert "QT410 nearly the question of outputs/biology/what-is-osmosis.md" in out


def test_rules_by_path(qtgen: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("outputs/old/what-is-osmosis.md", EXAMPLE_PAGE.replace("score: -1.0", "score: 7"))
    assert "QT205" in qtgen("validate", "outputs")[1]
    put("qtgen.toml", '[per_path."outputs/old/*"]\nignore = ["QT2", "QT3", "QT4"]\n')
    assert "outputs/old" not in qtgen("validate", "outputs")[1]
    assert "outputs/old" not in qtgen("validate", str(site / "outputs"))[1]
    monkeypatch.chdir("outputs")
    assert "old/what" not in qtgen("validate", ".")[1], "patterns count from the folder of qtgen.toml"
    monkeypatch.chdir(site)
    put("qtgen.toml", '[per_path."x"]\nskip = []\n')
    code, _, err = qtgen("validate", "outputs")
    assert (code, "skip" in err) == (2, True)


# --- processes --------------------------------------------------------------------------------------------------------


def test_several_processes_say_the_same(site: Path) -> None:
    for number in range(500):
        put(f"outputs/biology/page-{number}.md", EXAMPLE_PAGE.replace("id: 7", f"id: {number}"))
    assert diagnostics(["outputs"], ValidationOptions(RULES, jobs=2)) == diagnostics(
        ["outputs"], ValidationOptions(RULES, jobs=1)
    )


def test_pages_come_sorted_by_path_and_once(site: Path) -> None:
    for name in ("a-b/x.md", "a/x.md", "a.md", "a/b/c.md", "a/.hidden/x.md", "a0.md"):
        put(f"s/{name}", "x")
    found = list(iter_page_paths([Path("s/a"), Path("s"), Path("s/a.md")]))
    assert [path for path in iter_page_paths([Path(), Path("s/a.md")]) if path.startswith("s/")] == found
    assert found == sorted(["s/a-b/x.md", "s/a/x.md", "s/a.md", "s/a/b/c.md", "s/a0.md"])


# --- fixes ------------------------------------------------------------------------------------------------------------

BROKEN = (
    EXAMPLE_PAGE.replace("Osmosis moves", r"Where \( a \neq b \), osmosis moves")
    .replace("osmosis, membrane", "osmosis,membrane")
    .replace("author: QuickTakes\n", "")
)


def test_fix_mends_and_changes_no_other_line(qtgen: Run, site: Path) -> None:
    put(EXAMPLE_PATH, BROKEN)
    Path(EXAMPLE_PATH).chmod(0o640)
    code, out, err = qtgen("validate", "outputs", "--fix")
    assert (code, out) == (0, "")
    assert err.startswith("mended 4 findings in 1 page\n")
    after = Path(EXAMPLE_PATH).read_text()
    assert r"Where $a ≠ b$, osmosis moves" in after
    assert after.replace(r"Where $a ≠ b$, osmosis moves", "Osmosis moves") == EXAMPLE_PAGE
    assert Path(EXAMPLE_PATH).stat().st_mode & 0o777 == 0o640
    assert qtgen("validate", "outputs", "--fix")[2].startswith("nothing to mend\n")


def test_diff_shows_and_changes_nothing(qtgen: Run, site: Path) -> None:
    put(EXAMPLE_PATH, BROKEN)
    code, out, err = qtgen("validate", "outputs", "--diff")
    assert (code, err) == (1, "would mend 4 findings in 1 page\n")
    assert "+author: QuickTakes\n" in out
    assert Path(EXAMPLE_PATH).read_text() == BROKEN


def test_unsafe_fixes_are_asked_for(qtgen: Run, site: Path) -> None:
    put(EXAMPLE_PATH, EXAMPLE_PAGE.replace("questions/what-is-diffusion", "questions/what-is-confusion"))
    assert "QT403" in qtgen("validate", "outputs", "--fix")[1]
    assert "--fix --unsafe can mend up to 1" in qtgen("validate", "outputs")[2]
    assert qtgen("validate", "outputs", "--fix", "--unsafe")[0] == 0
    assert "related_article1" not in Path(EXAMPLE_PATH).read_text()


def test_a_page_moves_to_the_url_that_is_linked_to(qtgen: Run, site: Path) -> None:
    """The wrong url is mended before the link to the right one is taken for dangling."""
    put(NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace("\nurl: /learn/biology/questions/what-is-diffusion", "\nurl: /wrong"))
    assert qtgen("validate", "outputs", "--fix", "--unsafe")[0] == 0
    assert "related_article1" in Path(EXAMPLE_PATH).read_text()
    assert Path(NEIGHBOUR_PATH).read_text() == NEIGHBOUR_PAGE


def test_standard_input(qtgen: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "qtgen", "validate", "-", "--stdin-filename", EXAMPLE_PATH]
    done = subprocess.run([*command, "--fix"], input=BROKEN.encode(), capture_output=True, check=False)
    assert done.returncode == 0
    assert read(done.stdout).text_of("author") == "QuickTakes"
    done = subprocess.run(command, input=BROKEN.encode(), capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout.decode().startswith(f"{EXAMPLE_PATH}:16:5: QT603")
    assert qtgen("validate", "x.md", "--stdin-filename", "y.md")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--unsafe"], "--unsafe goes with --fix or --diff"),
        (["--statistics", "--format", "json"], "--statistics goes with --format text"),
        (["--watch", "--fix"], "--watch goes with files and without --fix"),
        (["-"], "`-` stands alone"),
    ],
)
def test_options_that_do_not_go_together(qtgen: Run, site: Path, arguments: list[str], words: str) -> None:
    code, out, err = qtgen("validate", "outputs", *arguments)
    assert (code, out) == (2, "")
    assert words in err


# --- what a hostile folder holds --------------------------------------------------------------------------------------

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
def test_every_bad_file_is_listed_in_good_time(qtgen: Run, site: Path, name: str) -> None:
    Path(f"outputs/biology/{name}.md").write_bytes(BAD[name])
    code, out, err = qtgen("validate", "outputs", "--diff", "--unsafe")
    code, out, err = qtgen("validate", "outputs")
    assert code == 1
    assert f"outputs/biology/{name}.md:" in out
    assert err.startswith("3 pages checked")


def test_a_large_file_a_pipe_a_loop_and_a_folder_named_like_a_page(qtgen: Run, site: Path) -> None:
    with Path("outputs/large.md").open("wb") as large:
        large.truncate(50_000_000)
    os.mkfifo("outputs/pipe.md")
    Path("outputs/folder.md").mkdir()
    Path("outputs/loop.md").symlink_to("loop.md")
    Path("outputs/loop").symlink_to(".")
    code, out, err = qtgen("validate", "outputs")
    found = {line.split(":")[0]: line.split()[1] for line in out.splitlines() if line.startswith("outputs/")}
    assert code == 1
    assert found == {"outputs/large.md": "QT107", "outputs/loop.md": "QT108", "outputs/pipe.md": "QT108"}
    assert err.startswith("5 pages checked")


def test_a_name_that_is_no_text(qtgen: Run, site: Path) -> None:
    put(os.fsdecode(b"outputs/biology/\xff.md"), "no page")
    for _ in range(2):
        code, out, err = qtgen("validate", "outputs")
        assert (code, "QT102" in out, err.startswith("3 pages checked")) == (1, True, True)


# --- fuzzing: `make fuzz` runs this with many more examples ------------------------------------------------------------

_LINES = EXAMPLE_PAGE.split("\n")
_PARTS = st.sampled_from(
    ["\\n", "$", "$$", "`", "```", "**", "\\(", "\\)", "\\neq", "<b>", "---", ": ", " #", "&x", "*x", "!!str", "{", "[", "'", '"', "\r", "\0", "\ufeff", "\t", "𝔘", "\x85", "- ", "|", ">", "%", "@", "<<: 1", "null", "5"]
)  # fmt: skip

_FOLDED = [number for number, line in enumerate(_LINES) if line.startswith("    ")]
_SAYINGS = st.sampled_from(
    ["I'm sorry, but I cannot", "Sure! Here is", "As an AI language model, I", "[insert name]", "{{ question }}", "<|end|>", "[INST]", "$5 a litre, or $8", "**Membrane**", "1. **Gradient**: ", "$$a$$", "$a **b$ **c**", "`**`", "~~~", "a,b", " ,", "\\n**a", "\\not =", "\\nu.", "<br>", "](javascript:x)", '"keywords":']
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The example page after a few small accidents."""
    lines = list(_LINES)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "swap", "insert", "say", "indent", "cut"])):
            case "delete":
                lines[at : at + 1] = []
            case "double":
                lines.insert(at, lines[at])
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "insert":
                column = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:column] + draw(_PARTS) + lines[at][column:]
            case "say":  # what a model might
                at = min(draw(st.sampled_from(_FOLDED)), len(lines) - 1)
                words = lines[at].split(" ")
                place = draw(st.integers(min(4, len(words)), len(words)))
                lines[at] = " ".join([*words[:place], draw(_SAYINGS), *words[place:]])
            case "indent":
                lines[at] = " " * draw(st.integers(0, 9)) + lines[at].lstrip(" ")
            case "cut":
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        lines = lines or [""]
    raw = "\n".join(lines).encode()
    if draw(st.booleans()):
        return raw
    at = draw(st.integers(0, len(raw)))
    return raw[:at] + draw(st.binary(max_size=3)) + raw[at:]


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
@given(mutated())
def test_any_accident_gets_a_verdict_and_both_readings_agree(
    passed_over: Callable[[PageFile], set[tuple[str, int, int]]], raw: bytes
) -> None:
    entries = batches_for_paths([EXAMPLE_PATH, NEIGHBOUR_PATH])
    check = ValidationOptions(RULES, overlay={EXAMPLE_PATH: raw, NEIGHBOUR_PATH: NEIGHBOUR_PAGE.encode()}, fixes=True)
    before = list(_all(entries, check))
    mended = list(fix(entries, check, unsafe=True))
    overlay = {**check.overlay, **{fixed.path: fixed.after for fixed in mended}}
    after = list(_all(entries, ValidationOptions(RULES, overlay=overlay, fixes=True)))
    assert {d.code for d in after if d.severity == "error"} <= {d.code for d in before if d.severity == "error"}
    assert not list(fix(entries, ValidationOptions(RULES, overlay=overlay), unsafe=True))
    page = read_page(raw)
    assert not passed_over(PageFile(EXAMPLE_PATH, page))
    if page.canonical:
        opening, closing = 4, page.text.rindex("\n---\n", 0, len(page.text) - len(page.style.body)) + 1
        slow = parse(
            page.text, opening, closing, blank_before_close=page.style.blank_before_close, body=page.style.body
        )
        assert not slow.problems
        assert slow.values == page.values


def _all(entries: list[Run], check: ValidationOptions) -> list[Diagnostic]:
    with ValidationResult(entries, check) as validation:
        return [diagnostic for checked in validation for diagnostic in checked.diagnostics]
