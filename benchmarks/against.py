"""Compare the processor time and the output of this qtgen with those of another commit.

    python benchmarks/against.py COMMIT [--only WAY …] [--rounds N] [--pages FOLDER] [--pairs N]

The commit is checked out into a temporary worktree. Both versions take turns, each run as a whole process, and the
first run of each is not counted. A figure is the smallest processor time of all rounds (user and system, with worker
processes), less that of a run over one item. Nothing is subtracted for `page`, which has only one page, and for `link`,
which fails on a few pages, because nearly all of their links would be removed. The short ones, such as `page`, `warm`
and `changed`, have more rounds. The column `elapsed` is the same ratio of elapsed times, which other load distorts.

The ways are:

    cold      validate all pages without a cache
    warm      validate them with the cache of the run before
    changed   the same, with one page changed since then
    json      validate them without a cache, and print every finding as JSON
    warm-json, warm-github
              validate them with the cache, and print every finding
    page      validate one page
    generate  write 300 pages (needs ../shared/tools/mock_openai.py)
    score     score 300 pairs of texts
    link, link-corpus
              choose all links again, and write the pages of a new copy; `link-corpus` also passes it as `--corpus`

Without --pages, the pages are the real ones of ../shared. The table also says whether both versions printed the same,
and for `generate` and the links whether they wrote the same pages.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
ARCHIVE, MOCK = SHARED / "real" / "pages.tar.gz", SHARED / "tools" / "mock_openai.py"
QUESTIONS = 300
OLD_TIME = 1_700_000_000  # the cache stores only files that have not changed for a while


class Run(NamedTuple):
    """A finished run: its processor seconds, its elapsed seconds, and a digest of its exit code and output."""

    seconds: float
    elapsed: float
    digest: str


class Sizes(NamedTuple):
    """How many pages, questions and pairs the runs have."""

    pages: Path
    questions: int
    pairs: int


class Way(NamedTuple):
    """A way of running qtgen.

    Args:
        arguments: The command line, in the folder of the run.
        fill: Writes the input of a run into the current folder: of all items, or of as few as possible.
        reset: Makes the current folder ready for the next run.
        written: The folder whose contents are compared too, or None.
        settings: Environment variables.
        less_one: Whether a run over one item is subtracted.
        rounds: How many times as many rounds it has. Short runs need more.
    """

    arguments: Sequence[str]
    fill: Callable[[Sizes, bool], None]
    reset: Callable[[int], None] = lambda _: None
    written: str | None = None
    settings: Mapping[str, str] = {}
    less_one: bool = True
    rounds: int = 1


# --- inputs -----------------------------------------------------------------------------------------------------------


def copy_pages(sizes: Sizes, all_items: bool, *, least: int = 1) -> None:
    """Copy all pages or the first ones."""
    paths = sorted(sizes.pages.rglob("*.md"))
    for path in paths if all_items else paths[:least]:
        copy = Path("pages") / path.relative_to(sizes.pages)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        os.utime(copy, (OLD_TIME, OLD_TIME))


def copy_two_pages(sizes: Sizes, all_items: bool) -> None:
    copy_pages(sizes, all_items, least=2)
    Path("pages").rename("original")


def copy_one_page(sizes: Sizes, _: bool) -> None:
    path = min(sizes.pages.rglob("*.md"))
    shutil.copyfile(path, "page.md")


def write_questions(sizes: Sizes, all_items: bool) -> None:
    rng = random.Random(3)
    words = ["".join(rng.choice("bcdfglmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(900)]
    count = sizes.questions if all_items else 1
    questions = (" ".join(["What is", *rng.sample(words, 3), f"{number}?"]) for number in range(count))
    Path("q.txt").write_text("\n".join(questions), encoding="utf-8")


def write_pairs(sizes: Sizes, all_items: bool) -> None:
    """Write pairs of the answers of two pages, which share the first half."""
    paths = sorted(sizes.pages.rglob("*.md"))
    random.Random(7).shuffle(paths)
    texts = [re.sub(r"\s+|\\n", " ", path.read_text(encoding="utf-8")) for path in paths[: 2 * sizes.pairs]]
    answers = [text.partition(" answer: ")[2].partition(" subject: ")[0][:2_500] for text in texts]
    count = min(sizes.pairs, len(answers) // 2) if all_items else 1
    with Path("pairs.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            reference, other = answers[2 * number : 2 * number + 2]
            candidate = reference[: len(reference) // 2] + other[: len(other) // 2]
            pair = {"id": str(number), "question": "Why?", "reference": reference, "candidate": candidate}
            file.write(json.dumps(pair) + "\n")


# --- between runs -----------------------------------------------------------------------------------------------------


def change_page(number: int) -> None:
    """Give one page another id, the same for both versions."""
    path = min(Path("pages").rglob("*.md"))
    text = re.sub(r"^id: .*", f"id: {900_000 + number}", path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (OLD_TIME + number, OLD_TIME + number))


def remove_outputs(_: int) -> None:
    for folder in ("outputs", ".qtgen"):
        shutil.rmtree(folder, ignore_errors=True)


def restore_pages(_: int) -> None:
    for folder in ("pages", ".qtgen"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("original", "pages")
    os.sync()  # otherwise the run would wait until the copied files are on disk


VALIDATE = ("validate", "pages", "--jobs", "1", "--quiet")
LINK = ("link", "pages", "--relink")
GENERATE = {
    "QTGEN_MODEL": "mock",
    "QTGEN_SUBJECT": "Biology",
    "QTGEN_IGNORE": "QT609,QT610",
}  # answers are random words
WAYS = {
    "cold": Way([*VALIDATE, "--no-cache", "--statistics"], copy_pages),
    "warm": Way([*VALIDATE, "--statistics"], copy_pages, rounds=5),
    "changed": Way([*VALIDATE, "--statistics"], copy_pages, change_page, rounds=5),
    "json": Way([*VALIDATE, "--no-cache", "--format", "json"], copy_pages),
    "warm-json": Way([*VALIDATE, "--format", "json"], copy_pages, rounds=3),
    "warm-github": Way([*VALIDATE, "--format", "github"], copy_pages, rounds=3),
    "page": Way(["validate", "page.md"], copy_one_page, less_one=False, rounds=10),
    "generate": Way(["generate", "q.txt", "--json", "--quiet"], write_questions, remove_outputs, "outputs", GENERATE),
    "score": Way(["eval", "score", "pairs.jsonl", "--jobs", "1", "--quiet"], write_pairs),
    "link": Way([*LINK], copy_two_pages, restore_pages, "pages", less_one=False),
    "link-corpus": Way([*LINK, "--corpus", "pages"], copy_two_pages, restore_pages, "pages"),
}


# --- runs -------------------------------------------------------------------------------------------------------------


def run(way: Way, checkout: Path, number: int) -> Run:
    """Run qtgen of a checkout in the current folder."""
    way.reset(number)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QTGEN_")}
    environment |= {"PYTHONPATH": str(checkout), **way.settings}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "qtgen", *way.arguments]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if process.returncode not in (0, 1):
            sys.exit(f"{' '.join(command)} of {checkout}: {errors.read().decode()}")
        out.seek(0)
        digest = hashlib.file_digest(out, "sha256")
    digest.update(str(process.returncode).encode())
    for file in sorted(Path(way.written).rglob("*.md")) if way.written else ():
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return Run(usage.ru_utime + usage.ru_stime, elapsed, digest.hexdigest())


def compare(name: str, way: Way, checkouts: Sequence[Path], sizes: Sizes, rounds: int) -> None:
    """Print a row of the table."""
    runs: dict[tuple[Path, bool], list[Run]] = {}
    outputs: set[tuple[bool, int, str]] = set()
    with tempfile.TemporaryDirectory() as temporary:
        kinds = [True, False] if way.less_one else [True]
        for number in range(rounds + 1):
            for checkout in checkouts if number % 2 else reversed(checkouts):
                for all_items in kinds:
                    folder = Path(temporary, checkout.name, "all" if all_items else "one")
                    with in_folder(folder, lambda all_items=all_items: way.fill(sizes, all_items)):
                        finished = run(way, checkout, number)
                    outputs.add((all_items, number, finished.digest))
                    if number:
                        runs.setdefault((checkout, all_items), []).append(finished)
    old, new = (smallest(runs, checkout, "seconds") for checkout in checkouts)
    old_elapsed, new_elapsed = (smallest(runs, checkout, "elapsed") for checkout in checkouts)
    equal = "equal" if len(outputs) == len({output[:2] for output in outputs}) else "different"
    figures = [f"{old:.3f}", f"{new:.3f}", f"{new / old:.3f}", f"{(new - old) * 1000:+.1f}"]
    print("|", " | ".join([name, *figures, f"{new_elapsed / old_elapsed:.3f}", equal]), "|", flush=True)


def smallest(runs: Mapping[tuple[Path, bool], Sequence[Run]], checkout: Path, figure: str) -> float:
    """Return the smallest figure of a checkout's runs over all items, less that of its runs over one item."""
    of_one = [getattr(run, figure) for run in runs.get((checkout, False), ())]
    return min(getattr(run, figure) for run in runs[checkout, True]) - min(of_one, default=0)


@contextlib.contextmanager
def in_folder(folder: Path, fill: Callable[[], None]) -> Iterator[None]:
    """Work in a folder, which is filled when it is new."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder):
        if is_new:
            fill()
        yield


@contextlib.contextmanager
def worktree(commit: str, temporary: Path) -> Iterator[Path]:
    """Check a commit out."""
    git = ["git", "-C", str(ROOT), "worktree"]
    folder = temporary / "old"
    if subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=False).returncode:
        sys.exit(f"{commit}: git could not check this commit out; name a commit of {ROOT}")
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


@contextlib.contextmanager
def endpoint() -> Iterator[None]:
    """Start the endpoint on a free port, and let qtgen use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(MOCK), "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        os.environ |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "none"}
        yield
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare processor time and output with those of another commit.")
    parser.add_argument("commit", metavar="COMMIT")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=[*WAYS], metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds that count [default: 3]")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="pages [default: the real pages of ../shared]")
    parser.add_argument("--pairs", type=int, default=300, metavar="N", help="pairs to score [default: 300]")
    options = parser.parse_args()
    if not options.pages and not ARCHIVE.exists():
        parser.error(f"{ARCHIVE} is missing; name a folder of pages with --pages")
    if options.pages and not any(options.pages.rglob("*.md")):
        parser.error(f"--pages: no page (`*.md`) in {options.pages}")
    if "generate" in options.only and not MOCK.exists():
        parser.error(f"{MOCK} is missing; leave `generate` out with --only")
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkouts = [stack.enter_context(worktree(options.commit, temporary)), ROOT]
        pages = options.pages and options.pages.resolve()
        if not pages:
            pages = temporary / "pages"
            with tarfile.open(ARCHIVE) as tar:
                tar.extractall(pages, filter="data")
        if "generate" in options.only:
            stack.enter_context(endpoint())
        print("| way | old (s) | new (s) | new / old | difference (ms) | elapsed | output |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for name in options.only:
            way = WAYS[name]
            compare(name, way, checkouts, Sizes(pages, QUESTIONS, options.pairs), options.rounds * way.rounds)


if __name__ == "__main__":
    main()
