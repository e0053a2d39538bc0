r"""Split an answer into sentences, and hash them, so that equal sentences of many pages are found cheaply.

A sentence ends at a full stop, a line break or a backslash, which begins LaTeX in an answer. Math is not compared,
because a formula is the same on every page that uses it.
"""

from xxhash import xxh32_intdigest

SENTENCE_WORDS_MIN = 8
_BYTES_MIN = 30  # of a sentence; eight words are hardly ever shorter, and counting words takes longer
_MARKS = b"n -*#>:|"  # around a sentence; a line break is a backslash and `n`

_latest: list[tuple[str, bytes]] = [("", b"")]  # several functions read the same answer in a row


def encoded(answer: str) -> bytes:
    """Return an answer in UTF-8."""
    latest, raw = _latest[0]
    if latest is not answer:
        raw = answer.encode("utf-8", "surrogatepass")
        _latest[0] = answer, raw
    return raw


def sentence_hashes(answer: str) -> list[int]:
    """Return a 32-bit hash of each longer sentence of an answer, in order. The answer is as it is in a page."""
    return [xxh32_intdigest(part.strip(_MARKS)) for part in _parts(answer)]


def has_repeats(answer: str) -> bool:
    """Return whether an answer repeats one of its longer sentences."""
    sentences = [part.strip(_MARKS) for part in _parts(answer)]
    return len({*sentences}) < len(sentences)


def find_sentence(answer: str, sentence: int) -> tuple[int, int] | None:
    """Return where the sentence with this hash begins and ends in an answer, or None.

    It must have at least eight words and no math.
    """
    for part in _parts(answer):
        core = part.strip(_MARKS)
        if xxh32_intdigest(core) == sentence:
            text = core.decode("utf-8", "surrogatepass")
            start = answer.find(text)
            is_prose = len(text.split()) >= SENTENCE_WORDS_MIN and "$" not in text
            return (start, start + len(text)) if is_prose and start >= 0 else None
    return None


def repeated_share(answer: str) -> float:
    """Return the share of an answer that consists of repeated sentences."""
    seen: set[bytes] = set()
    repeated = 0
    for part in _parts(answer):
        core = part.strip(_MARKS)
        repeated += len(part) if core in seen else 0
        seen.add(core)
    return repeated / max(len(answer), 1)


def _parts(answer: str) -> list[bytes]:
    return [part for part in encoded(answer).replace(b"\\", b".").split(b".") if len(part) > _BYTES_MIN]
