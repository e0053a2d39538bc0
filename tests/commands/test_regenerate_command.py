"""`qtgen regenerate` from the command line, against a scripted endpoint."""

import datetime as dt
import json
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qtgen.generation.decisions import Action, Decision, State
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests
from support import points_json
from support.default_site import WRITTEN_GROUPS
from support.default_tables import FIELD_GROUPS, read
from support.pages import (
    DANGLING_LINK,
    LONG_DESCRIPTION,
    SHORT_DESCRIPTION,
    UNSPACED_KEYWORDS,
    changed_lines,
    page_path,
    write_site,
)
from support.rewriting import DESCRIPTION, KEYWORDS, OFF_TOPIC, seo_json

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
PAGE = Path(page_path())
REJECTED = Path("outputs/.qtgen/rejected")
SPACED_KEYWORDS = UNSPACED_KEYWORDS.replace(",", ", ")


class Endpoint:
    """Answers requests by the schema that they ask for, and keeps them in `requests`."""

    def __init__(self) -> None:
        self.responses: dict[str, str] = {"seo": seo_json(), "points": points_json()}
        self.requests: list[dict[str, Any]] = []
        self.on_request: Callable[[], object] = lambda: None
        self.respond: Callable[[dict[str, Any]], str] = self.respond_by_schema

    def respond_by_schema(self, request: dict[str, Any]) -> str:
        return self.responses[request["response_format"]["json_schema"]["name"].removesuffix("_answer")]

    def complete(self, request: dict[str, Any]) -> str:
        self.requests.append(request)
        self.on_request()
        return self.respond(request)

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.requests]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    scripted = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message = {"role": "assistant", "content": scripted.complete(request)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
            body = {"id": "x", "object": "chat.completion", "created": 1, "model": request["model"] + "-2026"}
            raw = json.dumps({**body, "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        yield scripted
        server.shutdown()
        thread.join()


def generate_page(qtgen: Run, **question: str) -> None:
    """Generate the page about osmosis into `site/`, from the question file `q.jsonl`."""
    row = {"question": "What is osmosis?", "subject": "Biology", **question}
    Path("q.jsonl").write_text(json.dumps(row) + "\n")
    code, _, err = qtgen("generate", "q.jsonl", "--out", "site")
    assert code == 0, err


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def statuses_of(out: str) -> list[str]:
    return [line["status"] for line in lines_of(out)]


# --- only what is needed ---------------------------------------------------------------------------------------------


def test_a_long_description_takes_one_small_request_and_changes_one_line(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION}, diffusion={})
    code, out, err = qtgen("regenerate", "site", "--json")
    assert code == 0, err
    line = json.loads(out)
    assert (line["status"], line["reasons"], line["fields"]) == ("written", ["QT601"], [DESCRIPTION])
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORT_DESCRIPTION]
    assert Path(page_path("diffusion")).read_bytes() == before[page_path("diffusion")]
    assert "<answer>\nOsmosis moves water" in endpoint.prompts[0]
    assert [request["max_tokens"] for request in endpoint.requests] == [400]
    assert qtgen("regenerate", "site", "--check")[0] == 0


def test_safe_fixes_take_no_request(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={KEYWORDS: UNSPACED_KEYWORDS})
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, endpoint.requests, statuses_of(out)) == (0, [], ["fixed"]), err
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SPACED_KEYWORDS]
    assert not Path("outputs/.qtgen/provenance.jsonl").exists(), "no model wrote anything"


@pytest.mark.parametrize("diff", [(), ("--diff",)])
def test_findings_that_stay_in_a_rewritten_page_are_printed(
    qtgen: Run, endpoint: Endpoint, diff: tuple[str, ...]
) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, "answer": "Too short. " * 3})
    _, _, err = qtgen("regenerate", "site", "--only", "seo", *diff)
    reported = [line for line in err.splitlines() if line.startswith(f"{PAGE}:") and " QT605 " in line]
    assert len(reported) == (0 if diff else 1), "a page that is not changed has no new findings"


def test_only_limits_the_fields(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, "answer": "Too short. " * 3})
    _, out, err = qtgen("regenerate", "site", "--only", "seo", "--json")
    assert json.loads(out)["fields"] == [DESCRIPTION], err
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORT_DESCRIPTION]


def test_links_are_repaired_without_a_request(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION, **DANGLING_LINK}, diffusion={}, turgor={})
    related = ("regenerate", "site", "--only", "related", "--corpus", "site", "--json")
    report = json.loads(qtgen(*related, "--check")[1])
    assert [(row["reason"], row["pages"], row["free"]) for row in report["reasons"]] == [("QT403", 1, 1)]
    code, out, err = qtgen(*related)
    assert (code, statuses_of(out), endpoint.requests) == (0, ["fixed"], []), err
    new, old = (read(raw).values for raw in (PAGE.read_bytes(), before[str(PAGE)]))
    assert new["related_article1.url"] != old["related_article1.url"]
    assert {path for path in new if new[path] != old.get(path)} <= set(FIELD_GROUPS["related"])
    assert [path for path, raw in before.items() if Path(path).read_bytes() != raw] == [str(PAGE)]
    assert qtgen("validate", "site", "--select", "QT403")[0] == 0


def test_a_comment_on_a_line_that_does_not_change_is_kept(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    PAGE.write_text(PAGE.read_text().replace("author: QuickTakes", "author: QuickTakes # by Anna"))
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, statuses_of(out)) == (0, ["written"]), err
    assert "author: QuickTakes # by Anna" in PAGE.read_text()


# --- never worse -----------------------------------------------------------------------------------------------------


def test_a_rejected_rewrite_is_saved_and_not_repeated(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={KEYWORDS: UNSPACED_KEYWORDS, DESCRIPTION: LONG_DESCRIPTION})
    endpoint.responses["seo"] = seo_json(OFF_TOPIC)
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, statuses_of(out)) == (0, ["kept"]), err
    assert "further from its topic" in json.loads(out)["why"]
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SPACED_KEYWORDS], "the safe fix is made"
    saved = json.loads((REJECTED / "biology/what-is-osmosis.json").read_text())
    assert saved["fields"][DESCRIPTION] == {"old": LONG_DESCRIPTION, "new": OFF_TOPIC}
    assert f"{REJECTED}/\njudge them in the browser: qtgen review site --queue rewrites\n" in err
    assert statuses_of(qtgen("regenerate", "site", "--json")[1]) == ["kept"]
    assert len(endpoint.requests) == 1
    endpoint.responses["seo"] = seo_json()
    assert statuses_of(qtgen("regenerate", "site", "--json", "--fresh")[1]) == ["written"]
    assert not [*REJECTED.rglob("*.json")]
    assert (REJECTED / ".gitignore").read_text() == "*\n"


def test_a_page_without_a_usable_response_keeps_its_text(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={"answer": "Osmosis moves water. " * 10})
    endpoint.responses["points"] = points_json(
        introduction="As an AI language model, I know that osmosis moves water through a membrane, always."
    )
    code, out, _ = qtgen("regenerate", "site", "--json")
    line = json.loads(out)
    assert (code, line["status"], line["attempts"], line["error"]["kind"]) == (1, "failed", 4, "answer")
    assert PAGE.read_bytes() == before[str(PAGE)]
    assert Path("outputs/.qtgen/failed/.gitignore").read_text() == "*\n"
    assert Path("outputs/.qtgen/failed/biology/what-is-osmosis.json").exists()


@pytest.mark.parametrize(("verdict", "status"), [("old", "kept"), ("nonsense", "failed"), ("first", "written")])
def test_a_judge_compares_in_both_orders(qtgen: Run, endpoint: Endpoint, verdict: str, status: str) -> None:
    """A preference for the old text keeps it, one for a position does not, and without a verdict the page fails."""
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})

    def respond(request: dict[str, Any]) -> str:
        if request["model"] != "judge":
            return seo_json()
        prompt = request["messages"][-1]["content"]
        old_is_first = prompt.index(LONG_DESCRIPTION) < prompt.index(SHORT_DESCRIPTION)
        better = ("first" if old_is_first else "second") if verdict == "old" else verdict
        return json.dumps({"reasons": "Because.", "better": better})

    endpoint.respond = respond
    code, out, err = qtgen("regenerate", "site", "--judge", "judge", "--json")
    assert (code, statuses_of(out)) == (int(status == "failed"), [status]), err
    assert REJECTED.exists() == (status == "kept")
    asked = 4 if verdict == "nonsense" else 2  # in both orders; a response that cannot be read is asked for again
    assert [request["model"] for request in endpoint.requests] == ["gpt-4o-mini", *["judge"] * asked]
    assert (PAGE.read_bytes() == before[str(PAGE)]) == (status != "written")


def test_a_new_answer_replaces_its_score_and_nothing_else(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={"answer": "I'm sorry, but I can't help with that.", "score": 0.7, "no_index": None})
    points = [
        ("Gradient", "Water passes to the side that holds more solute, since its own concentration is lower there."),
        ("Membrane", "A semipermeable membrane has pores which are too small for sugar and for most ions to slip by."),
        ("Pressure", "Pressing on the concentrated side stops the osmosis; the pressure needed is called osmotic."),
        ("Cells", "Red blood cells burst in pure water and shrivel in brine, whereas plant walls resist either."),
    ]
    endpoint.responses["points"] = points_json(
        points=[{"heading": heading, "explanation": explanation} for heading, explanation in points]
    )
    code, out, err = qtgen("regenerate", "site", "--because", "QT604", "--touch-date", "--json")
    assert (code, statuses_of(out)) == (0, ["written"]), err
    old, new = (read(raw).values for raw in (before[str(PAGE)], PAGE.read_bytes()))
    assert {path for path in old if old[path] != new[path]} == {"answer", "score", "date"}
    assert (new["score"], new["date"]) == (-1.0, dt.datetime.now().astimezone().date())


# --- what is stale ---------------------------------------------------------------------------------------------------


def test_source_prompt_and_model_of_a_generated_page_are_compared(qtgen: Run, endpoint: Endpoint) -> None:
    generate_page(qtgen, context="Water moves through membranes.")
    check = ("regenerate", "site", "--out", "site", "--check", "--json")
    report = json.loads(qtgen(*check)[1])
    assert (report["pages"], report["stale"]) == (1, 0)

    def reasons(*options: str) -> list[str]:
        return [row["reason"] for row in json.loads(qtgen(*check, *options)[1])["reasons"]]

    assert reasons("--questions", "q.jsonl") == []
    Path("q.jsonl").write_text(Path("q.jsonl").read_text().replace("through membranes", "down the drain"))
    assert reasons("--questions", "q.jsonl") == ["source-changed"]
    assert reasons("--model", "other") == ["model-changed"]
    assert reasons("--temperature", "0.9") == ["prompt-changed"]
    assert reasons("--older-than", "0") == []
    assert reasons("--because", "unknown-provenance") == []
    PAGE.write_text(PAGE.read_text().replace("    What is osmosis?", "    What is osmosis really?"))
    assert reasons("--because", "question-edited") == ["question-edited"]


def test_the_default_model_makes_no_page_stale(qtgen: Run, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI no key is set, so qtgen would fall back to the embedded model."""
    generate_page(qtgen)
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert qtgen("regenerate", "site", "--out", "site", "--check")[0] == 0
    assert qtgen("regenerate", "site", "--out", "site", "--check", "--provider", "local")[0] == 1


def test_the_first_row_of_a_question_counts_and_invalid_rows_are_reported(qtgen: Run, endpoint: Endpoint) -> None:
    generate_page(qtgen, context="First.")
    rows = Path("q.jsonl").read_text()
    Path("q.jsonl").write_text(rows + rows.replace("First.", "Second.") + '{"question": ""}\n')
    code, out, err = qtgen("regenerate", "site", "--out", "site", "--check", "--questions", "q.jsonl", "--json")
    assert (code, json.loads(out)["stale"]) == (0, 0)
    assert "1 invalid row" in err


def test_an_answer_needs_the_source_text_that_it_was_written_from(qtgen: Run, endpoint: Endpoint) -> None:
    generate_page(qtgen, context="Water moves through membranes.")
    call = ("regenerate", "site", "--out", "site", "--model", "other", "--json")
    code, out, _ = qtgen(*call)
    assert (code, json.loads(out)["error"]["kind"]) == (1, "source")
    code, _, err = qtgen(*call, "--questions", "q.jsonl")
    assert code == 0, err
    assert "<source>\nWater moves through membranes." in endpoint.prompts[-1]


def test_texts_that_a_person_edited_are_kept_unless_they_are_included(qtgen: Run, endpoint: Endpoint) -> None:
    generate_page(qtgen)
    PAGE.write_text(PAGE.read_text().replace("Osmosis moves water", "Osmosis, as Anna says, moves water"))
    call = ("regenerate", "site", "--out", "site")
    code, out, err = qtgen(*call, "--model", "other", "--because", "model-changed", "--json")
    assert code == 0, err
    assert json.loads(out)["fields"] == sorted(FIELD_GROUPS["seo"]), "the search fields are as they were written"
    code, _, err = qtgen(*call, "--model", "third", "--only", "answer")
    assert code == 0
    assert "1 page edited by a person" in err
    assert "--include-edited" in err
    assert "no stale pages among 1 page" in err
    assert "Anna" in PAGE.read_text()
    code, _, err = qtgen(*call, "--model", "third", "--include-edited", "--only", "answer")
    assert code == 0
    assert "Anna" not in PAGE.read_text(), err


def decide(action: str, out: str = "outputs", **values: Any) -> Decision:
    """Append a decision about the page as it is."""
    store, page = OutputFolder(Path(out)), read(PAGE.read_bytes())
    digests, url = group_digests(page, WRITTEN_GROUPS), page.text_of("url") or ""
    at = f"2026-11-27T09:30:{len(store.decision_log()):02}.000Z"
    decision = Decision(id=str(uuid.uuid4()), at=at, who="ada", action=Action(action), url=url, texts=digests, **values)
    store.append_decision(decision)
    return decision


def test_a_page_that_was_sent_back_is_rewritten_with_the_readers_note(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={"answer": "Osmosis moves water. " * 20, DESCRIPTION: LONG_DESCRIPTION})
    sent_back = decide("send-back", note="Name the membrane.", reasons=("incomplete",))
    code, out, err = qtgen("regenerate", "site", "--dry-run", "--because", "sent-back", "--json")
    assert code == 0, err
    assert [row["reason"] for row in json.loads(out)["reasons"]] == ["sent-back"]
    code, out, _ = qtgen("regenerate", "site", "--check")
    assert (code, "sent-back" in out) == (1, True)
    code, out, err = qtgen("regenerate", "site", "--json")
    assert code == 0, err
    assert (json.loads(out)["status"], json.loads(out)["reasons"]) == ("written", ["sent-back", "QT601", "QT610"])
    assert "<faults>\n- Incomplete: Name the membrane.\n</faults>" in endpoint.prompts[-1]
    log = OutputFolder(Path("outputs")).decision_log()
    page = read(PAGE.read_bytes())
    assert log.state(sent_back.url, group_digests(page, WRITTEN_GROUPS)) is State.RETURNED
    _, _, err = qtgen("regenerate", "site")
    assert "no stale pages among 1 page" in err, "the reason disappears with the text"
    assert json.loads(next(Path("outputs/.qtgen/taken").rglob("*.json")).read_text())["reasons"][0] == "sent-back"


def test_texts_that_a_reader_approved_are_kept_unless_they_are_included(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    decide("approve")
    code, out, err = qtgen("regenerate", "site", "--check", "--json")
    assert (code, json.loads(out)["approved"]) == (0, [str(PAGE)])
    assert "skipped 1 page that a reviewer approved; --include-edited includes them" in err
    code, _, err = qtgen("regenerate", "site")
    assert (code, endpoint.requests) == (0, [])
    code, _, err = qtgen("regenerate", "site", "--include-edited")
    assert (code, len(endpoint.requests)) == (0, 1), err
    assert read(PAGE.read_bytes()).text_of(DESCRIPTION) == SHORT_DESCRIPTION


def test_the_decisions_beside_the_pages_need_no_option(qtgen: Run, endpoint: Endpoint) -> None:
    """`generate --out site`, `review site` and `regenerate site` use the same folder."""
    write_site(osmosis={"answer": "Osmosis moves water. " * 20})
    decide("send-back", "site", note="Name the membrane.")
    call = ("regenerate", "site", "--because", "sent-back")
    assert qtgen(*call, "--check", "--out", "elsewhere")[0] == 0
    assert qtgen(*call, "--check")[0] == 1
    code, out, err = qtgen(*call, "--json")
    assert (code, statuses_of(out)) == (0, ["written"]), err
    assert err.endswith("compare accepted rewrites in the browser, and revert them: qtgen review site --queue taken\n")
    assert OutputFolder(Path("site")).provenance_file.exists()
    assert not Path("outputs").exists()


def test_damaged_decisions_do_not_end_a_run(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    decide("approve")
    decisions = Path("outputs/.qtgen/decisions.jsonl")
    decisions.write_bytes(b'{"torn": \n\xff\xfe\n' + decisions.read_bytes()[:-40])
    code, _, err = qtgen("regenerate", "site")
    assert (code, len(endpoint.requests)) == (0, 1), err


def test_unusual_dates_and_scores_do_not_end_planning(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={"score": 0.5})
    text = PAGE.read_text().replace("score: 0.5", "score: 0")
    PAGE.write_text(text.replace("\ndate: 2", "\ndate: 2024-01-02 10:00:00 # 2"))
    options = ("--older-than", "10", "--score-below", "0.5", "--check", "--json")
    report = json.loads(qtgen("regenerate", "site", *options)[1])
    assert "low-score" in [row["reason"] for row in report["reasons"]]
    assert qtgen("regenerate", "site", "--older-than", "99999", "--check")[0] in (0, 1)
    assert qtgen("regenerate", "site", "--older-than", "999999", "--check")[0] == 2


def test_the_order_and_the_reasons_can_be_chosen(qtgen: Run, endpoint: Endpoint) -> None:
    residue = "As an AI language model, I know it. " * 12
    write_site(
        aaa={"date": dt.date(2024, 1, 2), DESCRIPTION: LONG_DESCRIPTION},
        bbb={"date": dt.date(2021, 1, 2), DESCRIPTION: LONG_DESCRIPTION, "score": 0.9},
        ccc={"date": dt.date(2022, 1, 2), "answer": residue, "score": 0.1},
    )

    def names(*options: str) -> list[str]:
        report = json.loads(qtgen("regenerate", "site", "--check", "--json", *options)[1])
        return [Path(item["path"]).stem[-3:] for item in report["items"]]

    assert names("--order", "oldest") == ["bbb", "ccc", "aaa"]
    assert names() == ["ccc", "aaa", "bbb"]
    assert names("--limit", "1") == ["ccc"]
    assert names("--because", "low-score", "--score-below", "0.5") == ["ccc"]
    assert names("--because", "old", "--older-than", "1500") == ["bbb", "ccc"]
    assert names("--because", "old", "--older-than", "1500", "--score-below", "0.1") == ["ccc", "bbb"]
    assert names("--because", "unknown-provenance", "--only", "answer") == ["aaa", "bbb", "ccc"]


def test_pages_that_failed_before_come_last(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(aaa={DESCRIPTION: LONG_DESCRIPTION}, bbb={DESCRIPTION: LONG_DESCRIPTION})
    endpoint.responses["seo"] = "nonsense"
    runs = [json.loads(qtgen("regenerate", "site", "--limit", "1", "--json")[1]) for _ in range(2)]
    assert {Path(line["path"]).stem for line in runs} == {"what-is-aaa", "what-is-bbb"}
    report = json.loads(qtgen("regenerate", "site", "--limit", "1", "--check", "--json")[1])
    assert (report["stale"], len(report["items"])) == (2, 1)


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_a_table_and_sends_nothing(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(
        osmosis={DESCRIPTION: LONG_DESCRIPTION, KEYWORDS: UNSPACED_KEYWORDS},
        diffusion={KEYWORDS: UNSPACED_KEYWORDS},
    )
    code, out, _ = qtgen("regenerate", "site", "--dry-run")
    assert (code, endpoint.requests) == (0, [])
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["reason", "pages", "free", "requests", "cost", "time"]
    assert lines[2][:4] == ["QT601", "description-too-long", "1", "1"]
    assert lines[3][:5] == ["QT603", "keywords-malformed", "2", "2", "0"]
    assert lines[4][:4] == ["all", "2", "1", "1"]
    report = json.loads(qtgen("regenerate", "site", "--dry-run", "--json")[1])
    assert report["all"]["requests"] == {"low": 1.0, "expected": 1.0, "high": 1.0}
    assert report["items"][0]["reasons"] == ["QT601", "QT603"]
    assert qtgen("regenerate", "site", "--check")[0] == 1


def test_diff_shows_the_words_that_change_and_its_responses_are_reused(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    code, out, err = qtgen("regenerate", "site", "--diff")
    assert code == 0, err
    assert "seo.page_description:\n    Osmosis is the passage of water" in out
    assert "side [-that holds-] {+with+} more [-solute, until the two" in out
    assert "{+solute.+}" in out
    assert PAGE.read_bytes() == before[str(PAGE)]
    assert qtgen("regenerate", "site")[0] == 0
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORT_DESCRIPTION]
    assert len(endpoint.requests) == 1


# --- invalid input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--because", "boredom"), "--because boredom: "),
        (("--because", "old"), "--because old needs --older-than"),
        (("--because", "QT999"), "no rule has the code or name `QT999`"),
        (("--only", "nothing"), "--only nothing: "),
        (("--only", "related"), "--corpus"),
        (("--diff", "--json"), "--diff cannot be combined with"),
    ],
)
def test_an_invalid_call_is_one_line(qtgen: Run, endpoint: Endpoint, options: tuple[str, ...], message: str) -> None:
    write_site(osmosis={})
    code, out, err = qtgen("regenerate", "site", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_pages(qtgen: Run, endpoint: Endpoint) -> None:
    Path("site").mkdir()
    assert qtgen("regenerate", "site") == (2, "", "qtgen: site: no pages (*.md) in this folder\n")


def test_a_page_that_does_not_parse_is_left_unchanged_and_listed(qtgen: Run, endpoint: Endpoint) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    broken = Path("site/biology/broken.md")
    broken.write_text("---\ntitle: [\n---\n\n&nbsp;")
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, statuses_of(out)) == (1, ["written"])
    assert "site/biology/broken.md: does not parse" in err
    assert broken.read_text() == "---\ntitle: [\n---\n\n&nbsp;"
    assert json.loads(qtgen("regenerate", "site", "--check", "--json")[1])["unreadable"] == [str(broken)]


def test_carriage_returns_and_byte_order_marks_are_fixed_without_a_request(qtgen: Run, endpoint: Endpoint) -> None:
    pages = write_site(osmosis={}, diffusion={DESCRIPTION: LONG_DESCRIPTION})
    for path, raw in pages.items():
        Path(path).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    before = PAGE.read_bytes()
    code, out, err = qtgen("regenerate", "site", "--dry-run", "--json")
    report = json.loads(out)
    assert (code, report["stale"], report["unreadable"], PAGE.read_bytes()) == (0, 2, [], before)
    assert [(row["reason"], row["pages"], row["free"]) for row in report["reasons"]] == [
        ("QT105", 2, 2),
        ("QT601", 1, 0),
    ]
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, sorted(statuses_of(out)), len(endpoint.requests)) == (0, ["fixed", "written"], 1), err
    assert PAGE.read_bytes() == pages[PAGE.as_posix()]
    assert b"\r" not in Path(page_path("diffusion")).read_bytes()


def test_a_page_that_only_a_person_can_correct_is_not_requested(qtgen: Run, endpoint: Endpoint) -> None:
    before = write_site(
        osmosis={DESCRIPTION: LONG_DESCRIPTION, "title": "What is it?"}, turgor={DESCRIPTION: LONG_DESCRIPTION}
    )
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, statuses_of(out), len(endpoint.requests)) == (1, ["failed", "written"], 1), err
    assert "`title` and `question` differ" in err
    assert PAGE.read_bytes() == before[str(PAGE)]


def test_provenance_without_a_page_is_reported(qtgen: Run, endpoint: Endpoint) -> None:
    generate_page(qtgen)
    PAGE.unlink()
    write_site(diffusion={})
    code, _, err = qtgen("regenerate", "site", "--out", "site")
    assert code == 0
    assert "/learn/biology/questions/what-is-osmosis" in err


def change_author() -> None:
    PAGE.write_bytes(PAGE.read_bytes().replace(b"QuickTakes\n", b"Somebody\n", 1))


@pytest.mark.parametrize(
    ("accident", "message"),
    [(PAGE.unlink, "was deleted"), (change_author, "changed while"), (lambda: PAGE.chmod(0o444), "is read-only")],
)
def test_a_page_that_changes_during_the_run_fails_alone(
    qtgen: Run, endpoint: Endpoint, accident: Callable[[], None], message: str
) -> None:
    write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION}, zygosis={DESCRIPTION: LONG_DESCRIPTION})

    def on_first_request() -> None:
        endpoint.on_request = lambda: None
        accident()

    endpoint.on_request = on_first_request
    code, out, err = qtgen("regenerate", "site", "--json", "--concurrency", "1")
    assert (code, statuses_of(out)) == (1, ["failed", "written"]), err
    assert lines_of(out)[0]["error"]["kind"] == "page"
    assert message in err
    if PAGE.exists():
        assert LONG_DESCRIPTION in PAGE.read_text()


# --- several runs ----------------------------------------------------------------------------------------------------


def test_two_runs_at_once_request_and_change_each_page_once(endpoint: Endpoint) -> None:
    names = [f"thing{number}" for number in range(12)]
    before = write_site(**{name: {DESCRIPTION: LONG_DESCRIPTION} for name in names})
    command = [sys.executable, "-m", "qtgen", "regenerate", "site", "--json"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    for path, old in before.items():
        assert changed_lines(old, Path(path).read_bytes()) == [SHORT_DESCRIPTION]
    statuses = [status for out in outputs for status in statuses_of(out)]
    assert statuses.count("written") == len(names)
    assert len(endpoint.requests) == len(names), "the second run waits for the responses of the first"


def test_a_run_ends_when_its_budget_is_used_up_and_resumes_with_a_higher_one(qtgen: Run, endpoint: Endpoint) -> None:
    Path("qtgen.toml").write_text('[prices."gpt-4o-mini"]\ninput = 10000\noutput = 10000\n')
    write_site(**{f"thing{number}": {DESCRIPTION: LONG_DESCRIPTION} for number in range(4)})
    code, out, err = qtgen("regenerate", "site", "--budget", "20", "--concurrency", "1", "--json")
    assert (code, {*statuses_of(out)}) == (1, {"written", "skipped"}), err
    assert {line["error"]["kind"] for line in lines_of(out) if line["error"]} == {"budget"}
    assert "--budget" in err
    code, out, _ = qtgen("regenerate", "site", "--budget", "2000", "--json")
    assert (code, {*statuses_of(out)}) == (0, {"written"})
    assert len(endpoint.requests) == 4


def test_an_interrupted_run_sends_nothing_new_and_resumes(endpoint: Endpoint, qtgen: Run) -> None:
    """The responses in flight are unusable, so without the interrupt each page would take three repairs."""
    pages, concurrency = 12, 1
    write_site(**{f"thing{number}": {DESCRIPTION: LONG_DESCRIPTION} for number in range(pages)})
    endpoint.responses["seo"] = "nonsense"
    arrived, released = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        assert released.wait(60)

    endpoint.on_request = hold
    command = [sys.executable, "-m", "qtgen", "regenerate", "site", "--json", "--concurrency", str(concurrency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        assert arrived.wait(60)
        run.send_signal(signal.SIGINT)
        lines = iter(run.stderr.readline, "")
        assert any("finishing what is in flight" in line for line in lines)
        released.set()
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert len(endpoint.requests) <= 2 * concurrency, "at most the pages that had started"
    assert {line["error"]["kind"] for line in lines_of(out)} <= {"interrupted"}
    assert f"{pages:,} of {pages} pages" in err
    endpoint.responses["seo"], endpoint.on_request = seo_json(), lambda: None
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, statuses_of(out)) == (0, ["written"] * pages), err
