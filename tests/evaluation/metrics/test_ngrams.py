"""chrF and BLEU: every value equals sacrebleu's exactly."""

import json
import random
from itertools import pairwise
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from qtgen.evaluation.metrics import ngrams
from qtgen.evaluation.metrics.ngrams import bleu_score, chrf_score
from qtgen.evaluation.suites.suite import load_suite
from qtgen.page.profile import default_profile
from support import ROOT, SHARED

CHRF2, BLEU4 = CHRF(), BLEU(tokenize="none", effective_order=True, force=True)
VALUES = 160  # of each metric and kind of text: 2 × 8 × 160 are 2,560
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 12, 40, 150, 600)
ALPHABETS = {
    "few letters": "ab ",
    "prose": "abcdefghij .,;\n\t",
    "combining marks": "aeo e\u0301\u0308\u0328\u200d ",
    "kanji": "".join(map(chr, range(0x4E00, 0x4E50))) + " 、",
    "astral": "😀🎉👩\u200d🚀 \U0010fffd\U00010000a",
    "more than a thousand characters": "".join(map(chr, range(33, 3000))) + " ",
    "surrogates and white space": "\ud800\udfffa \u2003\u00a0\n\x1c\x85",
}
SENTENCES = [
    sentence
    for reference in load_suite(ROOT / "evals" / "core", default_profile()).references
    for sentence in reference.answer.split(". ")
]
TEXTS = st.text(max_size=60)


def expected_chrf(candidate: str, reference: str) -> float:
    return float(CHRF2.sentence_score(candidate, [reference]).score) / 100


def expected_bleu(candidate: list[str], references: list[list[str]]) -> float:
    score = BLEU4.sentence_score(" ".join(candidate), [" ".join(words) for words in references]).score
    return min(1.0, float(score) / 100)


def make_text(kind: str, rng: random.Random) -> str:
    if kind == "sentences":
        return ". ".join(rng.choices(SENTENCES, k=rng.choice((1, 2, 5))))
    return "".join(rng.choices(ALPHABETS[kind], k=rng.choice(LENGTHS)))


@pytest.mark.parametrize("kind", [*ALPHABETS, "sentences"])
def test_values_equal_those_of_sacrebleu_to_the_last_digit(kind: str) -> None:
    rng = random.Random(kind)
    for number in range(VALUES):
        candidate, reference = make_text(kind, rng), make_text(kind, rng)
        if number % 2:  # texts that share their beginning
            reference = candidate[: rng.randrange(len(candidate) + 1)] + reference
        assert chrf_score(candidate, reference) == expected_chrf(candidate, reference), (candidate, reference)
        others = [make_text(kind, rng).split() for _ in range(rng.choice((0, 0, 1, 4)))]
        words, references = candidate.split(), [reference.split(), *others]
        assert bleu_score(words, references) == expected_bleu(words, references), (words, references)


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_values_of_any_text_equal_those_of_sacrebleu(candidate: str, reference: str, other: str) -> None:
    assert chrf_score(candidate, reference) == expected_chrf(candidate, reference)
    words = candidate.split()
    assert bleu_score(words, [reference.split(), other.split()]) == expected_bleu(
        words, [reference.split(), other.split()]
    )


@pytest.mark.parametrize("text", ["", "a", "".join(map(chr, range(0x4E00, 0x4E00 + 5_000)))])
def test_values_of_no_one_and_5000_characters_equal_those_of_sacrebleu(text: str) -> None:
    for candidate, reference in ((text, text), (text, f"{text[1:]} b"), (f"b {text[:-2]}", text)):
        assert chrf_score(candidate, reference) == expected_chrf(candidate, reference)
        words, wanted = [*candidate.replace(" ", "")], [*reference.replace(" ", "")]
        assert bleu_score(words, [wanted]) == expected_bleu(words, [wanted])


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the answers of ../shared/data are not here")
def test_values_of_real_answers_equal_those_of_sacrebleu() -> None:
    texts = [
        value
        for file in sorted((SHARED / "data").glob("ref_*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()[:150]
        for name, value in json.loads(line).items()
        if name in ("question", "answer")
    ]
    assert len(texts) > 300
    for reference, candidate in pairwise(texts):
        assert chrf_score(candidate, reference) == expected_chrf(candidate, reference)
        words, wanted = candidate.lower().split(), reference.lower().split()
        assert bleu_score(words, [wanted]) == expected_bleu(words, [wanted])


def test_more_characters_and_words_than_fit_into_an_integer_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    count_in_python = Mock(wraps=ngrams._count_in_python)
    monkeypatch.setattr(ngrams, "_count_in_python", count_in_python)
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 1_100)))
    assert chrf_score(characters, characters[3:] + "x") == expected_chrf(characters, characters[3:] + "x")
    words = [f"w{number}" for number in range(70_000)]
    assert bleu_score(words, [words[5:], words[:9]]) == expected_bleu(words, [words[5:], words[:9]])
    assert count_in_python.call_count == 2


def test_a_very_long_text_has_the_value_of_sacrebleu() -> None:
    candidate = ". ".join(SENTENCES)[:100_000]
    reference = candidate[20_000:] + candidate[:9_000].upper()
    assert chrf_score(candidate, reference) == expected_chrf(candidate, reference)
    assert bleu_score(candidate.split(), [reference.split()]) == expected_bleu(candidate.split(), [reference.split()])
