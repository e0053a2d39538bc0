"""Is a question in English? Only then are its words looked for in the answer, and English sentences missed.

Function words tell languages apart. One English word in a question proves little: `describe` is also Spanish, and `who`
may be what a German question asks about. So the answer is asked too.
"""

import re
from collections.abc import Iterable


def word_set(*texts: str) -> frozenset[str]:
    """Return the words of texts."""
    return frozenset(" ".join(texts).split())


_QUESTION_WORDS = word_set(
    "the what how why which when where who are does explain describe discuss compare define identify between and"
)
_ENGLISH = word_set(
    "the and what how why which when where who whom whose are does did with from this that these those they their its",
    "between because should would could have been were there into through explain",
)
"""English words that are function words of no language below."""
_ENGLISH_OR_SHARED = _ENGLISH | word_set("of to is")  # also Dutch or Danish: they count where nothing else is foreign

_FOREIGN = word_set(
    # Spanish and Portuguese
    "el los las del que con por para una como cómo qué cuál cuáles quién su sus más entre sobre desde son la de está",
    "os das em não uma um com qual quais são ao aos pelo pela também é ou mais seu sua quem quando",
    # French and Italian
    "le les des du et est dans une qui pour avec sur pas cette quel quelle quels quelles ces au aux sont il elle où",
    "un sans lo gli della delle dei degli di che è sono nella quale quali tra alla dell più cosa chi",
    # German and Dutch
    "der das dem und ist sind nicht ein eine einen einer eines zu mit von für auf sich auch werden wie wird zwischen",
    "oder durch bei nach wer welche welcher im het een en dat zijn niet voor wordt worden tussen wat naar",
    # Swedish, Danish, Norwegian and Finnish
    "och att det som är på av till inte för ett mellan vad hur og er af ikke hvad mellem hvordan hva mellom ja että",
    "ovat joka sekä kuin mikä mitä",
    # Polish, Czech, Romanian, Hungarian and Turkish
    "się jest nie jak oraz przez między czym dla od lub są który która kto na je jsou jako mezi nebo která",
    "și este în cu pentru din sau între sunt ce az és egy hogy nem között mi vagy ve bir bu ile için olan nedir",
)
"""Function words of other languages that are not English."""

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|`[^`]*`|(?<!\w)'[^']*'(?!\w)|(?<!\w)‘[^’]*’(?!\w)")
_CAPITALIZED = r"[A-ZÀ-ÖØ-Þ]\w*"
_SMALL_WORD = "(?:of|the|and|to|in|on|for|a|an|with|from|at|by|de|del|la|las|los|du|des|le|di|da|der|von|van)"
_TITLE = re.compile(  # The Lord of the Rings; not the first word of the question
    rf"(?<=[\w,:] ){_CAPITALIZED}(?:(?: {_SMALL_WORD})* {_CAPITALIZED})*"
)
_OTHER_SCRIPTS, _CHINESE = "\u0370", "\u2e80"  # a single Greek letter may be a symbol


def may_be_english(question: str) -> bool:
    """Return whether a question has a word that English questions have. It is a quick test."""
    return not _QUESTION_WORDS.isdisjoint(_WORD.findall(question.lower()))


def is_english(question: str, answer_words: Iterable[str]) -> bool:
    """Return whether a question is in English.

    If it has foreign words, or if the answer is in another language, it must have two English function words outside
    quotations and titles.

    Args:
        answer_words: The words of the answer, in lower case.
    """
    if not may_be_english(question):
        return False
    english, foreign = _count(_WORD.findall(_TITLE.sub(" ", _QUOTED.sub(" ", question)).lower()))
    return english > max(1, foreign) if foreign or _is_foreign(answer_words) else True


def _is_foreign(words: Iterable[str]) -> bool:
    words = [*words]
    if _FOREIGN.isdisjoint(words) and not _has_other_scripts(words):
        return False
    english, foreign = _count(words)
    return foreign > max(1, english)


def _count(words: Iterable[str]) -> tuple[int, int]:
    """Return how many words are English function words, and how many are of another language."""
    words = [*words]
    foreign = sum(map(_FOREIGN.__contains__, words))
    if _has_other_scripts(words):
        foreign = sum(word in _FOREIGN or _is_in_another_script(word) for word in words)
    return sum(map((_ENGLISH if foreign else _ENGLISH_OR_SHARED).__contains__, words)), foreign


def _has_other_scripts(words: Iterable[str]) -> bool:
    """Return whether a word begins with a letter that is not Latin."""
    return not "".join(words).isascii() and max(words, default="") >= _OTHER_SCRIPTS


def _is_in_another_script(word: str) -> bool:
    return word[0] >= _CHINESE or (word[0] >= _OTHER_SCRIPTS and len(word) > 1)
