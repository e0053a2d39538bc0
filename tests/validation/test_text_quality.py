"""Text quality: what is flagged as off topic or incoherent, and what is not."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qtgen.validation.english import WORD, absent, are_absent, words_in
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.rules.prose_tests import is_about_question, is_plain_prose
from qtgen.validation.text_quality import CHECKS, TextQuality, measure, measure_page, measure_topic
from support.default_tables import read

_TEXT = read(EXAMPLE_PAGE.encode()).text_of
QUESTION, DESCRIPTION, KEYWORDS = (_TEXT(path) or "" for path in ("title", "seo.page_description", "seo.page_keywords"))
ANSWER = (_TEXT("answer") or "").replace("\\n", "\n")
ITALIAN = (
    "Il costo di una scelta è il valore della migliore alternativa a cui si rinuncia. Nasce dal fatto che il denaro e "
    "le altre risorse sono scarsi e possono essere usati una volta sola. Conta solo la migliore alternativa, non tutte."
)
LONGER = (
    "The boiling point of the water in the pot is the temperature at which the pressure of the vapour is equal to the "
    "pressure of the air above the pot, and so the water of a lake in the mountains boils at a lower temperature than "
    "the water of the sea. This is the reason for the lid of the pot, which is there to keep the vapour in the pot."
)


def quality(answer: str = ANSWER, question: str = QUESTION, description: str = DESCRIPTION) -> TextQuality:
    return measure(question, description, KEYWORDS, answer, math=True)


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(1).shuffle(words)
    return " ".join(words)


def test_a_good_page_is_not_flagged() -> None:
    assert not quality().is_flagged(loose=True)
    assert quality().penalty < 0.5


@pytest.mark.parametrize(
    "question", ["How does a vaccine protect against a disease?", "Why did the Roman republic become an empire?"]
)
def test_another_question_is_off_topic(question: str) -> None:
    assert quality(question=question).is_off_topic()
    assert not quality(question=question).is_incoherent()


@pytest.mark.parametrize(
    "answer",
    [
        shuffled(LONGER),
        "The cell lets water pass through its wall. " * 20,
        ITALIAN,
        "skyblueandsunsetredbutwhywelove thatverythingyoulovedbymebeyond morethanjustonewaytomakelife " * 3,
        "1. **the water that moves**: It moves.\n\n2. **this is the wall**: It stays.\n\n3. **how it works**: It flows.",
    ],
    ids=["heap", "repetition", "another language", "glued words", "lower case"],
)
def test_text_that_fell_apart_is_incoherent(answer: str) -> None:
    assert quality(answer).is_incoherent()
    assert quality(answer).penalty > quality().penalty


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Qual è il costo opportunità?", ITALIAN),
        ("什么是渗透作用", "渗透作用是水通过半透膜的移动。" * 20),
        ("What is 2 + 2?", "$2 + 2 = 4$"),
        ("What is the derivative of x squared?", "$$\n\\frac{d}{dx} x^2 = 2x\n$$\n\n$$\n2x\n$$"),
        ("How do you print a list in Python?", "```python\nfor item in items:\n    print(item)\n```\n" * 5),
        ("What is pH?", ANSWER),
        ("", ""),
    ],
)
def test_pages_that_cannot_be_judged_are_not_flagged(question: str, answer: str) -> None:
    assert not quality(answer, question, "").is_flagged()


SPANISH = (
    "El agua se evapora de los mares y de los ríos por el calor del sol. El vapor sube y se enfría en la atmósfera, donde "
    "forma las nubes. Después el agua cae como lluvia o nieve, y una parte vuelve al mar por los ríos o bajo la tierra."
)
GERMAN = (
    "Das eine Pronomen steht für das Subjekt eines Satzes, das andere für das Objekt. Im Alltag wird die zweite Form nur "
    "noch nach einer Präposition verwendet, und auch dort ist sie selten. Wer unsicher ist, ersetzt das Wort durch ein "
    "persönliches Pronomen und prüft, ob der Satz dann noch richtig ist."
)
RUSSIAN = "Первое слово заменяет подлежащее, второе заменяет дополнение, и в речи их часто путают. "


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Describe el ciclo del agua.", SPANISH),
        ("Compare mitosis, meiosis.", SPANISH),
        ("Define evaporación", SPANISH),
        ("¿Quién escribió The Lord of the Rings and The Hobbit?", SPANISH),
        ('Significado de "the what and the why"', SPANISH),
        ("Was ist der Unterschied zwischen who und whom?", GERMAN),
        ("Чем отличаются who и whom?", RUSSIAN * 5),
    ],
)
def test_a_question_in_another_language_is_not_judged(question: str, answer: str) -> None:
    measured = quality(answer, question, "Una página sobre cosas distintas, escrita para buscadores y lectores")
    assert not measured.is_off_topic()
    assert measured.missing_function_words == measured.question_not_in_answer == 0


@pytest.mark.parametrize("answer", [SPANISH, GERMAN, ITALIAN, RUSSIAN * 5])
@pytest.mark.parametrize(
    "question",
    [QUESTION, "What is the role of El Niño?", "Who wrote Los Pasos de la Vida in the end?", "Who wrote it, and when?"],
)
def test_an_english_question_needs_an_english_answer(question: str, answer: str) -> None:
    assert quality(answer, question).missing_function_words > 0.74


@pytest.mark.parametrize("name", ["JavaScript", "GitHub", "PyTorch", "iOS", "LaTeX", "mRNA", "eBay", "McDonald"])
def test_words_with_inner_capitals_are_found(name: str) -> None:
    answer = f"There is much to say about {name}, and here is a part of it, which is the first of many parts to read."
    measured = quality(answer, f"What is {name.lower()}?", f"A page about {name} with facts, figures and sources")
    assert measured.missing == ()
    assert measured.question_not_in_answer == measured.question_not_in_description == 0


@pytest.mark.parametrize(
    "text",
    [
        "Some units (e.g. the metre) are basic, i.e. they are not derived.",
        "It has sugar, salt, etc. in water, vs. the other one, cf. the table, approx. as large as Fig. in the text.",
        "It opens at 9 a.m. and closes at 5 p.m. on Mondays. Smith et al. also say so. No. and so on.",
        "1. **in**: It tests membership.\n2. **is**: It tests identity.\n3. **for**: It loops.\n4. **if** $x$: It tests.",
        "- **and:** Both.\n- **or:** One.\n| **by** | One |",
    ],
)
def test_abbreviations_and_keywords_are_no_start_in_lower_case(text: str) -> None:
    assert quality(text).lower_case_starts == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [("It moves. the end is near.", 1), ("**the cell wall**: It stays.", 1), ("Is it? it is casino. the end", 2)],
)
def test_starts_in_lower_case_are_counted(text: str, count: int) -> None:
    assert quality(text).lower_case_starts == count


def test_hostile_texts_are_measured() -> None:
    for text in ("**" * 50_000, "the of " * 10_000, "\\(" * 20_000, "a" * 100_000, "$" * 10_001):
        assert isinstance(quality(text).is_flagged(), bool)


@given(st.text("abZ'’ .\n-é1□"))
def test_words_are_found_without_the_pattern(text: str) -> None:
    assert words_in(text) == WORD.findall(text.lower())


@given(st.lists(st.sampled_from(["osmos", "ß", "İs", "ı", "straß", "cell"])), st.text("osmißıIİSßtracel "))
def test_all_words_are_absent_if_none_is_there(stems: list[str], text: str) -> None:
    terms = {stem.lower(): stem for stem in stems}
    assert are_absent(terms, text) == (len(absent(terms, text)) == len(terms))


def test_a_word_is_found_by_the_case_fold_of_its_stem() -> None:
    assert absent({"straß": "straße"}, "eine straße") == []


_WITHOUT_CODE = [
    "\\n",
    " ",
    "   ",
    "1. ",
    "- ",
    "> ",
    "$",
    "$$",
    "\\(",
    "\\)",
    "|",
    "-|-",
    "the ",
    "water ",
    "](x://",
    "'",
    "—",
]


@given(st.lists(st.sampled_from(_WITHOUT_CODE)).map("".join), st.booleans())
@example("\\n\\na|b\\n-|-\\n$x|the water$|c\\n\\n", True)
def test_the_topic_is_measured_alike_without_parsing(text: str, math: bool) -> None:
    answer = f"The cell wall lets water pass. {text} The pore of the membrane is small." * 3
    alone = measure_topic(QUESTION, DESCRIPTION, KEYWORDS, answer, math=math)
    parsed = measure_topic(QUESTION, DESCRIPTION, KEYWORDS, f"{answer}\\n\\n`x`", math=math)  # a code span has no words
    assert alone == parsed


def test_the_quick_tests_rule_out_only_what_is_not_flagged() -> None:
    for question in (QUESTION, "How does a vaccine protect against a disease?"):
        for answer in (ANSWER, shuffled(ANSWER), "The cell lets water pass. " * 30, ITALIAN):
            one_line = answer.replace("\n", "\\n")
            measured = measure_page(question, DESCRIPTION, KEYWORDS, one_line, math=True)
            assert not (is_about_question(question, DESCRIPTION, one_line) and measured.is_off_topic())
            if {"missing_function_words", "repeated_sentences"} & measured.strikes("coherence").keys():
                assert not is_plain_prose(one_line)


def test_bars_are_in_order() -> None:
    assert all(check.loose <= check.bar <= check.alone for check in CHECKS)
