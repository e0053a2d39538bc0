"""Compare a page's new text with its old one, by metrics that need no model. `judged.py` asks judges instead.

The metrics take the old text as the reference. A new answer may say more and in other words, but it must say what the
old one said and must not contradict it. If the old answer is no reference (a refusal, a truncated text, an answer to
another question), the new one must be about the question and must not repeat itself.

`docs/explanation/case-study.md` says how the limits below were measured.
"""

from collections.abc import Collection, Iterator, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from qtgen.evaluation.metrics import AnalyzedText, Case, PageFacts, measure, overall
from qtgen.evaluation.metrics.text import information, recall
from qtgen.generation.page_texts import PageText, page_texts, shown_text
from qtgen.page import Page

MIN_OVERALL = 0.40
"""Overall score of a new answer against the old one."""
MAX_LOSS = 0.10
"""How much more of the old answer the new one may omit than the old one omits of the new one."""
MIN_SIMILARITY = 0.35
"""Cosine similarity of an answer to its question, if no old answer is the reference."""
MAX_SIMILARITY_DROP = 0.20
"""How far a text's cosine similarity to its question or page may fall below that of the old text."""
MAX_REPETITION_INCREASE = 0.15
"""How far the share of an answer that repeats itself may rise."""
MAX_CONTRADICTION = 0.25
"""Share of an answer's sentences that may seem to contradict the old answer."""
MIN_INFORMATION = 0.60
"""How much of the page a new description must tell, as a share of what the old one tells as far as it is displayed."""
MIN_NEW_INFORMATION = 0.30
"""The same, without the words that the question has as well."""
MAX_GROUNDING_DROP = 0.10
"""How far the share of a description's words that are in the page may fall."""
MAX_UNRELATED_INCREASE = 0.10
"""How far the share of keywords that are not in the page may rise."""
MIN_KEYWORDS = 0.60
"""Number of keywords, as a share of the old number or of the number that the prompt asks for, if that is less."""


Measures = MutableMapping[str, float]


class Comparison(NamedTuple):
    """Whether a new text is worse than the old one, and why in one line.

    Attributes:
        is_worse: Whether the old text stays.
        explanation: Why, in one line.
        verdict: Which text is better. Metrics never find that both are `same`, unless they are identical.
        judges: The models that compared the texts; none if metrics did.
        measures: What was compared with a limit, or the preference of the judges, by the names in `measures.MEASURES`.
    """

    is_worse: bool
    explanation: str = ""
    verdict: Literal["new", "old", "same"] = "new"
    judges: tuple[str, ...] = ()
    measures: Mapping[str, float] = MappingProxyType({})

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as provenance and the records of rewrites hold it."""
        return {
            "by": "judges" if self.judges else "metrics",
            "judges": [*self.judges],
            "verdict": self.verdict,
            "measures": {name: round(value, 4) for name, value in self.measures.items()},
        }


IDENTICAL = Comparison(True, "the new text is the same as the old one", "same")
"""The result if a model has written the old text again."""


def compare_by_metrics(old: Page, new: Page, changed: Collection[str], *, has_reference: bool) -> Comparison:
    """Compare two versions of a page by metrics.

    Args:
        old: The page before.
        new: The page after.
        changed: The fields that differ.
        has_reference: False if the old answer says nothing about how good the new one is.
    """
    question = new.text_of(new.layout.roles.question) or ""
    objections: list[str] = []
    measures: Measures = {}
    if new.layout.roles.answer in changed:
        objections += answer_objections(question, answer_of(old), answer_of(new), measures, has_reference=has_reference)
    about = AnalyzedText(f"{question}\n{answer_of(new)}")
    texts = page_texts(new.layout)
    ordered = (*filter(None, (texts.description, texts.keywords)), *texts.further)
    for text in (text for text in ordered if text.path in changed):
        known = measures if text in (texts.description, texts.keywords) else None
        if text.is_prose:
            old_text, new_text = (shown_text(page, text.path) for page in (old, new))
            objections += description_objections(question, about, old_text, new_text, text, known)
        elif text.is_list:
            objections += keyword_objections(about, _words(old, text), _words(new, text), text, known)
    return Comparison(bool(objections), "; ".join(objections), "old" if objections else "new", measures=measures)


def answer_of(page: Page) -> str:
    """Return the answer of a page as Markdown."""
    return page.layout.decode(page.text_of(page.layout.roles.answer or "") or "")


def _words(page: Page, text: PageText) -> str:
    """Return the items of a list, separated by commas."""
    shown = shown_text(page, text.path)
    return shown.replace(text.spec.separator, ", ") if text.spec.separator else shown


def answer_objections(
    question: str, old: str, new: str, measures: Measures | None = None, *, has_reference: bool = True
) -> Iterator[str]:
    """Yield what makes a new answer, as markdown, worse than the old one; nothing if it is not worse.

    Args:
        question: The page's question.
        old: The old answer.
        new: The new answer.
        measures: Gets the numbers that are compared with limits.
        has_reference: False if the old answer says nothing about how good the new one is.
    """
    measures = {} if measures is None else measures
    question_text, old_text, new_text = AnalyzedText(question), AnalyzedText(old), AnalyzedText(new)
    if not new_text.words:
        yield "the new answer is empty"
        return
    if has_reference and old_text.words:
        yield from _reference_objections(question_text, old_text, new_text, measures)
    old_share, new_share = (_metric("repetition", question_text, old_text, text) for text in (old_text, new_text))
    measures["answer.repetition_increase"] = new_share - old_share
    if new_share > old_share + MAX_REPETITION_INCREASE:
        yield f"the new answer repeats itself ({new_share:.0%} of it; the old one {old_share:.0%})"
    yield from _topic_objections(question_text, old_text if has_reference else None, new_text, "answer", measures)


def _reference_objections(
    question: AnalyzedText, old: AnalyzedText, new: AnalyzedText, measures: Measures
) -> Iterator[str]:
    scores = measure(Case(question, (old,), new, page=PageFacts("", "")))
    score = measures["answer.score"] = overall(scores).value or 0.0
    if score < MIN_OVERALL:
        yield f"the new answer says too little of what the old one said (score {score:.2f}, minimum {MIN_OVERALL:.2f})"
    loss = measures["answer.loss"] = _metric("coverage", question, new, old) - (scores["coverage"].value or 0.0)
    if loss > MAX_LOSS:
        yield f"the new answer omits more than it adds (difference {loss:.2f}, maximum {MAX_LOSS:.2f})"
    contradiction = scores["contradiction"]
    share = measures["answer.contradiction"] = contradiction.value or 0.0
    if share > MAX_CONTRADICTION:
        yield f"the new answer seems to contradict the old one ({contradiction.note})"


def _metric(name: str, question: AnalyzedText, reference: AnalyzedText, candidate: AnalyzedText) -> float:
    return measure(Case(question, (reference,), candidate), [name])[name].value or 0.0


def _topic_objections(
    topic: AnalyzedText, old: AnalyzedText | None, new: AnalyzedText, noun: str, measures: Measures
) -> Iterator[str]:
    """Object if the new text is further from its topic than the old one, or than a fixed limit if `old` is None."""
    similarity = measures[f"{noun}.similarity"] = float(topic.key_vector @ new.key_vector)
    minimum = MIN_SIMILARITY if old is None else float(topic.key_vector @ old.key_vector) - MAX_SIMILARITY_DROP
    if similarity < minimum:
        yield f"the new {noun} is further from its topic (similarity {similarity:.2f}, minimum {minimum:.2f})"


def description_objections(
    question: str, about: AnalyzedText, old: str, new: str, limits: PageText, measures: Measures | None = None
) -> Iterator[str]:
    """Yield what makes a new description worse than the old one, as far as a search result shows that one.

    Args:
        question: The page's question.
        about: The page's question and answer.
        old: The old description.
        new: The new description.
        limits: The field of the description.
        measures: Gets the numbers that are compared with limits.
    """
    measures = {} if measures is None else measures
    old_text, new_text = (AnalyzedText(text[: limits.high]) for text in (old, new))
    yield from _topic_objections(about, old_text, new_text, "description", measures)
    old_told, new_told = (_told(text, about) for text in (old_text, new_text))
    share = measures["description.information"] = _share(new_told, old_told)
    if new_told < MIN_INFORMATION * old_told:
        yield f"the new description tells less of the page ({share:.0%} of the old one, minimum {MIN_INFORMATION:.0%})"
    known = AnalyzedText(question)
    old_added, new_added = (_told(text, about, beyond=known) for text in (old_text, new_text))
    share = measures["description.new_information"] = _share(new_added, old_added)
    if new_added < MIN_NEW_INFORMATION * old_added:
        yield (
            "the new description says little more than the question "
            f"({share:.0%} of what the old one added, minimum {MIN_NEW_INFORMATION:.0%})"
        )
    old_grounded, new_grounded = (recall(text.counts, about.counts) for text in (old_text, new_text))
    measures["description.grounding_drop"] = old_grounded - new_grounded
    if new_grounded < old_grounded - MAX_GROUNDING_DROP:
        yield (
            f"only {new_grounded:.0%} of the words of the new description are in the page "
            f"(of the old one: {old_grounded:.0%})"
        )


def _share(new: float, old: float) -> float:
    return new / old if old else 1.0


def _told(text: AnalyzedText, about: AnalyzedText, beyond: AnalyzedText | None = None) -> float:
    """Return how much a text tells about a page: the information of its words that are in the page.

    Words of `beyond` do not count.
    """
    known = beyond.counts if beyond else {}
    return sum(information(word) for word in text.counts if word in about.counts and word not in known)


def keyword_objections(
    about: AnalyzedText, old: str, new: str, limits: PageText, measures: Measures | None = None
) -> Iterator[str]:
    """Yield what makes new keywords worse than the old ones, for a page about `about`.

    `measures` gets the numbers that are compared with limits.
    """
    measures = {} if measures is None else measures
    old_share, new_share = (_unrelated(keywords, about) for keywords in (old, new))
    measures["keywords.unrelated_increase"] = new_share - old_share
    if new_share > old_share + MAX_UNRELATED_INCREASE:
        yield f"{new_share:.0%} of the new keywords are not in the page (of the old ones: {old_share:.0%})"
    old_number, new_number = (keywords.count(",") + 1 for keywords in (old, new))
    measures["keywords.number"] = new_number / min(old_number, limits.ask)
    if new_number < MIN_KEYWORDS * min(old_number, limits.ask):
        yield f"there are {new_number} keywords instead of {old_number}"


def _unrelated(keywords: str, about: AnalyzedText) -> float:
    """Return the share of the keywords that have no word in common with the page."""
    phrases = [phrase for phrase in map(str.strip, keywords.split(",")) if phrase]
    unrelated = [phrase for phrase in phrases if about.counts.keys().isdisjoint(AnalyzedText(phrase).stems)]
    return len(unrelated) / len(phrases) if phrases else 1.0
