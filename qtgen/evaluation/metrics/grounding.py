"""Measure whether the source text of a question supports a candidate."""

from collections import Counter

from qtgen.evaluation.metrics.base import Case, Score, metric


@metric(cost="3 ms")
def groundedness(case: Case) -> Score:
    """Share of the candidate's sentences that its source text supports.

    The source text is the `context` of the question, so this metric needs no reference. It is null for an item without
    one, and for a source text in another language than the candidate. A sentence is supported if the mean of two
    values is high enough: the share of its words that the source has, and the cosine to the most similar sentence of
    the source, always with the built-in vectors. The note lists figures, dates, units, names and quotations that the
    source lacks. The metric cannot tell a sentence that reverses its source from one that repeats it.

    `generate` and `regenerate` report these items as warnings with the code `groundedness`: compare each one with the
    source, because about one in twenty is a false alarm. With `strict_grounding`, such a page is not written.
    """
    if not case.source.strip():
        return Score(None)
    from qtgen.embeddings.sentences import sentence_similarity
    from qtgen.generation.grounding import check

    report = check(case.candidate.text, case.source, case.question.text, similarity=sentence_similarity)
    counts = Counter(item.kind.value for item in report.items)
    listed = ", ".join(f"{item.kind.value} {item.text}" for item in report.items[:3])
    note = f"{counts.total()} not in the source, for example: {listed}" if listed else ""
    return Score(report.supported, note[:240])
