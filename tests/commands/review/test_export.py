"""`qtgen review export`."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qtgen.commands.review.export import csv_cell
from qtgen.generation.decisions import Action, Decision, Draw, Seen
from qtgen.generation.output import OutputFolder

Run = Callable[..., tuple[int, str, str]]
COLUMNS = [
    "id", "at", "who", "action", "url", "acceptable", "prefers", "reasons", "note", "is_undone", "undoes", "plan",
    "probability", "blind", "seen_score", "seen_scorer", "seen_compared", "seconds", "answer_digest", "seo_digest",
    "answer_after", "seo_after",
]  # fmt: skip


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolder:
    monkeypatch.chdir(tmp_path)
    return OutputFolder(Path("outputs"))


def decision(number: int, **fields: Any) -> Decision:
    known: dict[str, Any] = {
        "action": Action.APPROVE,
        "texts": {"answer": "a1", "seo": "b1"},
        "url": f"/{number}",
        "who": "ann",
    }
    return Decision(id=str(number), at=f"2026-11-27T09:30:0{number}.000Z", **{**known, **fields})


def test_without_decisions_there_are_no_lines(qtgen: Run) -> None:
    missing = "outputs/.qtgen/decisions.jsonl does not exist; use --out to choose another folder\n"
    assert qtgen("review", "export") == (0, "", missing)
    code, out, _ = qtgen("review", "export", "--format", "csv")
    assert (code, out) == (0, ",".join(COLUMNS) + "\n")


def test_every_decision_with_its_columns_the_earliest_first(qtgen: Run, store: OutputFolder) -> None:
    rejected = decision(
        2, action=Action.REJECT, acceptable=False, reasons=("fact", "unclear"), note="wrong\nyear", blind=True,
        draw=Draw("spring", 0.029), seen=Seen(0.5, "3", "old"), seconds=12.5, after={"answer": "a2"},
    )  # fmt: skip
    undo = decision(3, action=Action.UNDO, undoes="2", url="/2")
    for one in (undo, rejected, decision(1)):  # as git may merge them
        store.append_decision(one)
    code, out, _ = qtgen("review", "export")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert all(list(row) == COLUMNS for row in rows)
    assert rows[1] == {
        "id": "2", "at": "2026-11-27T09:30:02.000Z", "who": "ann", "action": "reject", "url": "/2",
        "acceptable": False, "prefers": None, "reasons": ["fact", "unclear"], "note": "wrong\nyear", "is_undone": True,
        "undoes": None, "plan": "spring", "probability": 0.029, "blind": True, "seen_score": 0.5, "seen_scorer": "3",
        "seen_compared": "old", "seconds": 12.5, "answer_digest": "a1", "seo_digest": "b1", "answer_after": "a2",
        "seo_after": None,
    }  # fmt: skip
    (_, first, second, third) = csv.reader(io.StringIO(qtgen("review", "export", "--format", "csv")[1]))
    assert dict(zip(COLUMNS, second, strict=True)) == {
        "id": "2", "at": "2026-11-27T09:30:02.000Z", "who": "ann", "action": "reject", "url": "/2",
        "acceptable": "false", "prefers": "", "reasons": "fact unclear", "note": "wrong\nyear", "is_undone": "true",
        "undoes": "", "plan": "spring", "probability": "0.029", "blind": "true", "seen_score": "0.5",
        "seen_scorer": "3", "seen_compared": "old", "seconds": "12.5", "answer_digest": "a1", "seo_digest": "b1",
        "answer_after": "a2", "seo_after": "",
    }  # fmt: skip
    assert first[0] == "1"
    assert third[COLUMNS.index("undoes")] == "2"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(qtgen: Run, store: OutputFolder, text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    store.append_decision(decision(1, note=text, who=text, url=text))
    _, row = csv.reader(io.StringIO(qtgen("review", "export", "--format", "csv")[1]))
    for name in ("note", "who", "url"):
        assert row[COLUMNS.index(name)].startswith("'")


def test_numbers_and_plain_texts_stay_as_they_are() -> None:
    assert [csv_cell(value) for value in (-0.5, 1, None, True, "a=b", "", ["a", "b"])] == [
        "-0.5", "1", "", "true", "a=b", "", "a b",
    ]  # fmt: skip


def test_control_characters_never_reach_the_terminal(qtgen: Run, store: OutputFolder) -> None:
    store.append_decision(decision(1, note='a\x1b[31mb\u202ec, "quoted"'))
    for form in ("jsonl", "csv"):
        out = qtgen("review", "export", "--format", form)[1]
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert json.loads(qtgen("review", "export")[1])["note"] == 'a\x1b[31mb\u202ec, "quoted"'


def test_damaged_lines_are_reported_and_the_others_printed(qtgen: Run, store: OutputFolder) -> None:
    store.append_decision(decision(1))
    with store.decisions_file.open("ab") as file:
        file.write(b"\xff\n<<<<<<< HEAD\n")
    code, out, err = qtgen("review", "export")
    assert (code, len(out.splitlines())) == (0, 1)
    assert err.splitlines()[-2:] == [
        "warning: 2 lines skipped; the other decisions count",
        "read outputs/.qtgen/decisions.jsonl",
    ]
    assert err.startswith("warning: outputs/.qtgen/decisions.jsonl:2: not a decision: ")
