"""Which pages are stale, and why."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import Action, Decision, DecisionLog
from qtgen.generation.provenance import ProvenanceIndex, group_digests, read_provenance
from qtgen.page import Page
from qtgen.page.profile import default_profile
from qtgen.regeneration import detect
from qtgen.regeneration.detect import find_stale
from qtgen.regeneration.page_state import Criteria
from qtgen.regeneration.reasons import REASONS
from qtgen.regeneration.staleness import StalenessFilter, StalenessReport, StalePage
from qtgen.site.discovery import iter_batches
from qtgen.validation.run import ValidationOptions
from support import TODAY
from support.default_site import WRITTEN_GROUPS
from support.default_tables import FIELD_GROUPS, LAYOUT, read_text
from support.pages import (
    DANGLING_LINK,
    LONG_DESCRIPTION,
    SHORT_DESCRIPTION,
    UNSPACED_KEYWORDS,
    make_page,
    page_path,
    write_site,
)

TEXT_CODES = frozenset({"QT601", "QT603", "QT604", "QT605"})
CRITERIA = Criteria(TODAY, {"explain": ("w1", "s1")}, frozenset({"m1"}))
URL = "/learn/biology/questions/what-is-osmosis"


def named(*reasons: str, codes: frozenset[str] = frozenset(), **options: Any) -> StalenessFilter:
    groups = options.pop("groups", frozenset(WRITTEN_GROUPS))
    return StalenessFilter([REASONS[name] for name in reasons], codes, groups, **options)


def find(
    config: GenerationConfig,
    staleness: StalenessFilter,
    provenance: ProvenanceIndex | None = None,
    criteria: Criteria = CRITERIA,
    *,
    decisions: DecisionLog | None = None,
    folder: str = "site",
    corpus: str | None = None,
    with_dates: bool = False,
) -> StalenessReport:
    options = ValidationOptions((), corpus=Path(corpus) if corpus else None, profile=default_profile())
    batches = list(iter_batches([Path(folder)]))
    return find_stale(
        batches,
        options,
        staleness,
        criteria,
        provenance or ProvenanceIndex(LAYOUT),
        config,
        decisions=decisions,
        with_dates=with_dates,
    )


def record(page: Page, groups: Iterable[str] = WRITTEN_GROUPS, **values: Any) -> dict[str, Any]:
    """Return a line of provenance for texts of the model m1, as they are on `page`."""
    line = {"url": page.text_of("url"), "date": "2026-01-01", "prompt": "explain", "asked_model": "m1"}
    digests = group_digests(page, [*groups])
    return {**line, "groups": [*groups], "text_digests": digests, "wording_digest": "w1", **values}


def index(*lines: Mapping[str, Any]) -> ProvenanceIndex:
    return read_provenance((json.dumps(line).encode() for line in lines), LAYOUT)


def stale_paths(report: StalenessReport) -> list[str]:
    return [page.path for page in report.stale]


def test_a_finding_makes_its_field_stale(config: GenerationConfig) -> None:
    write_site(osmosis={"seo.page_description": LONG_DESCRIPTION}, diffusion={})
    report = find(config, named(codes=TEXT_CODES))
    assert report.pages == 2
    assert report.stale == [
        StalePage(page_path(), URL, {"QT601": frozenset({"seo.page_description"})}, errors=0, warnings=1)
    ]


def test_findings_of_other_rules_and_groups_are_no_reasons(config: GenerationConfig) -> None:
    write_site(osmosis={"seo.page_description": LONG_DESCRIPTION, "answer": "Too short. " * 3})
    assert not find(config, named(codes=frozenset({"QT604"}))).stale
    (page,) = find(config, named(codes=TEXT_CODES, groups=frozenset({"answer"}))).stale
    assert page.because == {"QT605": frozenset({"answer"})}


def test_the_reasons_that_fixes_remove_are_free(config: GenerationConfig) -> None:
    write_site(
        osmosis={"seo.page_description": LONG_DESCRIPTION, "seo.page_keywords": UNSPACED_KEYWORDS},
        turgor={"seo.page_keywords": UNSPACED_KEYWORDS},
    )
    paid, free = find(config, named(codes=TEXT_CODES)).stale
    assert (paid.reasons, paid.is_free) == (("QT601", "QT603"), False)
    assert paid.free == {"QT603"}
    assert paid.fields == {"seo.page_description", "seo.page_keywords"}
    assert (free.reasons, free.is_free) == (("QT603",), True)
    assert paid.only_for("QT603").is_free
    assert paid.only_for("QT601") == replace(
        paid, because={"QT601": frozenset({"seo.page_description"})}, free=frozenset()
    )


def test_links_are_free_and_judged_by_the_corpus(config: GenerationConfig) -> None:
    write_site(osmosis=DANGLING_LINK, diffusion={})
    staleness = named(codes=frozenset({"QT403"}), groups=frozenset({"related"}))
    (page,) = find(config, staleness, corpus="site").stale
    assert (page.reasons, page.is_free, page.errors) == (("QT403",), True, 1)


def test_a_reason_about_the_text_makes_all_fields_of_its_groups_stale(config: GenerationConfig) -> None:
    write_site(osmosis={})
    staleness = named("model-changed", groups=frozenset({"seo"}))
    report = find(config, staleness, index(record(make_page(), asked_model="m0", context_digest="c0")))
    assert report.stale[0].because == {"model-changed": frozenset(FIELD_GROUPS["seo"])}
    assert report.stale[0].context_digest == "c0"
    assert not find(config, staleness, index(record(make_page()))).stale


def test_an_edited_question_is_detected_without_reading_the_page(
    config: GenerationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(osmosis={})
    monkeypatch.setattr(detect, "read_page", lambda path, _size: pytest.fail(f"{path} was read"))
    staleness = named("question-edited", include_edited=True)
    report = find(config, staleness, index(record(make_page(), question_digest="0" * 16)))
    assert [page.reasons for page in report.stale] == [("question-edited",)]


def test_pages_without_provenance_are_read_only_for_reasons_that_apply_to_them(
    config: GenerationConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(osmosis={"score": 0.1})
    criteria = replace(CRITERIA, score_below=0.5)
    assert [page.score for page in find(config, named("low-score"), criteria=criteria).stale] == [0.1]
    monkeypatch.setattr(detect, "read_page", lambda path, _size: pytest.fail(f"{path} was read"))
    assert not find(config, named("prompt-changed", "model-changed")).stale


def test_unknown_provenance_of_pages_that_were_never_written(config: GenerationConfig) -> None:
    write_site(osmosis={}, diffusion={})
    report = find(config, named("unknown-provenance"), index(record(make_page(), ["seo"])))
    assert [page.fields for page in report.stale] == [
        {"answer", *FIELD_GROUPS["seo"]},
        {"answer"},
    ]


@pytest.mark.parametrize("folder", ["site", "site/biology", "."])
def test_the_url_of_a_page_without_provenance_follows_from_its_path(
    config: GenerationConfig, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(osmosis={})
    if folder == ".":
        monkeypatch.chdir("site/biology")
    assert [page.url for page in find(config, named("unknown-provenance"), folder=folder).stale] == [URL]


def test_pages_that_do_not_parse_are_listed_apart(config: GenerationConfig) -> None:
    write_site(osmosis={})
    broken = Path("site/biology/broken.md")
    broken.write_text("---\ntitle: [\n---\n\n&nbsp;")
    report = find(config, named("unknown-provenance", codes=TEXT_CODES))
    assert (report.unreadable, stale_paths(report)) == ([str(broken)], [page_path()])


def test_provenance_without_a_page_is_gone(config: GenerationConfig) -> None:
    write_site(diffusion={})
    report = find(config, named("model-changed"), index(record(make_page())))
    assert (report.gone, report.stale) == ([URL], [])


def test_text_that_a_person_edited_is_left_out(config: GenerationConfig) -> None:
    written = make_page()
    write_site(osmosis={"answer": f"{written.text_of('answer')} Anna says so."})
    lines = index(record(written, asked_model="m0"))
    (page,) = find(config, named("model-changed"), lines).stale
    assert page.fields == set(FIELD_GROUPS["seo"]), "the search fields are as they were written"
    report = find(config, named("model-changed", groups=frozenset({"answer"})), lines)
    assert (report.stale, report.edited) == ([], [page_path()])
    (page,) = find(config, named("model-changed", include_edited=True), lines).stale
    assert "answer" in page.fields


# --- decisions of readers ----------------------------------------------------------------------------------------------


def decision(action: str, page: Page, number: int = 1, **values: Any) -> Decision:
    """Return a decision about the texts of a page."""
    texts = group_digests(page, WRITTEN_GROUPS)
    at = f"2026-01-31T00:00:{number:02}.000Z"
    fields = {"id": str(number), "at": at, "who": "ada", "url": page.text_of("url"), "texts": texts, **values}
    return Decision(action=Action(action), **fields)


def test_a_page_that_was_sent_back_is_stale_without_provenance(config: GenerationConfig) -> None:
    write_site(osmosis={}, diffusion={})
    sent_back = decision("send-back", make_page(), note="Say why.", reasons=("incomplete",))
    report = find(config, named("sent-back"), decisions=DecisionLog([sent_back]))
    (page,) = report.stale
    assert (page.path, page.reasons, page.complaint) == (page_path(), ("sent-back",), "Incomplete: Say why.")
    assert page.fields == {path for group in WRITTEN_GROUPS for path in FIELD_GROUPS[group]}
    assert page.only_for("sent-back") == page


def test_a_text_that_changed_since_it_was_sent_back_is_not_stale(config: GenerationConfig) -> None:
    write_site(osmosis={"seo.page_description": SHORT_DESCRIPTION})
    log = DecisionLog([decision("send-back", make_page(), note="Say why.")])
    assert find(config, named("sent-back"), decisions=log).stale == []


def test_only_the_decision_in_force_counts(config: GenerationConfig) -> None:
    write_site(osmosis={})
    sent_back = decision("send-back", make_page(), note="Say why.")
    for later in (decision("approve", make_page(), 2), decision("undo", make_page(), 2, undoes="1")):
        assert find(config, named("sent-back"), decisions=DecisionLog([sent_back, later])).stale == []
    report = find(config, named("sent-back"), decisions=DecisionLog([sent_back, decision("skip", make_page(), 2)]))
    assert stale_paths(report) == [page_path()]


def test_a_page_that_was_sent_back_is_rewritten_although_a_person_edited_it(config: GenerationConfig) -> None:
    edited = make_page(answer="Osmosis moves water. Anna says so.")
    write_site(osmosis={"answer": edited.text_of("answer")})
    lines = index(record(make_page(), asked_model="m0"))
    log = DecisionLog([decision("send-back", edited, note="Say why.")])
    (page,) = find(config, named("sent-back", "model-changed"), lines, decisions=log).stale
    assert page.because["sent-back"] >= {"answer"}


def test_approved_texts_are_left_alone_and_reported(config: GenerationConfig) -> None:
    write_site(osmosis={"seo.page_description": LONG_DESCRIPTION}, diffusion={})
    approved = make_page(**{"seo.page_description": LONG_DESCRIPTION})
    lines = index(record(approved, asked_model="m0"), record(make_page("diffusion"), asked_model="m0"))
    staleness = named("model-changed", codes=TEXT_CODES)
    report = find(config, staleness, lines, decisions=DecisionLog([decision("approve", approved)]))
    assert (stale_paths(report), report.approved, report.edited) == ([page_path("diffusion")], [page_path()], [])
    report = find(
        config, replace(staleness, include_edited=True), lines, decisions=DecisionLog([decision("approve", approved)])
    )
    assert (stale_paths(report), report.approved) == ([page_path("diffusion"), page_path()], [])
    rejected = DecisionLog([decision("approve", approved), decision("reject", approved, 2)])
    assert page_path() in stale_paths(find(config, staleness, lines, decisions=rejected))


def test_the_links_of_an_approved_page_are_not_approved(config: GenerationConfig) -> None:
    write_site(osmosis=DANGLING_LINK)
    staleness = named(codes=frozenset({"QT403"}), groups=frozenset({"answer", "related"}))
    before = find(config, staleness, corpus="site")
    after = find(config, staleness, corpus="site", decisions=DecisionLog([decision("approve", make_page())]))
    assert before.stale == after.stale
    assert stale_paths(after) == [page_path()]


def test_an_approval_that_a_killed_server_did_not_carry_out_does_not_count(config: GenerationConfig) -> None:
    write_site(osmosis={"seo.page_description": LONG_DESCRIPTION})
    old = make_page(**{"seo.page_description": LONG_DESCRIPTION})
    new = make_page(**{"seo.page_description": SHORT_DESCRIPTION})
    edit = decision("edit", old, after={"seo": group_digests(new, ["seo"])["seo"]})
    log = DecisionLog([edit])
    assert stale_paths(find(config, named(codes=TEXT_CODES), decisions=log)) == [page_path()]
    assert len(log) == 0


def test_pages_with_other_decisions_are_not_read(config: GenerationConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(osmosis={}, diffusion={})
    log = DecisionLog([decision("approve", make_page()), decision("reject", make_page("diffusion"), 2)])
    read: list[str] = []
    monkeypatch.setattr(detect, "read_page", lambda path, *_: read.append(path))
    assert find(config, named("sent-back"), decisions=log).stale == []
    assert read == []


def test_a_safe_fix_is_not_an_edit(config: GenerationConfig) -> None:
    fixed = make_page(**{"seo.page_keywords": UNSPACED_KEYWORDS.replace(",", ", ")})
    write_site(osmosis={"seo.page_keywords": UNSPACED_KEYWORDS})
    report = find(config, named("model-changed"), index(record(fixed, asked_model="m0")))
    assert (stale_paths(report), report.edited) == ([page_path()], [])


def test_a_reverted_run_is_not_an_edit(config: GenerationConfig) -> None:
    new, old = make_page(**{"seo.page_description": SHORT_DESCRIPTION}), make_page()
    write_site(osmosis={}, aaa={})
    lines = [record(new, ["seo"], asked_model="m0", replaced_digests=group_digests(old, ["seo"]))]
    # Behind 64 further records, so that the record is not taken for one of a run that was killed.
    lines += [record(make_page("aaa"), ["seo"], replaced_digests={"seo": "0"})] * 64
    report = find(config, named("model-changed"), index(*lines))
    assert (stale_paths(report), report.edited) == ([page_path()], [])


def test_the_record_of_a_text_that_was_never_written_does_not_count(config: GenerationConfig) -> None:
    old = make_page()
    write_site(osmosis={})
    first = record(old, asked_model="m0")
    killed = record(
        read_text(old.text), ["seo"], replaced_digests=group_digests(old, ["seo"]), text_digests={"seo": "x"}
    )
    (page,) = find(config, named("model-changed"), index(first, killed)).stale
    assert "seo.page_description" in page.fields


def test_recent_provenance_of_a_page_that_is_only_in_the_corpus(config: GenerationConfig) -> None:
    """Pages of the corpus are not among the paths, so their numbers are not indexes of paths."""
    write_site(osmosis=DANGLING_LINK, diffusion={})
    Path("part").mkdir()
    Path("site/biology/what-is-osmosis.md").rename("part/what-is-osmosis.md")
    other = record(make_page("diffusion"), replaced_digests={"seo": "0"})
    staleness = named(codes=frozenset({"QT403"}), groups=frozenset({"related"}))
    report = find(config, staleness, index(other), folder="part", corpus="site")
    assert (stale_paths(report), report.gone) == (["part/what-is-osmosis.md"], [])


def test_dates_and_scores_are_set_if_they_are_needed(config: GenerationConfig) -> None:
    write_site(osmosis={"date": dt.date(2021, 5, 6), "score": 0.25, "seo.page_description": LONG_DESCRIPTION})
    staleness = named(codes=TEXT_CODES)
    (page,) = find(config, staleness).stale
    assert (page.date, page.score) == (None, None)
    lines = index(record(make_page(**{"seo.page_description": LONG_DESCRIPTION}), ["seo"]))
    criteria = replace(CRITERIA, score_below=0.1)
    (page,) = find(config, staleness, lines, criteria, with_dates=True).stale
    assert page.date == dt.date(2021, 5, 6), "the answer has no record, so its date is that of the page"
    assert page.score == 0.25
