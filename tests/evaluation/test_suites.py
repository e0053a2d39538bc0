"""Suites, strict replay, the gate and the commands of `qtgen eval`, on the recordings that are shipped."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from qtgen.errors import UsageError
from qtgen.evaluation.gate import judged, summed
from qtgen.evaluation.metrics import SCORER
from qtgen.evaluation.runner import directions, taken
from qtgen.evaluation.scoring import Item, score
from qtgen.evaluation.suites import Gate, load_suite
from qtgen.page import slug
from support import ROOT

SMOKE = ROOT / "evals" / "smoke"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def smoke(tmp_path: Path) -> Path:
    """A copy of the suite to do damage to."""
    return Path(shutil.copytree(SMOKE, tmp_path / "evals" / "smoke"))


def make_report(scores: dict[str, float | None], **other: Any) -> dict[str, Any]:
    items = [
        {"id": name, "cluster": name, "question": f"{name}?", "score": value, "metrics": {"must_recall": value}}
        for name, value in scores.items()
    ]
    report = {"version": 1, "suite": "s", "suite_digest": "d", "scorer": SCORER, "items": items}
    return {**report, "metrics": summed(items, directions()), **other}


def gate_of(before: dict[str, float | None], after: dict[str, float | None], **settings: Any) -> dict[str, Any]:
    gate = Gate(**{"metrics": ("score",), **settings})
    return judged(make_report(before), make_report(after), gate, "baseline.json", directions())


SCORES: dict[str, float | None] = {f"r{n}": 0.4 + n / 50 for n in range(20)}


def test_the_three_verdicts() -> None:
    assert gate_of(SCORES, {name: value and value - 0.05 for name, value in SCORES.items()})["verdict"] == "worse"
    assert gate_of(SCORES, SCORES)["verdict"] == "no change shown"
    noisy = {
        name: value and value + (0.2 if number % 2 else -0.2) for number, (name, value) in enumerate(SCORES.items())
    }
    found = gate_of(SCORES, noisy)
    assert found["verdict"] == "too few items to tell"
    assert "references could show" in found["reasons"][0]
    one = gate_of({"r": 0.5}, {"r": 0.4})
    assert one["verdict"] == "too few items to tell"


def test_a_blind_metric_leaves_the_run_untold() -> None:
    before, after = make_report(SCORES), make_report(SCORES)
    for number, item in enumerate(after["items"]):
        item["metrics"]["must_recall"] += 0.5 if number % 3 == 0 else -0.4
    found = judged(before, after, Gate(metrics=("score", "must_recall"), max_fall=None), "b", directions())
    assert [one["verdict"] for one in found["comparisons"]] == ["no change shown", "too few items to tell"]
    assert found["verdict"] == "too few items to tell"
    assert [reason.partition(":")[0] for reason in found["reasons"]] == ["must_recall"]


def test_a_reference_that_falls_is_worse_whatever_the_mean_says() -> None:
    after = {**SCORES, "r3": 0.1}
    assert gate_of(SCORES, after, max_fall=0.3)["verdict"] == "worse"
    assert [fall["id"] for fall in gate_of(SCORES, after, max_fall=0.3)["falls"]] == ["r3"]
    assert gate_of(SCORES, after, max_fall=None)["falls"] == []


def test_what_has_no_score_is_left_out_and_said() -> None:
    found = gate_of(SCORES, {**SCORES, "r1": None})
    assert found["comparisons"][0]["items"] == 19
    assert found["reasons"][-2:] == [
        "1 of 20 references have no score on one side, and were left out",
        "1 of 20 references lost the score that they had; r1 did",
    ]
    assert make_report({"a": None, "b": 0.5})["metrics"]["score"]["mean"] == 0.5
    assert make_report({"a": None, "b": 0.5})["metrics"]["score"]["missing"] == 1


@pytest.mark.parametrize("key", ["suite", "suite_digest", "scorer"])
def test_what_is_not_comparable_is_refused_with_why(key: str) -> None:
    with pytest.raises(UsageError, match="other, and this run"):
        judged(make_report(SCORES, **{key: "other"}), make_report(SCORES), Gate(), "b.json", directions())


def test_other_judges_are_not_comparable() -> None:
    before, after = make_report(SCORES, judges=["a"]), make_report(SCORES, judges=["b"])
    assert judged(before, after, Gate(metrics=("score",)), "b.json", directions())["verdict"] == "no change shown"
    with pytest.raises(UsageError, match="`judge` is of other judges"):
        judged(before, after, Gate(metrics=("judge",)), "b.json", directions())


def test_a_lower_contradiction_is_better() -> None:
    before, after = make_report(SCORES), make_report(SCORES)
    for item in (*before["items"], *after["items"]):
        item["metrics"]["contradiction"] = 0.2
    for item in after["items"]:
        item["metrics"]["contradiction"] = 0.3
    found = judged(before, after, Gate(metrics=("contradiction",)), "b", directions())
    assert found["verdict"] == "worse"


# --- suites ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "least", "subjects"), [("core", 40, 12), ("smoke", 8, 8)])
def test_shipped_suites_are_whole(name: str, least: int, subjects: int) -> None:
    suite = load_suite(ROOT / "evals" / name)
    assert len(suite.references) >= least
    assert len({one.question.subject for one in suite.references}) >= subjects
    assert all(one.error is None and one.nuggets.must and one.nuggets.nice for one in suite.references)
    answers = "\n".join(one.answer for one in suite.references)
    assert all(mark in answers for mark in ("```", "$", "---", "1. **"))


def test_a_suite_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suite\.toml: No such file or directory"):
        load_suite(tmp_path)
    (tmp_path / "suite.toml").write_text("repeats = 0\n")
    with pytest.raises(UsageError, match=r"suite\.toml: repeats: "):
        load_suite(tmp_path)
    (tmp_path / "suite.toml").write_text("")
    with pytest.raises(UsageError, match=r"no reference \(\*\.md\) in it"):
        load_suite(tmp_path)


def test_a_broken_reference_is_a_value(smoke: Path) -> None:
    pages = sorted((smoke / "references").glob("*.md"))
    pages[0].write_text("---\ntitle: >-\n    A?\n")
    pages[1].with_suffix(".nuggets.toml").write_text("must = 3")
    errors = [one.error.kind if one.error else None for one in load_suite(smoke).references]
    assert errors == ["no-reference", "no-reference", *[None] * 6]


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `qtgen eval …` in the folder of the copied suite."""
    from qtgen.cli import run

    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["eval", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_replay_scores_every_reference_and_uses_every_recording(smoke: Path, command: Run, tmp_path: Path) -> None:
    code, out, err = command("run", "smoke", "--json", "r.json", "--html", "r.html", "--junit", "r.xml")
    assert code == 0, out + err
    report = json.loads((tmp_path / "r.json").read_text())
    assert [item["error"] for item in report["items"]] == [None] * 8
    assert report["recordings"] == {"unused": [], "missed": []}
    assert report["gate"]["verdict"] == "no change shown"
    assert report["gate"]["comparisons"][0]["difference"] == pytest.approx(0, abs=1e-5)
    assert "no change" in out.lower()
    assert (tmp_path / "r.html").stat().st_size < 2_000_000


def test_a_request_without_a_recording_is_an_error_that_shows_the_difference(smoke: Path, command: Run) -> None:
    cassette = smoke / "cassettes" / "completions.yaml"
    cassette.write_text(cassette.read_text().replace("list comprehension", "list understanding"))
    code, out, _ = command("run", "smoke", "--json", "-")
    report = json.loads(out)
    assert code == 1
    missed = [item for item in report["items"] if item["error"]]
    assert [item["error"]["kind"] for item in missed] == ["cassette-miss"]
    assert missed[0]["score"] is None
    assert "- user:" in missed[0]["error"]["message"]
    assert "+ user:" in missed[0]["error"]["message"]
    assert len(report["recordings"]["unused"]) >= 1


def test_another_prompt_misses_everywhere(smoke: Path, command: Run, tmp_path: Path) -> None:
    code, out, _ = command("run", "smoke", "--prompt", "compare", "--json", "-")
    report = json.loads(out)
    assert code == 1
    assert report["metrics"]["score"]["missing"] >= 6
    assert all(item["score"] is None for item in report["items"] if item["error"])


def test_a_broken_or_missing_cassette_is_one_line(smoke: Path, command: Run) -> None:
    cassette = smoke / "cassettes" / "completions.yaml"
    cassette.write_text("interactions: [{")
    code, out, err = command("run", "smoke")
    assert (code, out) == (2, "")
    assert "completions.yaml: not a cassette" in err
    cassette.unlink()
    assert "nothing is recorded yet" in command("run", "smoke")[2]


def test_a_baseline_of_another_scorer_is_refused_after_the_report(smoke: Path, command: Run) -> None:
    baseline = json.loads((smoke / "baseline.json").read_text())
    (smoke / "baseline.json").write_text(json.dumps({**baseline, "scorer": "0-old"}))
    code, out, err = command("run", "smoke")
    assert code == 2
    assert "mean score" in out
    assert "was scored by 0-old" in err


def test_a_run_with_failures_does_not_become_the_baseline(smoke: Path, command: Run) -> None:
    before = (smoke / "baseline.json").read_bytes()
    code, out, err = command("run", "smoke", "--prompt", "compare", "--save-baseline")
    assert code == 2
    assert "mean score" in out or "no score" in out
    assert "--save-baseline: an item has no score" in err
    assert (smoke / "baseline.json").read_bytes() == before


def test_an_empty_page_is_the_worst_by_every_metric(smoke: Path) -> None:
    reference = load_suite(smoke).references[0]
    item = Item("a", reference.question.text, (reference.answer,), " ", reference.nuggets.must)
    found = score(item)
    assert found.score == 0.0
    assert {found.metrics[name] for name in ("must_recall", "coverage", "structure")} == {0.0}
    assert {found.metrics[name] for name in ("contradiction", "repetition", "unsupported")} == {1.0}
    assert found.metrics["nice_recall"] is None  # no nugget that is nice to have


def test_pages_are_scored_and_their_scores_written(smoke: Path, command: Run, tmp_path: Path) -> None:
    pages = Path(shutil.copytree(smoke / "references", tmp_path / "pages"))
    some = sorted(pages.glob("*.md"))
    before = some[1].read_text()
    some[0].unlink()
    code, out, _ = command("run", "smoke", "--pages", "pages", "--write-scores", "--json", "-")
    report = json.loads(out)
    assert code == 1  # one page is missing
    assert report["items"][0]["error"]["kind"] == "no-page"
    assert all(item["score"] > 0.95 for item in report["items"][1:])
    after = some[1].read_text()
    changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert changed == [("score: -1.0", f"score: {round(report['items'][1]['score'], 3)}")]


def test_of_two_pages_of_one_name_that_of_the_subject_is_taken(smoke: Path, tmp_path: Path) -> None:
    suite = load_suite(smoke)
    first, second, third, fourth = suite.references[:4]
    pages = tmp_path / "pages"
    for reference, folders in ((first, ("a", slug(first.question.subject), "z")), (second, ("a", "b"))):
        for folder in folders:
            (pages / folder).mkdir(parents=True, exist_ok=True)
            (pages / folder / reference.path.name).write_text(folder)
    (pages / third.path.name).mkdir()
    (pages / fourth.path.name).write_text("x")
    found = taken(suite, pages)
    assert found[0].text == slug(first.question.subject)
    assert [one.error and one.error.kind for one in found[:4]] == [None, "ambiguous-page", "no-page", None]


def test_a_page_that_cannot_be_read_is_an_error_of_its_item(
    smoke: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("qtgen.evaluation.runner.read_page_bytes", refuse)
    found = taken(load_suite(smoke), smoke / "references")
    assert {one.error and one.error.kind for one in found} == {"unreadable-page"}


def test_of_a_text_that_is_too_large_the_beginning_is_reported(smoke: Path, command: Run, tmp_path: Path) -> None:
    pages = Path(shutil.copytree(smoke / "references", tmp_path / "pages"))
    page = min(pages.glob("*.md"))
    page.write_text(page.read_text().replace("answer: >-\n    ", "answer: >-\n    " + "water " * 20_000, 1))
    _, out, _ = command("run", "smoke", "--pages", "pages", "--json", "-")
    item = json.loads(out)["items"][0]
    assert item["error"]["kind"] == "too-large"
    assert len(item["candidate"]) == 1_000


@pytest.mark.parametrize("words", [("run", "smoke"), ("compare", "a.json", "b.json")])
def test_two_forms_do_not_share_stdout(smoke: Path, command: Run, words: tuple[str, ...]) -> None:
    code, out, err = command(*words, "--github", "--json", "-")
    assert (code, out) == (2, "")
    assert "--json -: the annotations of --github go to stdout" in err


def test_metrics_of_meta_are_known_and_may_have_blanks(command: Run, tmp_path: Path) -> None:
    row = {"id": "1", "question": "Why?", "reference": "Water boils.", "answer_a": "Water boils.", "answer_b": "No."}
    (tmp_path / "meta_ragchecker_pairs.jsonl").write_text(json.dumps({**row, "human": {"overall": [-2, -2]}}))
    assert "there is no `rouge_ll`" in command("meta", "--data", ".", "--metrics", "score,rouge_ll")[2]
    code, out, err = command("meta", "--data", ".", "--metrics", "score, rouge_l", "--json")
    assert code == 0, err
    assert [one["metric"] for one in json.loads(out)] == ["score", "rouge_l"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_line_with_what_is_no_number_is_malformed(command: Run, tmp_path: Path, number: str) -> None:
    (tmp_path / "in.jsonl").write_text(f'{{"id": {number}, "reference": "Water boils.", "candidate": "Water boils."}}')
    code, out, _ = command("score", "in.jsonl")
    found = json.loads(out)
    assert (code, found["id"], found["error"]["kind"]) == (1, None, "malformed")
    assert "no finite number" in found["error"]["message"]


def test_scores_line_by_line(command: Run, tmp_path: Path) -> None:
    lines = [
        {"id": "a", "question": "Why?", "reference": ["Water boils at 100 °C."], "candidate": "Water boils at 100 °C."},
        {"id": "b", "question": "Why?", "reference": "Water boils at 100 °C.", "candidate": ""},
        {"id": "c", "question": "Why?", "candidate": "x"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n")
    code, out, err = command("score", "in.jsonl", "--metrics", "rouge_l")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [line["id"] for line in found] == ["a", "b", "c", None]
    assert found[0]["score"] > 0.99
    assert found[0]["metrics"]["rouge_l"] == 1.0
    assert [line["error"] and line["error"]["kind"] for line in found] == [
        None,
        "empty-candidate",
        "malformed",
        "malformed",
    ]
    assert err.strip() == "2 malformed, 1 scored, 1 empty-candidate"
    assert "there is no `bleurt`" in command("score", "in.jsonl", "--metrics", "bleurt")[2]


def test_two_reports_are_compared(command: Run, tmp_path: Path) -> None:
    base = {"qtgen": "0", "created": "2026-01-01T00:00:00+00:00", "provider": "p", "model": "m", "prompts": {}}
    base |= {"repeats": 1, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "cost_usd": None}, "gate": None}
    base |= {"recordings": {"unused": [], "missed": []}}
    for name, change in (("a", 0.0), ("b", -0.08)):
        report = make_report({k: (v or 0) + change for k, v in SCORES.items()}, **base)
        for item in report["items"]:
            item |= {"subject": "S", "repeat": 1, "notes": {}, "error": None, "candidate": "c", "reference": "r"}
            item |= {"usage": base["usage"]}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    code, out, err = command("compare", "a.json", "b.json", "--metrics", "score")
    assert code == 1, err
    assert "worse" in out.lower()
    assert command("compare", "a.json", "a.json")[0] == 0
    assert "No such file" in command("compare", "a.json", "no.json")[2]
    (tmp_path / "no.json").write_text('{"suite": NaN}')
    assert "NaN is no number" in command("compare", "no.json", "a.json")[2]
    (tmp_path / "no.json").write_text("{}")
    assert "not a report" in command("compare", "no.json", "a.json")[2]
    report["items"][3]["score"] = None
    (tmp_path / "lost.json").write_text(json.dumps(report))
    code, out, _ = command("compare", "b.json", "lost.json")
    assert code == 1
    assert "lost the score that they had; r3 did" in out
    assert command("compare", "lost.json", "b.json")[0] == 0
    code, out, _ = command("power", "a.json", "b.json", "--difference", "0.05")
    assert code == 0
    assert "| 0.05 | 2 |" in out
    assert "at most" in command("power", "a.json")[1]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("items.0.score: Input should be a finite number", lambda report: report["items"][0].update(score=1e999)),
        ("items.0.score: Field required", lambda report: report["items"][0].pop("score")),
        ("items.0.score: Input should be a valid number", lambda report: report["items"][0].update(score="high")),
        ("items.0.metrics.bleu: Input", lambda report: report["items"][0]["metrics"].update(bleu=1e999)),
        ("items: Input should be a valid list", lambda report: report.update(items=None)),
        ("usage: Field required", lambda report: report.pop("usage")),
    ],
)
def test_a_broken_baseline_is_refused_by_its_field_after_the_report(
    smoke: Path, command: Run, field: str, change: Callable[[dict[str, Any]], Any]
) -> None:
    baseline = json.loads((smoke / "baseline.json").read_text())
    change(baseline)
    (smoke / "baseline.json").write_text(json.dumps(baseline).replace("Infinity", "1e999"))
    code, out, err = command("run", "smoke")
    assert code == 2
    assert "mean score" in out
    assert f"baseline.json: {field}" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('metrics = ["must_recal"]', "metrics: `must_recal` is none of "),
        ('[gate]\nmetrics = ["scor"]', "gate.metrics: `scor` is none of "),
        ('[gate]\nmetrics = ["readability"]', "gate.metrics: `readability` is none of "),
        ("[gate]\nmax_fall = inf", "gate.max_fall: Input should be a finite number"),
        ("[gate]\nmatters = nan", "gate.matters: Input should be a finite number"),
    ],
)
def test_what_a_suite_cannot_be_held_to_is_refused(smoke: Path, command: Run, text: str, why: str) -> None:
    (smoke / "suite.toml").write_text(text)
    code, out, err = command("run", "smoke")
    assert (code, out) == (2, "")
    assert why in err


def test_the_gate_s_metrics_are_measured_and_its_limit_can_be_off(smoke: Path, command: Run) -> None:
    gate = '[gate]\nmetrics = ["score", "must_recall", "judge"]\nmax_fall = 0'
    (smoke / "suite.toml").write_text(f'provider = "local"\nmetrics = ["rouge_l"]\n{gate}')
    code, out, err = command("run", "smoke", "--json", "-")
    assert code == 0, err
    found = json.loads(out)["gate"]
    assert [one["metric"] for one in found["comparisons"]] == ["score", "must_recall"]
    assert found["tail_limit"] is None
    assert "judge: no reference has it on both sides" in found["reasons"]


def test_a_limit_without_end_is_refused(smoke: Path, command: Run) -> None:
    code, _, err = command("compare", "evals/smoke/baseline.json", "evals/smoke/baseline.json", "--max-fall", "inf")
    assert (code, err) == (2, "qtgen: --max-fall: Input should be a finite number\n")


def test_power_needs_fewer_references_for_more(command: Run) -> None:
    _, out, _ = command("power", "--deviation", "0.1")
    assert "give one or two reports" in command("power")[2]
    needed = [int(line.split("|")[2].replace(",", "")) for line in out.splitlines()[2:]]
    assert needed == sorted(needed, reverse=True)
    assert needed[3] == 34  # d = 0.5, two-sided 5 %, power 80 %: as in every table of Cohen's


class _Embeddings(BaseHTTPRequestHandler):
    """Letters counted: texts that are the same have the same vector."""

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
        rows = [[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        data = [{"object": "embedding", "index": n, "embedding": row} for n, row in enumerate(rows)]
        body = json.dumps(
            {"object": "list", "model": "e", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def embeddings_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), _Embeddings) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join(5)


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.usefixtures("embeddings_endpoint")
def test_an_endpoint_s_embeddings_can_stand_in(command: Run, tmp_path: Path) -> None:
    line = {"id": 1, "question": "Why?", "reference": "Water boils at 100 °C.", "candidate": "Water boils at 100 °C."}
    (tmp_path / "in.jsonl").write_text(json.dumps(line))
    code, out, err = command("score", "in.jsonl", "--embeddings", "e", "--metrics", "similarity")
    assert code == 0, err
    assert json.loads(out)["metrics"]["similarity"] == 1.0


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_an_embeddings_endpoint_that_is_not_there_is_no_score(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    (tmp_path / "in.jsonl").write_text('{"id": 1, "reference": "Water boils.", "candidate": "Water boils."}')
    code, out, _ = command("score", "in.jsonl", "--embeddings", "e")
    found = json.loads(out)
    assert (code, found["score"], found["error"]["kind"]) == (1, None, "unreachable")


def test_without_the_extra_it_is_one_line(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "scipy" else name)
    code, _, err = command("power", "--deviation", "0.1")
    assert code == 2
    assert err.strip() == "qtgen: `qtgen eval` needs the `evals` extra (scipy is missing): pip install 'qtgen[evals]'"
