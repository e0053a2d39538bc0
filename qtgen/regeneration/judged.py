"""Compare a page's new text with its old one by judges: models that are asked which one is better."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from qtgen.errors import BudgetReached, JudgeError
from qtgen.evaluation.judging.judges import preference
from qtgen.generation.page_texts import PageText, page_texts, shown_text
from qtgen.generation.types import Question
from qtgen.llm.types import Provider
from qtgen.page import Page
from qtgen.regeneration.compare import Comparison, answer_of


async def compare_by_judges(
    judges: Sequence[Provider], question: Question, old: Page, new: Page, changed: AbstractSet[str]
) -> Comparison:
    """Compare two versions of a page by models, each asked in both orders.

    The new version is worse if more judges prefer the old answer, or the old search fields, than the new ones.

    Raises:
        ProviderUnusable: Every further request would fail as well.
        BudgetReached: A judge cannot be asked within the budget.
        JudgeError: No judge gave a usable verdict.
    """
    preferences: dict[str, float] = {}
    objection = ""
    answer = new.layout.roles.answer
    if answer in changed:
        preferences["answer"], note = await _judged(
            judges, question.text, question.context, answer_of(old), answer_of(new)
        )
        objection = note
    if changed - {answer}:
        texts = _search_fields(old), _search_fields(new)
        preferences["search"], note = await _judged(judges, question.text, answer_of(new), *texts)
        objection = objection or note
    verdict: Literal["new", "old", "same"] = "old" if objection else "new" if any(preferences.values()) else "same"
    measures = {f"{text}.preference": value for text, value in preferences.items()}
    return Comparison(bool(objection), objection, verdict, tuple(judge.model for judge in judges), measures)


async def _judged(
    judges: Sequence[Provider], question: str, reference: str | None, old: str, new: str
) -> tuple[float, str]:
    """Return the mean preference of the judges, and why the new text is worse if it is."""
    preferences = [await preference(judge, question, reference, old, new) for judge in judges]
    failures = [one.error for one in preferences if one.error]
    for failure in failures:
        if failure.kind == BudgetReached.kind:
            raise BudgetReached(failure.message)
    values = [one.value for one in preferences if one.value is not None]
    if not values:
        raise JudgeError(f"no judge gave a usable verdict: {failures[0].message}")
    mean = sum(values) / len(values)
    if mean >= 0:
        return mean, ""
    note = next(one.note for one in preferences if one.value is not None and one.value < 0)
    return mean, f"judged worse in both orders: {note}"


def _search_fields(page: Page) -> str:
    """Return the texts of a page besides its answer, each on its own line."""
    return "\n".join(f"{text.label}: {_shown(page, text)}" for text in page_texts(page.layout).fields)


def _shown(page: Page, text: PageText) -> str:
    return shown_text(page, text.path) if text.path in page.values else "None"
