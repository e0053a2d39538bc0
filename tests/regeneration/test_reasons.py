"""Each reason for itself, and the state of a page that reasons are given."""

import datetime as dt
from typing import Any

import pytest

from qtgen.generation.decisions import Action, Decision, State
from qtgen.generation.provenance import ProvenanceRecord, group_digests
from qtgen.page import Page
from qtgen.page.compile import default_layout
from qtgen.regeneration.page_state import Criteria, PageState
from qtgen.regeneration.reasons import REASONS, complaint_of, describe_reason, group_of, is_rule, reason
from support.default_site import WRITTEN_GROUPS
from support.pages import make_page

CRITERIA = Criteria(
    today=dt.date(2026, 2, 1),
    prompts={"explain": ("w1", "s1")},
    models={"m"},
    contexts={"/u": "c1"},
    older_than=30,
    score_below=0.5,
)
FRESH = ProvenanceRecord("/u", "2026-01-31", "explain", "w1", "s1", "m", "q1", "c1")


def changed(**values: Any) -> ProvenanceRecord:
    return ProvenanceRecord(**{**{name: getattr(FRESH, name) for name in FRESH.__struct_fields__}, **values})


def state_of(page: Page, **records: ProvenanceRecord) -> PageState:
    return PageState("/u", "q1", records, lambda: page, layout=default_layout())


def groups_by_reason(state: PageState, criteria: Criteria = CRITERIA) -> dict[str, list[str]]:
    groups = {name: [*one.check(state, criteria)] for name, one in REASONS.items()}
    return {name: found for name, found in groups.items() if found}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"date": "2025-12-01"}, "old"),
        ({"date": "2026-01-02"}, None),  # exactly 30 days
        ({"date": "2026-01-01"}, "old"),
        ({"wording_digest": "w0"}, "prompt-changed"),
        ({"prompt": "removed"}, "prompt-changed"),
        ({"schema_digest": "s0"}, "schema-changed"),
        ({"asked_model": "n"}, "model-changed"),
        ({"context_digest": None}, "source-changed"),
        ({"question_digest": "q0"}, "question-edited"),
        ({"wording_digest": "", "schema_digest": "", "asked_model": "", "question_digest": ""}, None),
    ],
)
def test_a_reason_applies_to_the_group_whose_provenance_differs(values: dict[str, Any], expected: str | None) -> None:
    state = state_of(make_page(score=0.9), answer=changed(**values), seo=FRESH)
    assert groups_by_reason(state) == ({expected: ["answer"]} if expected else {})


def test_source_changed_applies_only_to_pages_of_the_question_files() -> None:
    state = PageState("/other", "q1", {"answer": changed(context_digest="c0")}, make_page, layout=default_layout())
    assert not [*REASONS["source-changed"].check(state, CRITERIA)]


def test_model_changed_does_not_apply_if_no_model_is_configured() -> None:
    state = state_of(make_page(), answer=changed(asked_model="n"))
    criteria = Criteria(CRITERIA.today, CRITERIA.prompts, frozenset())
    assert not [*REASONS["model-changed"].check(state, criteria)]


def test_unknown_provenance_applies_to_groups_without_a_record() -> None:
    state = state_of(make_page(score=0.9), answer=FRESH)
    assert groups_by_reason(state)["unknown-provenance"] == ["seo"]


@pytest.mark.parametrize(
    ("score", "expected"), [(0.4, ["answer", "seo"]), (0, ["answer", "seo"]), (0.5, []), (-1.0, []), (None, [])]
)
def test_low_score_applies_to_scored_pages_below_the_limit(score: float | None, expected: list[str]) -> None:
    page = make_page(score=None if score is None else float(score))
    assert [*REASONS["low-score"].check(state_of(page, answer=FRESH, seo=FRESH), CRITERIA)] == expected


def test_a_boolean_score_is_no_score() -> None:
    page = make_page()
    page.values["score"] = True  # type: ignore[index]
    assert state_of(page).score is None


def test_the_recorded_date_takes_precedence_over_the_date_of_the_page() -> None:
    page = make_page(date=dt.date(2020, 1, 1))
    assert state_of(page, answer=FRESH).written_on("answer") == dt.date(2026, 1, 31)
    assert state_of(page, answer=FRESH).written_on("seo") == dt.date(2020, 1, 1)
    assert state_of(page, answer=changed(date="yesterday")).written_on("answer") == dt.date(2020, 1, 1)


def test_a_datetime_is_not_the_date_of_a_page() -> None:
    page = make_page()
    page.values["date"] = dt.datetime(2020, 1, 1, 10)  # type: ignore[index]  # noqa: DTZ001 - as YAML reads it
    assert state_of(page).written_on("answer") is None


def test_the_page_is_read_once_and_only_if_needed() -> None:
    reads = []

    def read() -> Page:
        reads.append(1)
        return make_page(score=0.1)

    state = PageState("/u", "q1", {"answer": FRESH, "seo": FRESH}, read, layout=default_layout())
    assert state.written_on("answer") == dt.date(2026, 1, 31)
    assert not reads
    assert (state.score, state.page.values["score"]) == (0.1, 0.1)
    assert len(reads) == 1


def test_every_reason_is_documented() -> None:
    for one in REASONS.values():
        first_line = one.doc.splitlines()[0]
        assert first_line.endswith("."), one.name
        assert "--" not in one.doc, f"{one.name}: options belong to the command line"


def test_a_description_says_when_the_reason_is_active() -> None:
    heading = {name: describe_reason(one, default_layout()).splitlines()[0] for name, one in REASONS.items()}
    assert heading["old"] == "## old (active if `older_than` is given)"
    assert heading["prompt-changed"] == "## prompt-changed (active by default)"
    assert heading["unknown-provenance"] == "## unknown-provenance (active only if named)"
    assert "(active if --score-below is given)" in describe_reason(
        REASONS["low-score"], default_layout(), lambda _: "--score-below"
    )


def test_a_registered_function_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen.regeneration.reasons.REASONS", registry := dict(REASONS))

    @reason(setting="older_than")
    def blue_moon(_state: PageState, _criteria: Criteria) -> list[str]:
        """There was a blue moon."""
        return ["answer"]

    added = registry["blue-moon"]
    assert (added.doc, added.setting, added.needs_history) == ("There was a blue moon.", "older_than", False)
    assert "blue-moon" not in REASONS


def decided(action: str, page: Page, **values: Any) -> PageState:
    """Return the state of a page after a decision about it, without provenance."""
    texts = group_digests(page, WRITTEN_GROUPS)
    fields = {"id": "1", "at": "2026-01-31T00:00:00.000Z", "who": "ada", "url": "/u", "texts": texts, **values}
    return PageState("/u", "q1", {}, lambda: page, default_layout(), Decision(action=Action(action), **fields))


@pytest.mark.parametrize(
    ("reasons", "groups"),
    [((), WRITTEN_GROUPS), (("fact", "search-fields"), WRITTEN_GROUPS), (("search-fields",), ("seo",))],
)
def test_a_page_that_was_sent_back_is_stale_in_what_the_reader_disliked(
    reasons: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    state = decided("send-back", make_page(), reasons=reasons, note="Say why.")
    assert tuple(REASONS["sent-back"].check(state, CRITERIA)) == groups
    assert state.decided is State.SENT_BACK


def test_a_page_that_changed_since_it_was_sent_back_is_not_stale() -> None:
    state = decided("send-back", make_page(), texts={"answer": "0", "seo": "0"})
    assert (state.decided, tuple(REASONS["sent-back"].check(state, CRITERIA))) == (State.RETURNED, ())


@pytest.mark.parametrize("action", ["approve", "reject", "keep", "skip"])
def test_other_decisions_are_no_reason(action: str) -> None:
    assert not tuple(REASONS["sent-back"].check(decided(action, make_page()), CRITERIA))


def test_a_complaint_is_one_line_with_the_readers_reasons() -> None:
    state = decided("send-back", make_page(), reasons=("fact", "unclear", "?"), note="Water\r\nis wet.\n")
    assert state.decision
    assert complaint_of(state.decision) == "Factual error, Unclear: Water is wet."
    state = decided("send-back", make_page(), note="Say why.")
    assert state.decision
    assert complaint_of(state.decision) == "Say why."


def test_reasons_that_need_no_setting_and_no_name_need_history() -> None:
    without = {name for name, one in REASONS.items() if not one.needs_history}
    assert without == {"old", "low-score", "unknown-provenance"}


def test_fields_belong_to_groups_and_rules_are_told_from_reasons() -> None:
    assert (group_of("answer", default_layout()), group_of("seo.page_keywords", default_layout())) == ("answer", "seo")
    assert group_of("related_article2.url", default_layout()) == "related"
    assert (group_of("title", default_layout()), group_of(None, default_layout())) == (None, None)
    assert is_rule("QT601")
    assert not is_rule("old")
