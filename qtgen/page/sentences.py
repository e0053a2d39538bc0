r"""Split an answer into sentences, and hash them, so that equal sentences of many pages are found cheaply.

A sentence ends at a full stop, a line break or a backslash, which begins LaTeX in an answer. Math is not compared,
because a formula is the same on every page that uses it.
"""

from xxhash import xxh32_intdigest

from qtgen.page.codec import AnswerCodec

SENTENCE_WORDS_MIN = 8
SENTENCE_BYTES_MIN = 30
"""Parts of an answer that have no more bytes are not compared. They hardly ever have eight words."""
MARKS_AROUND = b"n -*#>:|"
"""Characters to strip from both ends of a sentence, in answers that write a line break as a backslash and `n`."""
_MARKS = {True: MARKS_AROUND, False: b"\t -*#>:|"}

_latest: list[tuple[str, bytes]] = [("", b"")]  # several functions read the same answer in a row


def encoded(answer: str) -> bytes:
    """Return an answer in UTF-8."""
    latest, raw = _latest[0]
    if latest is not answer:
        raw = answer.encode("utf-8", "surrogatepass")
        _latest[0] = answer, raw
    return raw


def sentence_hashes(answer: str, codec: AnswerCodec) -> list[int]:
    """Return a 32-bit hash of each longer sentence of an answer, in order. The answer is as it is in a page.

    Args:
        codec: How the site writes answers.
    """
    marks = _MARKS[codec.escapes]
    return [xxh32_intdigest(part.strip(marks)) for part in _parts(answer, codec.escapes)]


def has_repeats(answer: str) -> bool:
    r"""Return whether an answer, with the two characters `\n` for line breaks, repeats one of its longer sentences."""
    marks = _MARKS[True]
    sentences = [part.strip(marks) for part in _parts(answer, True)]
    return len({*sentences}) < len(sentences)


def find_sentence(answer: str, sentence: int, codec: AnswerCodec) -> tuple[int, int] | None:
    """Return where the sentence with this hash begins and ends in an answer, or None.

    It must have at least eight words and no math.

    Args:
        codec: How the site writes and shows answers.
    """
    for part in _parts(answer, codec.escapes):
        core = part.strip(_MARKS[codec.escapes])
        if xxh32_intdigest(core) == sentence:
            text = core.decode("utf-8", "surrogatepass")
            start = answer.find(text)
            is_prose = len(text.split()) >= SENTENCE_WORDS_MIN and not (codec.math and "$" in text)
            return (start, start + len(text)) if is_prose and start >= 0 else None
    return None


def repeated_share(answer: str) -> float:
    r"""Return the share of an answer, with `\n` for line breaks, that consists of repeated sentences."""
    seen: set[bytes] = set()
    repeated = 0
    for part in _parts(answer, True):
        core = part.strip(_MARKS[True])
        repeated += len(part) if core in seen else 0
        seen.add(core)
    return repeated / max(len(answer), 1)


def _parts(answer: str, escapes: bool) -> list[bytes]:
    raw = encoded(answer).replace(b"\\", b".")
    return [
        part for part in (raw if escapes else raw.replace(b"\n", b".")).split(b".") if len(part) > SENTENCE_BYTES_MIN
    ]
