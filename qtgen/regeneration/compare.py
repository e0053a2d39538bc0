"""Is a page's new text worse than its old one? By the metrics that need no model, or by a judge in both orders.

The metrics take the old text as reference: a new answer may say more and in other words, but has to say what the old
one said, and not the contrary. Where the old one is none to go by (a refusal, a text cut short, another question's), it
has to be about the question, and not to repeat itself. The bars were measured: docs/keeping-a-site-fresh.md.
"""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from qtgen.errors import BudgetReached, JudgeError
from qtgen.evaluation.judges import preference
from qtgen.evaluation.metrics import AnalyzedText, Case, PageFacts, measure, overall
from qtgen.evaluation.metrics.text import information, recall
from qtgen.generation.types import Question
from qtgen.llm.types import Provider
from qtgen.page import Page, decode_answer
from qtgen.page.fields import DESCRIPTION_MAX, KEYWORDS_REQUESTED

KEEPS = 0.50  # overall score against the old answer from which a new one says what that said
LOSES = 0.10  # how much more of the old answer the new one may leave out than the old left out of the new
NEAR = 0.35  # cosine to its question that is asked of an answer where there is no old one to go by
ON_TOPIC = 0.20  # how much further from the question (cosine) a new text may be than the old
REPEATS = 0.15  # how much more of an answer may stand in it twice
CONTRADICTS = 0.25  # share of its sentences that may seem to contradict the old answer
TELLS = 0.60  # of what an old description told of the page, as far as it was shown, a new one has to tell
ADDS = 0.30  # … and of what the old one told beyond the question
FOUNDED = 0.10  # how much smaller a share of its words may be such as the page has too
UNSPOKEN = 0.10  # how much larger a share of the keywords may be such as the page does not speak of
FEWER = 0.60  # of as many keywords as there were, or are asked for, there have to be


class Comparison(NamedTuple):
    """why: one line, where the new text is worse."""

    worse: bool
    why: str = ""


def by_metrics(old: Page, new: Page, changed: Collection[str], *, trusted: bool) -> Comparison:
    """changed: fields that differ; trusted: whether the old answer is one to go by."""
    question = new.text_of("question") or ""
    objections: list[str] = []
    if "answer" in changed:
        texts = (decode_answer(page.text_of("answer") or "") for page in (old, new))
        objections += of_answers(question, *texts, trusted=trusted)
    objections += _of_search_fields(old, new, changed)
    return Comparison(bool(objections), "; ".join(objections))


def of_answers(question: str, old: str, new: str, *, trusted: bool = True) -> Iterator[str]:
    """What speaks against putting a new answer, as markdown, in the place of an old one."""
    about, before, after = AnalyzedText(question), AnalyzedText(old), AnalyzedText(new)
    if not after.words:
        yield "the new answer is empty"
        return
    if trusted and before.words:
        yield from _against(about, before, after)
    repeated = [_measure("repetition", about, before, one) for one in (before, after)]
    if repeated[1] > repeated[0] + REPEATS:
        yield f"the new answer repeats itself ({repeated[1]:.0%} of it, the old one {repeated[0]:.0%})"
    yield from _further(about, before if trusted else None, after, "answer")


def _against(question: AnalyzedText, before: AnalyzedText, after: AnalyzedText) -> Iterator[str]:
    found = measure(Case(question, (before,), after, page=PageFacts("", "")))
    kept, coverage, against = overall(found).value, found["coverage"].value, found["contradiction"]
    if (kept or 0.0) < KEEPS:
        yield f"the new answer says too little of what the old one said ({kept:.2f}; {KEEPS:.2f} is asked)"
    lost = _measure("coverage", question, after, before) - (coverage or 0.0)
    if lost > LOSES:
        yield f"the new answer leaves out more than it adds ({lost:.2f}; up to {LOSES:.2f} is borne)"
    if (against.value or 0.0) > CONTRADICTS:
        yield f"the new answer seems to contradict the old one ({against.note})"


def _measure(name: str, question: AnalyzedText, reference: AnalyzedText, candidate: AnalyzedText) -> float:
    return measure(Case(question, (reference,), candidate), [name])[name].value or 0.0


def _further(question: AnalyzedText, before: AnalyzedText | None, after: AnalyzedText, what: str) -> Iterator[str]:
    """Whether a text is further from what it should be about than the one before, if that is one to go by."""
    near = float(question.key_vector @ after.key_vector)
    least = NEAR if before is None else float(question.key_vector @ before.key_vector) - ON_TOPIC
    if near < least:
        yield f"the new {what} is further from its subject ({near:.2f}; {least:.2f} is asked)"


def _of_search_fields(old: Page, new: Page, changed: Collection[str]) -> Iterator[str]:
    about = AnalyzedText(f"{new.text_of('question')}\n{decode_answer(new.text_of('answer') or '')}")
    if "seo.page_description" in changed:
        shown, written = (
            AnalyzedText((page.text_of("seo.page_description") or "")[:DESCRIPTION_MAX]) for page in (old, new)
        )
        yield from _further(about, shown, written, "description")
        told = [_told(text, about) for text in (shown, written)]
        if told[1] < TELLS * told[0]:
            yield f"the new description tells less of the page ({told[1] / told[0]:.0%}; {TELLS:.0%} is asked)"
        asked = AnalyzedText(new.text_of("question") or "")
        added = [_told(text, about, beyond=asked) for text in (shown, written)]
        if added[1] < ADDS * added[0]:
            share = f"{added[1] / added[0]:.0%} of what the old one told beyond it; {ADDS:.0%} is asked"
            yield f"the new description says little but the question again ({share})"
        shares = [recall(text.counts, about.counts) for text in (shown, written)]
        if shares[1] < shares[0] - FOUNDED:
            yield f"the page has {shares[1]:.0%} of the new description's words (of the old: {shares[0]:.0%})"
    if "seo.page_keywords" in changed:
        yield from _of_keywords([page.text_of("seo.page_keywords") or "" for page in (old, new)], about)


def _told(text: AnalyzedText, about: AnalyzedText, beyond: AnalyzedText | None = None) -> float:
    """How much a text tells of what the page speaks of: its words that stand there too, each by how telling it is.

    beyond: whose words do not count.
    """
    known = beyond.counts if beyond else {}
    return sum(information(word) for word in text.counts if word in about.counts and word not in known)


def _of_keywords(both: Sequence[str], about: AnalyzedText) -> Iterator[str]:
    """both: the old ones and the new."""
    shares = [_unspoken(keywords, about) for keywords in both]
    if shares[1] > shares[0] + UNSPOKEN:
        yield f"the page does not speak of {shares[1]:.0%} of the new keywords (of the old: {shares[0]:.0%})"
    before, after = (keywords.count(",") + 1 for keywords in both)
    if after < FEWER * min(before, KEYWORDS_REQUESTED):
        yield f"{after} keywords stand for {before}"


def _unspoken(keywords: str, about: AnalyzedText) -> float:
    """The share of the keywords of which the page has no word."""
    words = [word for word in map(str.strip, keywords.split(",")) if word]
    strange = [word for word in words if not about.counts.keys() & set(AnalyzedText(word).stems)]
    return len(strange) / len(words) if words else 1.0


async def by_judges(
    judges: Sequence[Provider], question: Question, old: Page, new: Page, changed: AbstractSet[str]
) -> Comparison:
    """Worse where more judges prefer the old answer than the new, or the old search fields than the new.

    Raises ProviderUnusable, BudgetReached, and NoOpinion where no judge could be heard.
    """
    verdicts = []
    if "answer" in changed:
        answers = [decode_answer(page.text_of("answer") or "") for page in (old, new)]
        verdicts.append(await _preferred(judges, question.text, question.context, answers))
    if changed - {"answer"}:
        fields = [_search_fields(page) for page in (old, new)]
        verdicts.append(await _preferred(judges, question.text, decode_answer(new.text_of("answer") or ""), fields))
    return next((verdict for verdict in verdicts if verdict.worse), Comparison(False))


async def _preferred(judges: Sequence[Provider], question: str, right: str | None, texts: Sequence[str]) -> Comparison:
    """texts: the old and the new."""
    found = [await preference(judge, question, right, *texts) for judge in judges]
    values = [one.value for one in found if one.value is not None]
    failures = [one.error for one in found if one.error]
    if any(failure.kind == BudgetReached.kind for failure in failures):
        raise BudgetReached(failures[0].message)
    if not values:
        raise JudgeError(f"no judge had an opinion: {failures[0].message}")
    notes = [one.note for one in found if one.value is not None and one.value < 0]
    return Comparison(sum(values) < 0, f"judged worse in both orders: {notes[0]}" if sum(values) < 0 else "")


def _search_fields(page: Page) -> str:
    return f"Description: {page.text_of('seo.page_description')}\nKeywords: {page.text_of('seo.page_keywords')}"
