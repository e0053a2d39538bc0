"""What qtgen gives for the site that it ships: schemas, texts, prompts, findings, fixes, links and the bytes of pages.

tests/golden/default_site.json holds digests and counts only. A change of the page layout's machinery must not change
any of them. `QTGEN_UPDATE_GOLDEN=1 python -m pytest tests/site/test_default_site.py` writes them again, for a change
that is meant, such as a new rule.
"""

import importlib.util
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation import answers
from qtgen.generation.config import GenerationConfig
from qtgen.page import emit, splice
from qtgen.page.profile import default_profile
from support import ROOT
from support.default_tables import read
from support.golden import check_digests, digest

Command = Callable[..., tuple[int, str, str]]
Pages = Mapping[str, bytes]

SMALL = 1_000
"""Subjects with fewer real pages are fixed."""
LINKED = ("american-culture", "architecture", "bachelor-of-laws", "nursing", "politics")
"""The subjects that are linked."""
CHANGES: dict[str, dict[str, Any]] = {
    "description": {"seo.page_description": "A new description: with a colon, a # and 'quotes', and some more words."},
    "score": {"score": 0.5},
    "links": {"related_article5": None},
}


def check(part: str, behaviour: Any) -> None:
    check_digests("default_site", part, behaviour)


def succeed(outcome: tuple[int, str, str]) -> str:
    """Return the output of a command that ended with exit code 0."""
    code, out, err = outcome
    assert code == 0, err
    return out


def write_pages(pages: Pages, subjects: Iterable[str] | None = None) -> dict[Path, bytes]:
    """Write the pages of all or some subjects below the current folder, and return them by their path there."""
    wanted = None if subjects is None else set(subjects)
    written = {}
    for name, raw in pages.items():
        path = Path(name)
        if wanted is None or path.parent.name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            written[path] = raw
    return written


def small_subjects(pages: Pages) -> list[str]:
    sizes = Counter(Path(name).parent.name for name in pages)
    return sorted(subject for subject, size in sizes.items() if size < SMALL)


@pytest.mark.parametrize("dialect", ["json", "editor", "cloudcannon"])
def test_schema(qtgen: Command, dialect: str) -> None:
    check(f"schema {dialect}", digest(succeed(qtgen("schema", "--for", dialect))))


def test_explanations(qtgen: Command) -> None:
    """Every rule, metric, reason and report format."""
    listed = succeed(qtgen("explain"))
    names = [line.split()[0] for line in listed.splitlines()]
    assert len(names) > 100
    texts = {name: digest(succeed(qtgen("explain", name))) for name in names}
    check("explain", {"list": digest(listed), **texts})


def test_reference_of_the_docs() -> None:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    check("docs", {name: digest(build.PAGES[name]()) for name in ("reference/page.md", "reference/rules.md")})


def test_prompts(qtgen: Command, config: GenerationConfig) -> None:
    prompts = json.loads(succeed(qtgen("prompts", "list", "--json")))
    question = ("--question", "What is osmosis?", "--subject", "Biology", "--answer", "It moves water.", "--json")
    sent = {p["name"]: digest(succeed(qtgen("prompts", "show", p["name"], *question))) for p in prompts}
    check("prompts sent", sent)
    check("prompt digests", {"parts": config.part_digests(), "templates": config.template_digests()})


def test_schemas_of_answers() -> None:
    check(
        "answer schemas",
        {shape: digest(answers.schema(shape, default_profile())) for shape in answers.shapes_of(default_profile())},
    )


def test_findings(qtgen: Command, real_pages: Pages) -> None:
    """The findings of the whole sample with texts, order, places and fixes."""
    write_pages(real_pages)
    code, out, _ = qtgen("validate", "content", "--format", "json", "--no-cache", "--jobs", "1")
    assert code == 1
    by_code: dict[str, list[Any]] = {}
    for diagnostic in json.loads(out):
        by_code.setdefault(diagnostic["code"], []).append(diagnostic)
    counted = {code: [len(found), digest(found)] for code, found in by_code.items()}
    check("findings", {"pages": len(real_pages), "all": digest(out), **counted})


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
def test_fixes(qtgen: Command, real_pages: Pages, unsafe: bool) -> None:
    subjects = small_subjects(real_pages)
    before = write_pages(real_pages, subjects)
    options = ["--unsafe"] if unsafe else []
    diff_code, diff, _ = qtgen("validate", "content", "--diff", *options, "--no-cache", "--jobs", "1")
    assert diff_code == 1
    assert all(path.read_bytes() == raw for path, raw in before.items())
    qtgen("validate", "content", "--fix", *options, "--quiet", "--no-cache", "--jobs", "1")
    after = {path.as_posix(): path.read_bytes() for path in sorted(before)}
    changed = [path for path, raw in after.items() if raw != real_pages[path]]
    bytes_of_pages = digest({path: digest(raw) for path, raw in after.items()})
    result = {"pages": len(before), "changed": len(changed), "diff": digest(diff), "bytes": bytes_of_pages}
    check("fixes unsafe" if unsafe else "fixes safe", result)


@pytest.mark.parametrize("mode", ["repair", "relink"])
def test_links(qtgen: Command, real_pages: Pages, mode: str) -> None:
    pytest.importorskip("numpy")
    before = write_pages(real_pages, LINKED)
    options = ("--corpus", "content", f"--{mode}", "--no-cache", "--jobs", "1")
    plan = succeed(qtgen("link", "content", *options, "--dry-run", "--json"))
    qtgen("link", "content", *options, "--quiet")
    after = {path.as_posix(): digest(path.read_bytes()) for path in sorted(before)}
    check(f"links {mode}", {"pages": len(before), "plan": digest(json.loads(plan)), "bytes": digest(after)})
    shutil.rmtree("content")


def test_every_page_is_emitted_and_spliced_without_a_change(real_pages: Pages) -> None:
    emitted, spliced = [], []
    for path, raw in real_pages.items():
        page = read(raw)
        if emit(page.values, page.layout, page.style).encode() != raw:
            emitted.append(path)
        if splice(page, {}).encode() != raw or splice(page, page.values).encode() != raw:
            spliced.append(path)
    assert (emitted, spliced) == ([], [])


@pytest.mark.parametrize("change", CHANGES)
def test_spliced_pages(real_pages: Pages, change: str) -> None:
    spliced = {}
    for path, raw in real_pages.items():
        page = read(raw)
        known = page.values.keys() | page.sections()
        changes = {key: value for key, value in CHANGES[change].items() if value is not None or key in known}
        spliced[path] = splice(page, changes).encode()
    changed = sum(raw != real_pages[path] for path, raw in spliced.items())
    check(f"splice {change}", {"changed": changed, "bytes": digest({p: digest(r) for p, r in spliced.items()})})
