"""`qtgen regenerate` from the command line against a scripted endpoint, and the values it is made of."""

import datetime as dt
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from qtgen._util.diff import diff_fields, inline_diff
from qtgen.generation.provenance import ProvenanceRecord, digests_of, origins
from qtgen.page import encode_answer, read, read_text, splice
from qtgen.page.fields import FIELD_GROUPS
from qtgen.regeneration.compare import of_answers
from qtgen.regeneration.reasons import REASONS, Criteria, PageState
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support import POINTS, points_json

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
LONG = "Osmosis is the passage of water through a membrane towards the side that holds more solute, until the two sides are even or the pressure stops it."
SHORTER = "Osmosis is the passage of water through a membrane towards the side with more solute."
SEO = json.dumps({"page_description": SHORTER, "page_keywords": ["osmosis", "membrane", "solute", "water", "pressure"]})
PAGE = Path("site/biology/what-is-osmosis.md")


class Endpoint:
    """Answers by the shape that is asked for; `asked` holds the requests. The judge answers what `judge` says."""

    def __init__(self) -> None:
        self.replies: dict[str, str] = {"seo": SEO, "points": points_json()}
        self.asked: list[dict[str, Any]] = []
        self.before: Callable[[], None] = lambda: None
        self.address = ""

    def answer(self, request: dict[str, Any]) -> str:
        self.asked.append(request)
        self.before()
        return self.replies[request["response_format"]["json_schema"]["name"].removesuffix("_answer")]

    def prompts(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.asked]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    one = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message = {"role": "assistant", "content": one.answer(request)}
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
        one.address = f"http://127.0.0.1:{server.server_port}/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", one.address)
        yield one
        server.shutdown()
        thread.join()


def site(**pages: Mapping[str, Any]) -> dict[str, bytes]:
    """Write pages: the example page with changes, each under its own question. Returns their bytes by path."""
    written = {}
    for name, changed in pages.items():
        title = f"What is {name}?"
        own = {"title": title, "article_title": title, "question": title, "file_name": f"what-is-{name}.md"}
        own["url"] = f"/learn/biology/questions/what-is-{name}"
        text = splice(read_text(EXAMPLE_PAGE), {**own, "related_article1": None, **changed})
        path = Path(f"site/biology/what-is-{name}.md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        written[path.as_posix()] = text.encode()
    return written


def changed_lines(before: bytes, after: bytes) -> list[str]:
    old, new = before.decode().splitlines(), after.decode().splitlines()
    assert len(old) == len(new)
    return [line.strip() for line, other in zip(new, old, strict=True) if line != other]


def generated(qtgen: Run, **question: str) -> Path:
    row = {"question": "What is osmosis?", "subject": "Biology", **question}
    Path("q.jsonl").write_text(json.dumps(row) + "\n")
    code, _, err = qtgen("generate", "q.jsonl", "--out", "site")
    assert code == 0, err
    return PAGE


# --- only what is needed ---------------------------------------------------------------------------------------------


def test_a_long_description_costs_a_small_call_and_one_line(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"seo.page_description": LONG}, diffusion={})
    code, out, err = qtgen("regenerate", "site", "--json")
    assert code == 0, err
    line = json.loads(out)
    assert (line["status"], line["reasons"], line["fields"]) == ("written", ["QT601"], ["seo.page_description"])
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORTER]
    assert len(endpoint.asked) == 1
    assert "<answer>\nOsmosis moves water" in endpoint.prompts()[0]
    assert endpoint.asked[0]["max_tokens"] == 400
    assert {path: Path(path).read_bytes() for path in before if "diffusion" in path}.items() <= before.items()
    assert qtgen("regenerate", "site", "--check")[0] == 0


def test_safe_fixes_come_first_and_are_free(qtgen: Run, endpoint: Endpoint) -> None:
    words = "osmosis,membrane,solute,water,diffusion"
    before = site(osmosis={"seo.page_keywords": words})
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, endpoint.asked) == (0, []), err
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["fixed"]
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [words.replace(",", ", ")]
    assert not Path("outputs/.qtgen/provenance.jsonl").exists(), "nothing was written by a model"


def test_a_fix_is_kept_where_the_new_text_is_not_taken(qtgen: Run, endpoint: Endpoint) -> None:
    words = "osmosis,membrane,solute,water,diffusion"
    before = site(osmosis={"seo.page_keywords": words, "seo.page_description": LONG})
    endpoint.replies["seo"] = SEO.replace(
        SHORTER, "The history of the Roman empire and of its emperors in five long chapters."
    )
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, json.loads(out)["status"]) == (0, "kept"), err
    assert "further from its subject" in json.loads(out)["why"]
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [words.replace(",", ", ")]
    kept = json.loads(Path("outputs/.qtgen/rejected/biology/what-is-osmosis.json").read_text())
    assert kept["fields"]["seo.page_description"]["old"] == LONG
    assert kept["fields"]["seo.page_description"]["new"].startswith("The history of the Roman")
    assert "outputs/.qtgen/rejected/" in err
    assert len(endpoint.asked) == 1
    again = qtgen("regenerate", "site", "--json")
    assert (json.loads(again[1])["status"], len(endpoint.asked)) == ("kept", 1), "what was not taken is not asked again"
    endpoint.replies["seo"] = SEO
    assert json.loads(qtgen("regenerate", "site", "--json", "--fresh")[1])["status"] == "written"
    assert not Path("outputs/.qtgen/rejected/biology/what-is-osmosis.json").exists()


def test_only_the_fields_that_are_asked_for(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"seo.page_description": LONG, "answer": "Too short. " * 3})
    _, out, err = qtgen("regenerate", "site", "--only", "seo", "--json")
    assert json.loads(out)["fields"] == ["seo.page_description"], err
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORTER]
    assert qtgen("regenerate", "site", "--only", "nothing")[0] == 2
    assert "--only nothing: there are answer, seo, related" in qtgen("regenerate", "site", "--only", "nothing")[2]


def test_links_are_mended_with_nothing_asked(qtgen: Run, endpoint: Endpoint) -> None:
    link = {"id": 9, "title": "What is gone?", "subject": "Biology", "url": "/learn/biology/questions/what-is-gone"}
    dangling = {f"related_article1.{key}": value for key, value in link.items()}
    before = site(osmosis={"seo.page_description": LONG, **dangling}, diffusion={}, turgor={})
    assert qtgen("regenerate", "site", "--only", "related")[0] == 2, "links are judged by the whole site"
    related = ("regenerate", "site", "--only", "related", "--corpus", "site", "--json")
    found = json.loads(qtgen(*related, "--check")[1])
    assert [(row["reason"], row["pages"], row["free"]) for row in found["reasons"]] == [("QT403", 1, 1)]
    code, out, err = qtgen(*related)
    assert (code, json.loads(out)["status"], endpoint.asked) == (0, "fixed", []), err
    page, old = (read(raw).values for raw in (PAGE.read_bytes(), before[str(PAGE)]))
    assert page["related_article1.url"] != old["related_article1.url"]
    assert {path for path in page if page[path] != old.get(path)} <= set(FIELD_GROUPS["related"])
    assert [path for path, raw in before.items() if Path(path).read_bytes() != raw] == [str(PAGE)]
    assert qtgen("validate", "site", "--select", "QT403")[0] == 0


def test_a_new_answer_takes_the_old_score_with_it(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"answer": "I'm sorry, but I can't help with that.", "score": 0.7, "no_index": None})
    points = {
        "Gradient": "Water passes to the side that holds more solute, since its own concentration is lower there.",
        "Membrane": "A semipermeable membrane has pores which are too small for sugar and for most ions to slip by.",
        "Pressure": "Pressing on the concentrated side stops the osmosis; the pressure needed is called osmotic.",
        "Cells": "Red blood cells burst in pure water and shrivel in brine, whereas plant walls resist either.",
    }
    varied = [{"heading": heading, "explanation": text} for heading, text in points.items()]
    endpoint.replies["points"] = points_json(points=varied)
    code, out, err = qtgen("regenerate", "site", "--because", "QT604", "--touch-date", "--json")
    assert (code, json.loads(out)["status"]) == (0, "written"), err
    page = read(PAGE.read_bytes())
    today = dt.datetime.now().astimezone().date()
    assert (page.values["score"], page.values["date"]) == (-1.0, today)
    old = read(before[str(PAGE)]).values
    assert {path for path in old if old[path] != page.values[path]} == {"answer", "score", "date"}


# --- never worse -----------------------------------------------------------------------------------------------------


def test_a_new_error_or_the_old_fault_is_asked_about_again(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"answer": "Osmosis moves water. " * 10})
    short = {
        **POINTS,
        "introduction": "As an AI language model, I know that osmosis moves water through a membrane, always.",
    }
    endpoint.replies["points"] = json.dumps(short)
    code, out, _ = qtgen("regenerate", "site", "--json")
    line = json.loads(out)
    assert (code, line["status"], line["attempts"], line["error"]["kind"]) == (1, "failed", 4, "answer")
    assert PAGE.read_bytes() == before[str(PAGE)]
    assert Path("outputs/.qtgen/failed/biology/what-is-osmosis.json").exists()


@pytest.mark.parametrize(("better", "status"), [("old", "kept"), ("nonsense", "failed"), ("place", "written")])
def test_a_judge_is_asked_in_both_orders(qtgen: Run, endpoint: Endpoint, better: str, status: str) -> None:
    """One that always says `first` has no preference; a true one for the old text keeps it; one that cannot be heard
    decides nothing, and is asked again by the next run."""
    before = site(osmosis={"seo.page_description": LONG})

    def answer(request: dict[str, Any]) -> str:
        endpoint.asked.append(request)
        if request["model"] != "judge":
            return SEO
        first_is_old = request["messages"][-1]["content"].index(LONG) < request["messages"][-1]["content"].index(
            SHORTER
        )
        chosen = {"old": "first" if first_is_old else "second", "nonsense": "x", "place": "first"}[better]
        return json.dumps({"reasons": "So it is.", "better": chosen})

    endpoint.answer = answer  # type: ignore[method-assign]
    code, out, err = qtgen("regenerate", "site", "--judge", "judge", "--json")
    assert (code, json.loads(out)["status"]) == (int(status == "failed"), status), err
    assert Path("outputs/.qtgen/rejected").exists() == (status == "kept")
    assert [request["model"] for request in endpoint.asked] == ["gpt-4o-mini", "judge", "judge"]
    assert (PAGE.read_bytes() == before[str(PAGE)]) == (status != "written")


OLD = (
    "Osmosis moves water through a membrane that holds the solute back.\n\n1. **Gradient**: Water moves to the side "
    "with more solute.\n\n2. **Membrane**: The pores let water pass and hold back sugar.\n\nIt ends when both are even."
)


@pytest.mark.parametrize(
    ("new", "objection"),
    [
        (OLD, ""),
        (OLD + "\n\n3. **Pressure**: A pressure on the concentrated side can stop the flow of water.", ""),
        ("Osmosis moves water through a membrane that holds the solute back.", "leaves out more"),
        ("The Roman empire had many emperors, and some of them were mad, but most of them were not.", "too little"),
        (OLD + "\n\n" + "\n\n".join(["Water moves to the side with more solute in it, as was said."] * 6), "repeats"),
        ("", "empty"),
    ],
)
def test_what_speaks_against_an_answer(new: str, objection: str) -> None:
    found = "; ".join(of_answers("What is osmosis?", OLD, new))
    assert objection in found
    assert bool(objection) == bool(found), found


def test_where_the_old_answer_is_none_to_go_by() -> None:
    assert list(of_answers("What is osmosis?", "I'm sorry.", OLD, trusted=False)) == []
    roman = "The Roman empire had many emperors, and some of them were mad, but most of them were not."
    assert "further from its subject" in next(of_answers("What is osmosis?", "I'm sorry.", roman, trusted=False))


# --- what is stale ---------------------------------------------------------------------------------------------------


def test_a_page_just_generated_is_fresh_and_its_source_prompt_and_model_are_watched(
    qtgen: Run, endpoint: Endpoint
) -> None:
    generated(qtgen, context="Water moves through membranes.")
    check = ("regenerate", "site", "--out", "site", "--check", "--json")
    found = json.loads(qtgen(*check)[1])
    assert (found["pages"], found["stale"]) == (1, 0)

    def reasons(*more: str) -> list[str]:
        return [row["reason"] for row in json.loads(qtgen(*check, *more)[1])["reasons"]]

    assert reasons("--questions", "q.jsonl") == []
    Path("q.jsonl").write_text(Path("q.jsonl").read_text().replace("through membranes", "down the drain"))
    assert reasons("--questions", "q.jsonl") == ["source-changed"]
    assert reasons("--model", "other") == ["model-changed"]
    assert reasons("--temperature", "0.9") == ["prompt-changed"]
    assert reasons("--older-than", "0") == []
    assert reasons("--because", "unknown-provenance") == []
    PAGE.write_text(PAGE.read_text().replace("    What is osmosis?", "    What is osmosis really?"))
    assert reasons("--because", "question-edited") == ["question-edited"]


def test_with_no_model_named_none_has_changed(qtgen: Run, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI has no key: the model of this machine would answer for want of another."""
    generated(qtgen)
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert qtgen("regenerate", "site", "--out", "site", "--check")[0] == 0
    assert qtgen("regenerate", "site", "--out", "site", "--check", "--provider", "local")[0] == 1


def test_a_title_that_differs_from_the_question_is_for_a_person(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"seo.page_description": LONG, "title": "What is it?"})
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, json.loads(out)["error"]["kind"], endpoint.asked) == (1, "page", []), err
    assert "title and question differ" in err
    assert PAGE.read_bytes() == before[str(PAGE)]


def test_a_comment_on_a_line_that_would_change_fails_one_page_and_nothing_is_asked(
    qtgen: Run, endpoint: Endpoint
) -> None:
    site(
        osmosis={"answer": "I'm sorry, but I can't help with that.", "score": 0.7},
        turgor={"seo.page_description": LONG},
    )
    PAGE.write_text(PAGE.read_text().replace("score: 0.7", "score: 0.7 # by Anna"))
    code, out, err = qtgen("regenerate", "site", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, [line["status"] for line in lines]) == (1, ["failed", "written"]), err
    assert lines[0]["error"]["kind"] == "splice"
    assert len(endpoint.asked) == 1
    assert "by Anna" in PAGE.read_text()


def test_search_fields_are_judged_too_where_the_answer_changes(qtgen: Run, endpoint: Endpoint) -> None:
    site(osmosis={})

    def answer(request: dict[str, Any]) -> str:
        endpoint.asked.append(request)
        text = request["messages"][-1]["content"]
        if request["model"] != "judge":
            return points_json()
        if "Description:" not in text:
            return json.dumps({"reasons": "r", "better": "neither"})
        old_first = text.index("membrane towards") < text.index("membrane to the side")
        return json.dumps({"reasons": "r", "better": "first" if old_first else "second"})

    endpoint.answer = answer  # type: ignore[method-assign]
    code, out, err = qtgen("regenerate", "site", "--because", "unknown-provenance", "--judge", "judge", "--json")
    assert (code, json.loads(out)["status"]) == (0, "kept"), err
    assert len(endpoint.asked) == 5


def test_a_page_that_fails_does_not_hold_up_a_limited_run(qtgen: Run, endpoint: Endpoint) -> None:
    site(aaa={"seo.page_description": LONG}, bbb={"seo.page_description": LONG})
    endpoint.replies["seo"] = "nonsense"
    first = json.loads(qtgen("regenerate", "site", "--limit", "1", "--json")[1])
    second = json.loads(qtgen("regenerate", "site", "--limit", "1", "--json")[1])
    assert {Path(one["path"]).stem for one in (first, second)} == {"what-is-aaa", "what-is-bbb"}
    found = json.loads(qtgen("regenerate", "site", "--limit", "1", "--check", "--json")[1])
    assert (found["stale"], len(found["items"])) == (2, 1)


def test_a_run_that_was_taken_back_is_no_edit(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"seo.page_description": LONG})
    assert qtgen("regenerate", "site")[0] == 0
    PAGE.write_bytes(before[str(PAGE)])
    found = json.loads(qtgen("regenerate", "site", "--check", "--json")[1])
    assert (found["stale"], found["edited"]) == (1, [])


def test_the_first_row_of_a_question_gives_the_source_and_bad_rows_are_said(qtgen: Run, endpoint: Endpoint) -> None:
    generated(qtgen, context="First.")
    rows = Path("q.jsonl").read_text()
    Path("q.jsonl").write_text(rows + rows.replace("First.", "Second.") + '{"question": ""}\n')
    code, out, err = qtgen("regenerate", "site", "--out", "site", "--check", "--questions", "q.jsonl", "--json")
    assert (code, json.loads(out)["stale"]) == (0, 0)
    assert "1 unusable row of the question files passed over" in err


def test_odd_dates_and_whole_scores_do_not_end_planning(qtgen: Run, endpoint: Endpoint) -> None:
    site(osmosis={"score": 0.5})
    PAGE.write_text(
        PAGE.read_text().replace("score: 0.5", "score: 0").replace("\ndate: 2", "\ndate: 2024-01-02 10:00:00 # 2")
    )
    found = json.loads(
        qtgen("regenerate", "site", "--older-than", "10", "--score-below", "0.5", "--check", "--json")[1]
    )
    assert "low-score" in [row["reason"] for row in found["reasons"]]
    assert qtgen("regenerate", "site", "--older-than", "99999", "--check")[0] in (0, 1)
    assert qtgen("regenerate", "site", "--older-than", "999999", "--check")[0] == 2


def test_a_source_text_that_is_not_at_hand(qtgen: Run, endpoint: Endpoint) -> None:
    generated(qtgen, context="Water moves through membranes.")
    call = ("regenerate", "site", "--out", "site", "--model", "other", "--json")
    code, out, err = qtgen(*call)
    assert (code, json.loads(out)["error"]["kind"]) == (1, "source")
    assert "name its question file with --questions" in err
    code, out, err = qtgen(*call, "--questions", "q.jsonl")
    assert code == 0, err
    assert "<source>\nWater moves through membranes." in endpoint.prompts()[-1]


def test_what_a_person_edited_is_left_alone(qtgen: Run, endpoint: Endpoint) -> None:
    generated(qtgen)
    by_hand = PAGE.read_text().replace("Osmosis moves water", "Osmosis, as Anna says, moves water")
    PAGE.write_text(by_hand)
    code, out, err = qtgen(
        "regenerate", "site", "--out", "site", "--model", "other", "--because", "model-changed", "--json"
    )
    assert code == 0, err
    line = json.loads(out)
    assert line["fields"] == sorted(FIELD_GROUPS["seo"]), "the search fields are as they were written"
    assert "Anna" in PAGE.read_text()
    code, _, err = qtgen("regenerate", "site", "--out", "site", "--model", "third", "--only", "answer")
    assert code == 0
    assert "1 page edited by a person left alone; --include-edited takes them too" in err
    assert "nothing is stale in 1 page" in err
    assert "Anna" in PAGE.read_text()
    code, _, err = qtgen(
        "regenerate", "site", "--out", "site", "--model", "third", "--include-edited", "--only", "answer"
    )
    assert code == 0
    assert "Anna" not in PAGE.read_text(), err


def test_a_safe_fix_is_no_edit_by_a_person(qtgen: Run, endpoint: Endpoint) -> None:
    keywords = ["osmosis", "membrane", "solute", "water", "diffusion"]
    endpoint.replies["points"] = points_json(page_keywords=keywords)
    generated(qtgen)
    raw = PAGE.read_text()
    PAGE.write_text(raw.replace("osmosis, membrane", "osmosis,membrane"))  # as a rule would have had it
    found = json.loads(qtgen("regenerate", "site", "--out", "site", "--model", "b", "--check", "--json")[1])
    assert (found["edited"], found["stale"]) == ([], 1)


def test_the_oldest_and_the_worst_come_first(qtgen: Run, endpoint: Endpoint) -> None:
    site(
        aaa={"date": dt.date(2024, 1, 2), "seo.page_description": LONG},
        bbb={"date": dt.date(2021, 1, 2), "seo.page_description": LONG, "score": 0.9},
        ccc={"date": dt.date(2022, 1, 2), "answer": "As an AI language model, I know it. " * 12, "score": 0.1},
    )

    def names(*more: str) -> list[str]:
        found = json.loads(qtgen("regenerate", "site", "--check", "--json", *more)[1])
        return [Path(one["path"]).stem[-3:] for one in found["items"]]

    assert names("--order", "oldest") == ["bbb", "ccc", "aaa"]
    assert names() == ["ccc", "aaa", "bbb"]
    assert names("--limit", "1") == ["ccc"]
    assert names("--because", "low-score", "--score-below", "0.5") == ["ccc"]
    assert names("--because", "old", "--older-than", "1500") == ["bbb", "ccc"]
    assert names("--because", "old", "--older-than", "1500", "--score-below", "0.1") == ["ccc", "bbb"]
    assert names("--because", "unknown-provenance", "--only", "answer") == ["aaa", "bbb", "ccc"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--because", "boredom"), "--because boredom: there are old, prompt-changed"),
        (("--because", "old"), "--because old needs --older-than"),
        (("--because", "QT999"), "QT999: no rule has this code"),
        (("--diff", "--json"), "--diff shows changes as text"),
    ],
)
def test_a_wrong_call_is_one_line(qtgen: Run, endpoint: Endpoint, options: tuple[str, ...], said: str) -> None:
    site(osmosis={})
    code, out, err = qtgen("regenerate", "site", *options)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_dry_run_is_a_table_and_sends_nothing(qtgen: Run, endpoint: Endpoint) -> None:
    words = "osmosis,membrane,solute,water,diffusion"
    site(osmosis={"seo.page_description": LONG, "seo.page_keywords": words}, diffusion={"seo.page_keywords": words})
    code, out, _ = qtgen("regenerate", "site", "--dry-run")
    assert (code, endpoint.asked) == (0, [])
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["reason", "pages", "free", "requests", "cost", "time"]
    assert lines[1][:4] == ["QT601", "description-too-long", "1", "1"]
    assert lines[2][:5] == ["QT603", "keywords-malformed", "2", "2", "0"]
    assert lines[3][:4] == ["all", "2", "1", "1"]
    found = json.loads(qtgen("regenerate", "site", "--dry-run", "--json")[1])
    assert found["all"]["requests"] == {"low": 1.0, "expected": 1.0, "high": 1.0}
    assert found["items"][0]["reasons"] == ["QT601", "QT603"]
    assert qtgen("regenerate", "site", "--check")[0] == 1


def test_diff_shows_words_and_changes_nothing_and_the_ledger_has_the_answer(qtgen: Run, endpoint: Endpoint) -> None:
    before = site(osmosis={"seo.page_description": LONG})
    code, out, err = qtgen("regenerate", "site", "--diff")
    assert code == 0, err
    assert "seo.page_description:\n    Osmosis is the passage of water" in out
    assert "side [-that holds-] {+with+} more [-solute, until the two" in out
    assert "{+solute.+}" in out
    assert PAGE.read_bytes() == before[str(PAGE)]
    assert qtgen("regenerate", "site")[0] == 0
    assert changed_lines(before[str(PAGE)], PAGE.read_bytes()) == [SHORTER]
    assert len(endpoint.asked) == 1


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_page_that_does_not_parse_is_left_alone_and_listed(qtgen: Run, endpoint: Endpoint) -> None:
    site(osmosis={"seo.page_description": LONG})
    broken = Path("site/biology/broken.md")
    broken.write_text("---\ntitle: [\n---\n\n&nbsp;")
    code, out, err = qtgen("regenerate", "site", "--json")
    assert (code, json.loads(out)["status"]) == (1, "written")
    assert "site/biology/broken.md: does not parse; it is left alone" in err
    assert broken.read_text() == "---\ntitle: [\n---\n\n&nbsp;"
    assert json.loads(qtgen("regenerate", "site", "--check", "--json")[1])["unreadable"] == [str(broken)]


@pytest.mark.parametrize(
    ("accident", "said"),
    [
        (lambda: PAGE.unlink(), "was deleted in the meantime"),
        (lambda: PAGE.write_bytes(PAGE.read_bytes().replace(b"QuickTakes\n", b"Somebody\n", 1)), "changed while"),
        (lambda: PAGE.chmod(0o444), "is read-only"),
    ],
)
def test_a_page_that_changes_or_goes_meanwhile(
    qtgen: Run, endpoint: Endpoint, accident: Callable[[], None], said: str
) -> None:
    site(osmosis={"seo.page_description": LONG}, zygosis={"seo.page_description": LONG})
    done: list[int] = []

    def once() -> None:
        if not done:
            done.append(1)
            accident()

    endpoint.before = once
    code, out, err = qtgen("regenerate", "site", "--json", "--concurrency", "1")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, [line["status"] for line in lines]) == (1, ["failed", "written"]), err
    assert lines[0]["error"]["kind"] == "page"
    assert said in err
    if PAGE.exists():
        assert LONG in PAGE.read_text()


def test_provenance_of_a_page_that_is_gone_is_said(qtgen: Run, endpoint: Endpoint) -> None:
    generated(qtgen)
    PAGE.unlink()
    site(diffusion={})
    code, _, err = qtgen("regenerate", "site", "--out", "site")
    assert code == 0
    assert "/learn/biology/questions/what-is-osmosis: its provenance is there, and no page" in err


def test_a_site_with_nothing_in_it(qtgen: Run, endpoint: Endpoint) -> None:
    Path("site").mkdir()
    assert qtgen("regenerate", "site") == (2, "", "qtgen: site: no pages (*.md) in this folder\n")


def test_two_runs_at_once_change_each_page_once(endpoint: Endpoint) -> None:
    names = [f"thing{number}" for number in range(12)]
    before = site(**{name: {"seo.page_description": LONG} for name in names})
    command = [sys.executable, "-m", "qtgen", "regenerate", "site", "--json"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    outputs = [run.communicate(timeout=120) for run in runs]
    for path, old in before.items():
        assert changed_lines(old, Path(path).read_bytes()) == [SHORTER]
    statuses = [json.loads(line)["status"] for out, _ in outputs for line in out.splitlines()]
    assert statuses.count("written") == len(names)
    assert len(endpoint.asked) == len(names), "the second waits for the answers of the first"


def test_a_budget_ends_the_run_and_it_goes_on_with_more(qtgen: Run, endpoint: Endpoint) -> None:
    Path("qtgen.toml").write_text('[prices."gpt-4o-mini"]\ninput = 10000\noutput = 10000\n')
    site(**{f"thing{number}": {"seo.page_description": LONG} for number in range(4)})
    code, out, err = qtgen("regenerate", "site", "--budget", "20", "--concurrency", "1", "--json")
    statuses = [json.loads(line)["status"] for line in out.splitlines()]
    assert (code, set(statuses)) == (1, {"written", "skipped"}), err
    assert "with a higher --budget the same command goes on" in err
    code, out, _ = qtgen("regenerate", "site", "--budget", "2000", "--json")
    assert (code, {json.loads(line)["status"] for line in out.splitlines()}) == (0, {"written"})
    assert len(endpoint.asked) == 4


# --- the values ------------------------------------------------------------------------------------------------------

NOW = Criteria(dt.date(2026, 2, 1), {"explain": ("w1", "s1")}, {"m"}, {"/u": "c1"}, older_than=30, score_below=0.5)
FRESH = ProvenanceRecord("/u", "2026-01-31", "explain", "w1", "s1", "m", "q1", "c1")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"date": "2025-12-01"}, "old"),
        ({"wording_digest": "w0"}, "prompt-changed"),
        ({"prompt": "gone"}, "prompt-changed"),
        ({"schema_digest": "s0"}, "schema-changed"),
        ({"asked_model": "n"}, "model-changed"),
        ({"context_digest": None}, "source-changed"),
        ({"question_digest": "q0"}, "question-edited"),
        ({"wording_digest": "", "schema_digest": "", "asked_model": "", "question_digest": ""}, None),
    ],
)
def test_each_reason_by_itself(changed: dict[str, Any], reason: str | None) -> None:
    made = ProvenanceRecord(**{**{name: getattr(FRESH, name) for name in FRESH.__struct_fields__}, **changed})
    page = read_text(splice(read_text(EXAMPLE_PAGE), {"score": 0.9}))
    standing = PageState("/u", "q1", {"answer": made, "seo": FRESH}, lambda: page)
    found = {name: [*one.of(standing, NOW)] for name, one in REASONS.items()}
    assert {name: groups for name, groups in found.items() if groups} == ({reason: ["answer"]} if reason else {})


def test_every_reason_says_what_it_is() -> None:
    assert all(len(one.doc) > 20 for one in REASONS.values())


def test_the_last_line_of_a_group_counts_and_a_torn_one_does_not() -> None:
    lines = [
        b'{"url": "/u", "date": "2025-01-01"}\n',
        b'{"url": "/u", "date": "2025-02-01", "groups": ["seo"]}\n',
        b'{"url": "/u", "da\n',
        b"\n",
    ]
    made = origins(lines).made["/u"]
    assert (made["answer"].date, made["seo"].date) == ("2025-01-01", "2025-02-01")


def test_a_line_whose_text_never_came_is_taken_back() -> None:
    """A run that is killed between the line and the page leaves the old text."""
    page = read_text(EXAMPLE_PAGE)
    first = {"url": "/u", "date": "2025-01-01", "text_digests": digests_of(page, ["answer", "seo"])}
    second = {"url": "/u", "date": "2025-02-01", "groups": ["seo"], "replaced_digests": digests_of(page, ["seo"])}
    found = origins([json.dumps(line).encode() for line in (first, second)])
    found.settle(lambda _: page)
    assert found.made["/u"]["seo"].date == "2025-01-01"
    alone = origins([json.dumps(second).encode()])
    alone.settle(lambda _: page)
    assert alone.made["/u"] == {}
    written = origins([json.dumps(line).encode() for line in (first, second)])
    written.settle(lambda _: read_text(splice(page, {"seo.page_keywords": "a, b, c, d, e"})))
    assert written.made["/u"]["seo"].date == "2025-02-01"


def test_differences_word_by_word() -> None:
    assert inline_diff("a b c d", "a x c d e") == "a [-b-] {+x+} c d {+e+}"
    assert diff_fields(
        "p.md", {"answer": encode_answer("One.\n\nTwo words.")}, {"answer": encode_answer("One.\n\nThree words.")}
    ) == ("--- p.md\nanswer:\n    One.\n    \n    [-Two-] {+Three+} words.\n\n")
