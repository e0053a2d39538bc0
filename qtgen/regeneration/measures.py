"""What the comparison of two texts measures, in plain words. `compare` holds the limits."""

from collections.abc import Mapping

MEASURES: Mapping[str, str] = {
    "answer.score": "Score of the new answer against the old one",
    "answer.loss": "How much more the new answer omits than it adds",
    "answer.contradiction": "Share of sentences that seem to contradict the old answer",
    "answer.repetition_increase": "Increase of the repeated share of the answer",
    "answer.similarity": "Similarity of the new answer to the question",
    "answer.preference": "Preference of the judges for the new answer, from -1 to 1",
    "description.similarity": "Similarity of the new description to the page",
    "description.information": "Information about the page in the new description, relative to the old one",
    "description.new_information": "The same, without the words of the question",
    "description.grounding_drop": "Decrease of the share of words that are in the page",
    "keywords.unrelated_increase": "Increase of the share of keywords that are not in the page",
    "keywords.number": "Number of keywords, relative to the old number",
    "search.preference": "Preference of the judges for the new search fields, from -1 to 1",
}
"""A description of each measure in `Comparison.measures`."""
