"""Compare answer formats with a local model: how often they are valid, how the pages read, and what they cost.

    python benchmarks/formats.py [--model NAME_OR_FILE] [--step N] [--only FORMAT] [--out FOLDER]

With each format, the model answers the questions of the demo, of `benchmarks/questions.txt` and of the suite `core`,
once and without repairs. The columns are:

- answers that are valid at the first attempt
- pages that QT609 or QT610 report, at the shipped thresholds and at those that one live page of 100 exceeds
- the same two columns for the questions of the demo and of the text file alone ("questions")
- the score of `core`, in which an invalid answer counts as 0
- seconds and tokens per page
"""

import argparse
import csv
import json
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from qtgen.errors import AnswerError
from qtgen.evaluation.scoring import score
from qtgen.generation.answer_parts import Answer
from qtgen.generation.answers import to_markdown
from qtgen.generation.config import load_library
from qtgen.generation.parsing import parse
from qtgen.generation.types import Question
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.local.server import endpoint, serve
from qtgen.llm.types import AnswerFormat, PromptStyle
from qtgen.page import decode_answer, default_profile, read_text
from qtgen.page.compile import default_layout
from qtgen.settings import Settings
from qtgen.validation.text_quality import measure

ROOT = Path(__file__).resolve().parents[1]
SLOTS = 2
FORMATS = {
    "json_schema": (PromptStyle(AnswerFormat.JSON_SCHEMA), False),
    "json_object": (PromptStyle(AnswerFormat.JSON_OBJECT), False),
    "markdown": (PromptStyle(AnswerFormat.MARKDOWN), False),
    "markdown, grammar": (PromptStyle(AnswerFormat.MARKDOWN), True),
    "markdown, short prompt": (PromptStyle(AnswerFormat.MARKDOWN, is_short=True), False),
    "markdown, short prompt, grammar": (PromptStyle(AnswerFormat.MARKDOWN, is_short=True), True),
}


@dataclass(frozen=True)
class Item:
    """A question, and the reference answer if it has one."""

    question: Question
    reference: str | None = None


@dataclass(frozen=True)
class Result:
    """The result of a question."""

    item: Item
    text: str
    markdown: str
    fault: str
    flagged: tuple[bool, bool]
    seconds: float
    tokens: int


def main() -> None:
    """Measure the formats and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--step", type=int, default=1, help="use every Nth question")
    parser.add_argument("--only", choices=FORMATS, action="append")
    parser.add_argument("--out", type=Path, help="write the answers to this folder")
    options = parser.parse_args()
    items = [*_questions(), *_references()][:: options.step]
    print(
        "| format | valid at once | flagged | flagged at 1% | questions flagged | flagged at 1% | core | s | tokens |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with serve(options.model, slots=SLOTS) as served:
        for name in options.only or FORMATS:
            style, has_grammar = FORMATS[name]
            local = replace(endpoint(options.model, style=style), base_url=served.base_url, sends_grammar=has_grammar)
            started = time.perf_counter()
            with ThreadPoolExecutor(SLOTS) as pool:
                results = list(pool.map(lambda item, local=local: _ask(item, local), items))
            print(_row(name, results, time.perf_counter() - started), flush=True)
            if options.out:
                _write(options.out / f"{name}.md", results)


def _questions() -> list[Item]:
    with (ROOT / "examples" / "questions.csv").open() as file:
        rows = [
            Question(row["question"], row["subject"], context=row["context"] or None) for row in csv.DictReader(file)
        ]
    pairs = [line.split("|", 1) for line in (ROOT / "benchmarks" / "questions.txt").read_text().splitlines()]
    return [*map(Item, rows), *(Item(Question(text, subject)) for subject, text in pairs)]


def _references() -> list[Item]:
    pages = (
        read_text(path.read_text(), default_layout())
        for path in sorted((ROOT / "evals" / "core" / "references").glob("*.md"))
    )
    return [
        Item(
            Question(str(page.text_of("title")), str(page.text_of("subject"))),
            decode_answer(page.text_of("answer") or ""),
        )
        for page in pages
    ]


def _ask(item: Item, local: Endpoint) -> Result:
    prompt = load_library(Settings(), default_profile()).render(item.question, style=local.style)
    request = make_request(prompt, local)
    started = time.perf_counter()
    post = urllib.request.Request(  # the loopback address of the local server
        f"{local.base_url}/chat/completions", request.body, {"content-type": "application/json"}
    )
    response = json.load(urllib.request.urlopen(post, timeout=900))
    seconds, choice = time.perf_counter() - started, response["choices"][0]
    text, tokens = choice["message"]["content"], response["usage"]["completion_tokens"]
    try:
        is_cut = choice["finish_reason"] == "length"
        answer = parse(prompt, text, item.question.text, default_layout(), truncated=is_cut).fields
    except AnswerError as error:
        return Result(item, text, "", str(error), (False, False), seconds, tokens)
    assert isinstance(answer, Answer)
    markdown = to_markdown(answer, default_layout())
    quality = measure(item.question.text, answer.page_description, answer.keywords, markdown, math=True)
    shown = f"> {answer.page_description}\n\n> {answer.keywords}\n\n{markdown}"
    return Result(item, shown, markdown, "", (quality.is_flagged(), quality.is_flagged(loose=True)), seconds, tokens)


def _row(name: str, results: Sequence[Result], seconds: float) -> str:
    valid = [result for result in results if not result.fault]
    questions = [result for result in results if result.item.reference is None]
    scores = [
        (score(result.item.question.text, result.item.reference, result.markdown).score or 0.0)
        if result.markdown
        else 0.0
        for result in results
        if result.item.reference is not None
    ]
    flags = [sum(result.flagged[place] for result in group) for group in (results, questions) for place in (0, 1)]
    cells = [
        name,
        f"{len(valid)} of {len(results)}",
        *map(str, flags[:2]),
        *(f"{flag} of {len(questions)}" for flag in flags[2:]),
        f"{fmean(scores):.2f}" if scores else "",
        f"{seconds / len(results):.1f}",
        f"{fmean(result.tokens for result in results):.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _write(path: Path, results: Sequence[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [
        f"# {result.item.question.text}\n\n{result.fault or result.flagged}\n\n{result.text}" for result in results
    ]
    path.write_text("\n\n---\n\n".join(parts))


if __name__ == "__main__":
    main()
