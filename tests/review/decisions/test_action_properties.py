"""Any edit, any rewrite: only the named fields change, and an undo gives back every byte."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from qtgen.errors import SpliceError, UnwritableText, UsageError
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from support.default_tables import read, read_text
from support.pages import page_path, page_text, write_site
from support.reviews import make_actions, request_for, save_rewrite

PATH = Path(page_path())
SEARCH = ("seo.page_description", "seo.page_keywords")
ALPHABET = st.sampled_from("ab Z0.,:#-'\"&*[]{}|>%@`$\\n_é😀\u202e\n")
TEXTS = st.text(ALPHABET, min_size=1, max_size=60)
LAYOUTS: dict[str, Callable[[str], str]] = {
    "house style": lambda text: text,
    "quoted": lambda text: text.replace("answer: >-\n    ", "answer: '").replace("\nsubject:", "'\nsubject:", 1),
    "without a score": lambda text: text.replace("score: -1.0\n", ""),
    "without an answer": lambda text: read_text(text).text[: text.index("answer:")] + text[text.index("subject:") :],
    "no line end": lambda text: text.rstrip("\n"),
    "a body": lambda text: f"{text}\nSome text below.\n",
}


def start(layout: str, **changes: Any) -> bytes:
    """Write one page in a layout, and return its bytes."""
    shutil.rmtree("out", ignore_errors=True)
    write_site(osmosis={})
    PATH.write_text(LAYOUTS[layout](page_text(**changes)))
    page = read(PATH.read_bytes())
    assert not page.problems
    return PATH.read_bytes()


def check_undo(config: GenerationConfig, before: bytes, changed: set[str]) -> None:
    """Check that a page differs from its earlier version in these fields only, and that an undo gives it back."""
    old, new = read(before).values, read(PATH.read_bytes()).values
    assert {path for path in {*old, *new} if old.get(path) != new.get(path)} == changed
    make_actions(config).perform(request_for("undo"), PATH)
    assert PATH.read_bytes() == before


def test_an_edit_changes_only_its_fields(config: GenerationConfig) -> None:
    @settings(max_examples=60)
    @given(st.sampled_from(sorted(LAYOUTS)), st.dictionaries(st.sampled_from(["answer", *SEARCH]), TEXTS, min_size=1))
    @example("quoted", {"answer": "x\n\ny"})
    @example("without an answer", {"answer": "a: b"})
    def check(layout: str, fields: dict[str, str]) -> None:
        before = start(layout)
        actions = make_actions(config)
        shown = actions.show(PATH).fields
        try:
            actions.perform(request_for("edit", fields={**shown, **fields}), PATH)
        except (UsageError, SpliceError, UnwritableText):  # it adds an error, or no page can hold it
            assert PATH.read_bytes() == before
            assert len(actions.log) == 0
            return
        check_undo(config, before, {path for path, value in actions.show(PATH).fields.items() if value != shown[path]})

    check()


def test_a_rewrite_changes_only_its_fields(config: GenerationConfig) -> None:
    @settings(max_examples=60)
    @given(st.sampled_from(["house style", "quoted", "without a score", "a body"]), TEXTS, TEXTS, st.booleans())
    def check(layout: str, answer: str, description: str, goes_back: bool) -> None:
        new = {"answer": answer.replace("\n", "\\n").strip(), SEARCH[0]: description.replace("\n", " ").strip()}
        before = start(layout)
        store = OutputFolder(Path("out"))
        old = read(before).values
        save_rewrite(store, new)
        changed = {path for path, value in new.items() if old.get(path) != value}
        scored = {"score"} if "answer" in changed and old.get("score", -1.0) != -1.0 else set()
        actions = make_actions(config, store)
        try:
            actions.perform(request_for("take"), PATH)
        except (SpliceError, UnwritableText):
            assert PATH.read_bytes() == before
            return
        assume(changed)
        if goes_back:
            actions.perform(request_for("keep"), PATH)
            assert {path: read(PATH.read_bytes()).values.get(path) for path in new} == {path: old[path] for path in new}
            actions.perform(request_for("undo"), PATH)
        check_undo(config, before, changed | scored)

    check()
