"""The results of checking pages: facts, findings and sentence hashes. Those of consecutive pages are kept together.

The cache and the temporary file of a run store them, and worker processes return them.
"""

from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from msgspec import msgpack

from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.findings import Findings, Numbers, extents, findings_of, join_findings, joined, runs_of

encode = msgpack.Encoder(enc_hook=array.tobytes).encode
"""Encodes values that contain arrays of numbers."""


def restore_numbers(_type: type, stored: bytes) -> Any:
    """Return the array of numbers that `encode` stored. It is the `dec_hook` of decoders."""
    return array("I", stored)


decode_findings = msgpack.Decoder(Findings, dec_hook=restore_numbers).decode

_UNKNOWN = b"?"  # the sentences of a page that were not compared; hashes have four bytes each


class PageBlobs(NamedTuple):
    """Byte strings of several pages, concatenated.

    Attributes:
        data: All bytes.
        sizes: How many of them each page has.
    """

    data: bytes
    sizes: Numbers

    def pages(self) -> list[bytes]:
        """Return the bytes of each page."""
        return [self.data[start:end] for start, end in pairwise([0, *accumulate(self.sizes)])]

    def take(self, pages: Sequence[int]) -> "PageBlobs":
        """Return the bytes of some of the pages, given by their numbers, in this order."""
        runs = runs_of(pages)
        data = b"".join([self.data[first:last] for first, last in extents(self.sizes, runs)])
        return PageBlobs(data, joined([self.sizes[first:last] for first, last in runs]))

    def cut(self, first: int, last: int, ends: Sequence[int]) -> "PageBlobs":
        """Return the bytes of a half-open range of pages, given where the bytes of each page end, after a 0."""
        return PageBlobs(self.data[ends[first] : ends[last]], self.sizes[first:last])


def blobs_of(pages: Sequence[bytes]) -> PageBlobs:
    """Return the bytes of pages as blobs."""
    return PageBlobs(b"".join(pages), array("I", map(len, pages)))


def _join_blobs(parts: Sequence[PageBlobs]) -> PageBlobs:
    return PageBlobs(b"".join([part.data for part in parts]), joined([part.sizes for part in parts]))


class PageRecord(NamedTuple):
    """What checking leaves of one page.

    Attributes:
        facts: See `page_facts`.
        diagnostics: The findings of all page rules.
        sentences: The hashes of its sentences, or None if sentences are not compared.
    """

    facts: bytes
    diagnostics: Sequence[Diagnostic]
    sentences: bytes | None = None


class PageRecords(NamedTuple):
    """What checking leaves of consecutive pages. See `PageRecord`."""

    facts: PageBlobs
    findings: Findings
    sentences: PageBlobs | None = None

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return len(self.facts.sizes)

    def take(self, pages: Sequence[int]) -> "PageRecords":
        """Return the records of some of the pages, given by their numbers, in this order."""
        if pages == range(self.page_count):
            return self
        sentences = self.sentences and self.sentences.take(pages)
        return PageRecords(self.facts.take(pages), self.findings.take(pages), sentences)


def records_of(pages: Iterable[PageRecord]) -> PageRecords:
    """Return the records of single pages together."""
    every = [*pages]
    sentences = [page.sentences for page in every if page.sentences is not None]
    return PageRecords(
        blobs_of([page.facts for page in every]),
        findings_of([page.diagnostics for page in every]),
        blobs_of(sentences) if len(sentences) == len(every) else None,
    )


def join_records(parts: Sequence[PageRecords]) -> PageRecords:
    """Return the records of the pages of all parts, one part after the other.

    If only some parts have sentences, those of the other pages are unknown.
    """
    parts = [part for part in parts if part.page_count] or [NO_RECORDS]
    if len(parts) == 1:
        return parts[0]
    has_sentences = any(part.sentences is not None for part in parts)
    return PageRecords(
        _join_blobs([part.facts for part in parts]),
        join_findings([part.findings for part in parts]),
        _join_blobs([_sentences_of(part) for part in parts]) if has_sentences else None,
    )


def _sentences_of(records: PageRecords) -> PageBlobs:
    if records.sentences is not None:
        return records.sentences
    count = records.page_count
    return PageBlobs(_UNKNOWN * count, array("I", [len(_UNKNOWN)]) * count)


class RecordSlices:
    """Cuts the records of consecutive pages out of those of many pages, in time that does not depend on their number.

    Args:
        records: The records of all pages.
    """

    def __init__(self, records: PageRecords) -> None:
        self._records = records

    @cached_property
    def _ends(self) -> list[Sequence[int]]:
        """Where the facts, findings and sentences of each page end, after a 0."""
        facts, findings, sentences = self._records
        sizes = facts.sizes, findings.counts, sentences.sizes if sentences else ()
        return [array("Q", accumulate(each, initial=0)) for each in sizes]

    def cut(self, first: int, last: int) -> PageRecords:
        """Return the records of a half-open range of pages."""
        if first == 0 and last == self._records.page_count:
            return self._records
        facts, findings, sentences = self._records
        ends = self._ends
        return PageRecords(
            facts.cut(first, last, ends[0]),
            findings.cut(first, last, ends[1]),
            sentences and sentences.cut(first, last, ends[2]),
        )


NO_RECORDS = records_of([])


class KnownRecords(NamedTuple):
    """What a store knows of the pages of a batch.

    Attributes:
        records: The records of the pages that it knows, in order.
        missing: The numbers of the other pages in the batch, in order.
    """

    records: PageRecords
    missing: Sequence[int] = ()

    @property
    def page_count(self) -> int:
        """The number of pages of the batch."""
        return self.records.page_count + len(self.missing)

    def without(self, pages: Iterable[int]) -> "KnownRecords":
        """Return what is left if some pages of the batch, given by their numbers, are not known."""
        missing = sorted({*self.missing, *pages})
        if len(missing) == len(self.missing):
            return self
        now_missing = {*missing}
        known = enumerate(_others(self.missing, self.page_count))
        kept = [number for number, page in known if page not in now_missing]
        return KnownRecords(self.records.take(kept), missing)

    def with_sentences(self) -> "KnownRecords":
        """Return what is left without the pages whose sentences are unknown."""
        sentences = self.records.sentences
        if sentences is None:
            return all_missing(self.page_count)
        known = zip(_others(self.missing, self.page_count), sentences.sizes, strict=True)
        return self.without([page for page, size in known if size == len(_UNKNOWN)])

    def completed(self, new: PageRecords) -> PageRecords:
        """Return the records of all pages of the batch, given those of the missing ones."""
        if not self.missing or not self.records.page_count:
            return new if self.missing else self.records
        order = {page: number for number, page in enumerate([*_others(self.missing, self.page_count), *self.missing])}
        return join_records([self.records, new]).take([order[page] for page in range(self.page_count)])


def _others(pages: Sequence[int], count: int) -> list[int]:
    """Return the numbers below `count` that are not among those of pages."""
    left_out = {*pages}
    return [page for page in range(count) if page not in left_out]


def all_missing(count: int) -> KnownRecords:
    """Return what is known of the pages of a batch if none is known."""
    return KnownRecords(NO_RECORDS, range(count))
