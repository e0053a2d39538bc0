"""A program as a user of the public API writes it. `tests/test_typing.py` checks its types; it is never run."""

from collections.abc import Sequence
from typing import assert_type

import qtgen
from qtgen.testing import ScriptedProvider, block_network, points_answer

assert_type(qtgen.__version__, str)


def count_errors(folder: str) -> int:
    diagnostics = qtgen.validate([folder], select=["QT1", "QT2"])
    for diagnostic in diagnostics:
        assert_type(diagnostic, qtgen.Diagnostic)
        assert_type(diagnostic.path, str)
        assert_type(diagnostic.line, int)
        assert_type(diagnostic.code, str)
        assert_type(diagnostic.severity, qtgen.Severity)
    return sum(diagnostic.severity is qtgen.Severity.ERROR for diagnostic in diagnostics)


def fix_pages(folder: str) -> list[str]:
    return [fixed.path for fixed in qtgen.fix([folder], unsafe=False)]


def title_of(path: str) -> str | None:
    page = qtgen.read_page(path, site=None)
    assert_type(page, qtgen.Page)
    return page.text_of("title")


async def generate_pages(provider: qtgen.Provider) -> list[str]:
    questions = [qtgen.Question("What is osmosis?", "Biology")]
    failed = []
    async for outcome in qtgen.generate(questions, provider=provider, out="outputs"):
        assert_type(outcome.question, qtgen.Question)
        if outcome.error is not None:
            assert_type(outcome.error.message, str)
            failed.append(outcome.question.text)
    return failed


async def generate_in_a_test() -> list[str]:
    with block_network():
        return await generate_pages(ScriptedProvider(points_answer(), points_answer(summary="Water moves.")))


def link_pages(folder: str) -> None:
    qtgen.link([folder], site="site.toml")


def score_answer(question: str, references: Sequence[str], answer: str) -> float | None:
    return qtgen.score(question, references, answer).score


def mean_score(suite: str) -> int:
    try:
        report = qtgen.evaluate(suite)
    except qtgen.QtgenError as error:
        assert_type(error.kind, str)
        return 0
    return len(report.items)
