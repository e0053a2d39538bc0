"""Rewrites that reviewers can judge, as they are recorded."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.decisions.rewrites import as_rewrite, read_rewrites, rewrite_of, still_applies
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, write_site
from support.reviews import DESCRIPTION, NOW, make_actions, request_for, save_rewrite, url_of


@pytest.fixture
def store() -> OutputFolder:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION}, turgor={DESCRIPTION: LONG_DESCRIPTION})
    return OutputFolder(Path("out"))


def test_rewrites_are_read_with_both_texts_and_the_comparison(store: OutputFolder) -> None:
    save_rewrite(store)
    save_rewrite(store, name="turgor", is_taken=True)
    rewrites = read_rewrites(store, default_profile())
    assert {url: rewrite.is_taken for url, rewrite in rewrites.items()} == {url_of(): False, url_of("turgor"): True}
    rewrite = rewrites[url_of()]
    assert (rewrite.old, rewrite.new) == ({DESCRIPTION: LONG_DESCRIPTION}, {DESCRIPTION: SHORT_DESCRIPTION})
    assert (rewrite.reasons, rewrite.why) == (("QT601",), "the new description says less")
    assert rewrite.compared["verdict"] == "old"
    assert rewrite.made["asked_model"] == "m1"
    assert (rewrite.url, rewrite.path) == (url_of(), page_path())
    assert rewrite.digest != rewrites[url_of("turgor")].digest or rewrite.new == rewrites[url_of("turgor")].new


def test_the_rewrite_that_was_kept_back_comes_first(store: OutputFolder) -> None:
    save_rewrite(store, is_taken=True)
    save_rewrite(store, {DESCRIPTION: "Another one."})
    for rewrite in (
        read_rewrites(store, default_profile())[url_of()],
        rewrite_of(store, page_path(), default_profile()),
    ):
        assert rewrite
        assert (rewrite.is_taken, rewrite.new) == (False, {DESCRIPTION: "Another one."})


def test_a_page_without_a_rewrite_has_none(store: OutputFolder) -> None:
    assert read_rewrites(store, default_profile()) == {}
    assert rewrite_of(store, page_path(), default_profile()) is None


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {"fields": []},
        {"fields": {}},
        {"fields": {"answer": "text"}},
        {"fields": {"answer": {"old": "only"}}},
        {"fields": {"answer": {"old": "a", "new": ["b"]}}},
        {"fields": {"answer": {"old": "a", "new": "b"}, "url": {"old": "/learn/x", "new": "/learn/y"}}},
    ],
)
def test_a_damaged_record_is_no_rewrite(store: OutputFolder, record: Any) -> None:
    assert as_rewrite(record, default_profile(), is_taken=False) is None
    store.keep_rejected(page_path(), json.dumps(record))
    store.keep_rejected(page_path("turgor"), "{")
    assert read_rewrites(store, default_profile()) == {}
    assert rewrite_of(store, page_path(), default_profile()) is None


def test_a_record_changes_no_other_field_on_the_side() -> None:
    fields = {"answer": {"old": "a", "new": "b"}}
    also = {"score": {"old": 0.5, "new": -1.0}, "url": {"old": "/learn/x", "new": "/learn/y"}}
    rewrite = as_rewrite({"fields": fields, "also": also}, default_profile(), is_taken=True)
    assert rewrite
    assert rewrite.also == {"score": also["score"]}


def test_a_record_of_an_older_version_is_a_rewrite() -> None:
    fields = {"answer": {"old": "a", "new": "b"}}
    rewrite = as_rewrite(
        {"url": url_of(), "fields": fields, "compared": None, "reasons": "x"}, default_profile(), is_taken=False
    )
    assert rewrite
    assert (rewrite.compared, rewrite.made, rewrite.reasons, rewrite.why) == ({}, {}, (), "")


def test_a_rewrite_applies_while_its_text_stands(store: OutputFolder) -> None:
    save_rewrite(store)
    rewrite = read_rewrites(store, default_profile())[url_of()]
    assert still_applies(rewrite, read(Path(page_path()).read_bytes()))
    write_site(osmosis={DESCRIPTION: "Another one."})
    assert not still_applies(rewrite, read(Path(page_path()).read_bytes()))


def test_a_record_that_moves_keeps_its_time(store: OutputFolder, config: GenerationConfig) -> None:
    save_rewrite(store)
    moment = NOW.timestamp() - 60
    os.utime(store.rejected_records.path_of(page_path()), (moment, moment))
    actions = make_actions(config, store)
    for action in ("take", "keep", "undo"):
        actions.perform(request_for(action), Path(page_path()))
        assert read_rewrites(store, default_profile())[url_of()].saved_at == "2026-11-27T09:29:00.000Z"
