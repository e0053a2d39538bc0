"""Let judges choose the best of several candidate answers."""

import logging
from collections.abc import Sequence

from qtgen.evaluation.judging.judges import preference
from qtgen.evaluation.page_texts import answer_of
from qtgen.generation.answer_candidates import Candidate, Selector
from qtgen.generation.types import Outcome
from qtgen.llm.types import Provider
from qtgen.page import read_text
from qtgen.page.layout import Layout

_logger = logging.getLogger(__name__)


def judge_selector(judges: Sequence[Provider], layout: Layout) -> Selector:
    """Return a selector that compares the candidates in pairs: the winner so far with the next candidate.

    Each judge sees a pair in both orders, so N candidates take 2 * (N - 1) requests to each judge. The candidates are
    sorted by their checks, the best first. If no judge prefers one of a pair, or none responds, the first one wins.

    Args:
        judges: The models to ask.
        layout: The layout of the pages.
    """

    async def select(outcome: Outcome, candidates: Sequence[Candidate]) -> int:
        answers = [answer_of(read_text(candidate.text, layout)) or "" for candidate in candidates]
        best = 0
        for position in range(1, len(answers)):
            votes = 0.0
            for judge in judges:
                vote = await preference(judge, outcome.question.text, None, answers[best], answers[position])
                if vote.error:
                    _logger.info("%s: no choice by %s: %s", outcome.path, judge.model, vote.error.message)
                votes += vote.value or 0.0
            best = position if votes > 0 else best
        return best

    return select
