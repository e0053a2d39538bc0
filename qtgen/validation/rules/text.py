"""Family 6xx, texts: off-topic pages, incoherent text, repeated sentences and banned phrases.

These rules need no reference answer. `qtgen/validation/text_quality.py` has the measurements and their thresholds.
"""

import re
from collections.abc import Iterator
from functools import cache

from qtgen._util.text import enumeration
from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.markdown import mask_segments
from qtgen.page.profile import Profile
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Severity
from qtgen.validation.english import INCOHERENCE_PATTERNS, WORD
from qtgen.validation.rules.answers import (
    ModelText,
    answer_finding,
    answer_line,
    answer_of,
    answer_path,
    has_answer,
    markdown_of,
    model_texts,
    segments_of,
)
from qtgen.validation.rules.limits import limits_of
from qtgen.validation.rules.placeholders import PLACEHOLDERS
from qtgen.validation.rules.prose_tests import (
    is_about_its_question,
    is_coherent_prose,
    rows_off_topic,
    rows_with_incoherent_prose,
)
from qtgen.validation.rules.registry import rule, site_rule
from qtgen.validation.rules.settings import BannedPhrase, RuleSettings, banned_pattern
from qtgen.validation.rules.types import Example, Finding, PageFile, SiteFinding
from qtgen.validation.text_quality import measure_coherence, measure_topic

_QUOTED_MAX = 40  # characters that a message quotes
_WORDS_SHOWN = 5
_LONG_ANSWER = 300  # characters
_WORDS_OF_OTHERS = 50  # of an answer on a site of another kind
_QUESTION = re.compile(
    r"(?!how to\b)(?:how|what|why|which|when|where|who|whom|whose|is|are|was|were|do|does|did|can|could|should|will"
    r"|would)\b|.*\?\W*\Z",
    re.IGNORECASE | re.DOTALL,
)


def _question(file: PageFile) -> str:
    return file.page.text_of(file.page.layout.roles.question) or ""


def _keywords(file: PageFile) -> str:
    """Return the keywords, separated by commas."""
    path = file.page.layout.keywords
    value = file.page.values.get(path) if path else None
    if not isinstance(value, str) or path is None:
        return ""
    separator = (file.page.layout.fields[path].spec.separator or ",").strip()
    return value if separator in (",", "") else value.replace(separator, ",")


@cache
def _has_known_texts(layout: Layout) -> bool:
    """Return whether pages are of the kind that the thresholds of QT609 were chosen for.

    Their answers are long, and their keywords are one text that is written for the page. On other sites, a title may be
    an instruction, whose words its page need not repeat.
    """
    return _has_own_keywords(layout) and limits_of(layout).answer.least >= _LONG_ANSWER


@cache
def _has_own_keywords(layout: Layout) -> bool:
    """Return whether the keywords are one text. The items of a list usually sort pages, and need not be in them."""
    return bool(layout.keywords) and layout.fields[layout.keywords or ""].spec.separator is not None


def _has_topic(layout: Layout) -> bool:
    """Return whether a model writes an answer and a description."""
    return bool(layout.roles.answer and layout.description)


def _has_topics(profile: Profile) -> bool:
    return any(map(_has_topic, layouts_of(profile)))


def _is_long_answer_to_question(file: PageFile) -> bool:
    if not _has_topic(file.page.layout) or not _QUESTION.match(_question(file)):
        return False
    text = markdown_of(file)
    return len(WORD.findall(mask_segments(text, segments_of(file, text)))) >= _WORDS_OF_OTHERS


def _judged_answers(layout: Layout) -> str:
    if _has_known_texts(layout):
        return "English questions, and only answers with at least 20"
    return f"titles that are English questions, and only answers with at least {_WORDS_OF_OTHERS}"


def _compared_texts(layout: Layout) -> str:
    keywords = "the keywords in the answer, " if _has_own_keywords(layout) else ""
    return (
        "The rule looks for the question's words in the answer, the question's words in the description, "
        f"{keywords}and the description's words in the answer. At least one of the two failures must concern the "
        "question."
    )


PLACEHOLDERS |= {
    "judged_answers": _judged_answers,
    "comparisons": lambda layout: "four" if _has_own_keywords(layout) else "three",
    "compared_texts": _compared_texts,
}


@rule(
    "QT609",
    "off-topic",
    Severity.WARNING,
    bad=Example("What is osmosis?", "How does a vaccine protect against a disease?"),
    skip_if=is_about_its_question,
    may_break=rows_off_topic,
    repairable="concern",
    applies=_has_topics,
)
def off_topic(file: PageFile) -> Iterator[Finding]:
    """The page is not about its question: two of {comparisons} comparisons of its texts fail.

    {compared_texts}

    Why it is bad: a reader who searched for the question reads about something else.
    Fix: answer the question, or generate the page again. No automatic fix.
    Limits: the rule compares words. It cannot detect whether a fluent answer about the right topic is true or answers
    the question. It judges only {judged_answers} words besides code{and_math}.
    Precision: it reports 1 of 4,924 live pages, whose subjects were not used to choose the thresholds. It detects 94%
    of pages with the answer or all texts of another page.
    """
    layout, question = file.page.layout, _question(file)
    is_known = _has_known_texts(layout)
    if not is_known and not _is_long_answer_to_question(file):
        return
    description = file.page.text_of(layout.description or "") or ""
    keywords = _keywords(file) if _has_own_keywords(layout) else ""
    quality = measure_topic(question, description, keywords, answer_line(file), math=layout.codec.math)
    if not quality.is_off_topic():
        return
    strikes = quality.strikes("topic")
    words = ", ".join(quality.missing[:_WORDS_SHOWN])
    names = {"words": words, "answer": answer_path(file), "description": layout.description}
    clauses = [clause.format(**names) for check, clause in _TOPIC_CLAUSES.items() if check in strikes]
    message = f"the page is not about its question; {enumeration(clauses)}"
    path = layout.description or ""
    path = answer_path(file) if "question_not_in_answer" in strikes or not path else path
    yield Finding(message, file.page.span(path), path)


_TOPIC_CLAUSES = {
    "question_not_in_answer": "answer it in `{answer}`, which lacks its words ({words})",
    "question_not_in_description": "use its words in `{description}`",
    "keywords_not_in_answer": "choose words of the answer as keywords",
    "description_not_in_answer": "describe in `{description}` what the answer says",
}


@rule(
    "QT610",
    "incoherent-text",
    Severity.WARNING,
    bad=Example(
        "1. **Gradient**: Water moves towards the side with more solute, because there its own concentration is lower.",
        "1. **the gradient that is there**: Water moves to a side. and then it moves again. so there is more of it.",
    ),
    skip_if=is_coherent_prose,
    may_break=rows_with_incoherent_prose,
    patterns=INCOHERENCE_PATTERNS,
    repairable="fault",
    applies=has_answer,
)
def incoherent_text(file: PageFile) -> Iterator[Finding]:
    """The answer is not coherent text: it has two of seven faults, or one of them often.

    The faults are words out of order ("the of"), a list of words instead of sentences, words that are glued together,
    headings of more than nine words, sentences and headings that begin in lower case, repeated runs of eight words, and
    repeated sentences.

    Why it is bad: nobody can read the page.
    Fix: generate the answer again. No automatic fix.
    Limits: the rule knows typical signs of incoherent text. It cannot detect whether fluent sentences are true, or
    whether they follow from each other. It looks for missing function words only if the question is in English.
    Precision: it reports none of 4,924 live pages, whose subjects were not used to choose thresholds. It detects 93%
    of answers with shuffled words, and all 14 pages of a model that wrote nonsense.
    """
    quality = measure_coherence(_question(file), answer_line(file), math=file.page.layout.codec.math)
    if not quality.is_incoherent():
        return
    strikes, answer = quality.strikes("coherence"), answer_of(file)
    samples = {check: quality.samples.get(check, "")[:_QUOTED_MAX].strip() for check in strikes}
    clauses = dict.fromkeys(_COHERENCE_CLAUSES[check].format(sample=sample) for check, sample in samples.items())
    message = f"`{answer_path(file)}` is not coherent text; {enumeration([*clauses])}"
    places = (answer.find(sample) for sample in samples.values() if sample)
    start = min((place for place in places if place >= 0), default=0)
    yield answer_finding(file, start, max(start + 1, min(start + _QUOTED_MAX, len(answer))), message)


_COHERENCE_CLAUSES = {
    "torn_phrases": "put its words in order (`{sample}`)",
    "missing_function_words": "write English sentences instead of a list of words",
    "glued_words": "separate words that are glued together (`{sample}`)",
    "long_headings": "shorten headings to at most nine words (`{sample}`)",
    "lower_case_starts": "begin sentences and headings with a capital letter (`{sample}`)",
    "repeated_runs": "say nothing twice",
    "repeated_sentences": "say nothing twice",
}


@site_rule(
    "QT611",
    "repeated-sentence",
    Severity.WARNING,
    bad=Example(
        "In summary, osmosis evens out concentrations by moving water instead of solute.",
        "This is an important topic that every student should know.",
        neighbour=(
            "In summary, diffusion evens out concentrations by moving water instead of solute.",
            "This is an important topic that every student should know.",
        ),
        settings=RuleSettings(repeated_sentence_pages=1),
    ),
    on_request=True,
    applies=has_answer,
)
def repeated_sentence(site: SiteIndex) -> Iterator[SiteFinding]:
    """More than 10 pages have the same sentence of eight words or more, word for word.

    The rule runs only if you select it by its full code, or if you set the number of pages with
    `repeated_sentence_pages` in qtgen.toml, because comparing all sentences makes a run about a fifth slower. A
    sentence ends at a full stop or a line break.{formulas_compared}

    Why it is bad: search engines and readers see pages that look alike.
    Fix: write the sentence differently, or leave it out. No automatic fix.
    Limits: the rule compares exact words, so it cannot detect a paraphrase. It also reports a definition that belongs
    on many pages. If that happens, raise the number.
    """
    for sentence, pages in site.sentences.repeated().items():
        message = f"`{{answer}}` has a sentence that is on {len(pages)} pages: `{{sentence}}`; write it differently"
        yield SiteFinding(message, [site.starts[page] for page in pages], sentence=sentence)


@rule(
    "QT612",
    "banned-phrase",
    Severity.ERROR,
    bad=Example(
        "Osmosis moves",
        "It is important to note that osmosis moves",
        settings=RuleSettings((BannedPhrase("important to note"),)),
    ),
    good=Example("Osmosis moves", "Osmosis moves", settings=RuleSettings((BannedPhrase("important to note"),))),
    skip_if=lambda file: not file.settings.banned_phrases,
    may_break=lambda files: range(len(files)) if files.settings.banned_phrases else (),
    repairable="fault",
)
def banned_phrase(file: PageFile) -> Iterator[Finding]:
    """A text contains a phrase that `banned_phrases` in qtgen.toml bans.

    The rule searches the question, the description, the keywords and the prose of the answer. It matches whole words,
    in any case. Code{and_math} may contain the phrase. In the question, the finding is only a warning, because no model
    writes the question.

    Why it is bad: it violates the style that your project requires.
    Fix: write the text without the phrase. No automatic fix.
    Limits: the rule does not recognize other forms of a word. To ban a verb, list all its forms: `delve`, `delves`,
    `delving`.
    """
    if not file.settings.banned_phrases:
        return
    pattern, by_group = banned_pattern(file.settings.banned_phrases)
    question, answer = file.page.layout.roles.question, answer_path(file)
    others = [written for written in model_texts(file) if written.path != answer]
    for written in (ModelText(question, _question(file)), *others, ModelText(answer, answer_of(file))):
        path, text = written.path, written.text
        if path == answer:
            text = file.page.layout.codec.expand(text)
            text = mask_segments(text, segments_of(file, text))
        for match in pattern.finditer(text):
            instead = by_group[(match.lastindex or 1) - 1].instead
            remedy = f"write `{instead}` instead" if instead else "write it differently"
            severity = Severity.WARNING if path == question else None
            message = f"`{path}` contains the banned phrase `{match.group()}`; {remedy}"
            yield Finding(message, written.span(file.page, *match.span()), path, None, severity)
