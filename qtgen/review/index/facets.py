"""The values that pages can be filtered by, with the number of their pages, kept up to date without a query."""

from collections import Counter
from collections.abc import Iterable

from qtgen.review.page_rows import decode_findings


class Facets:
    """Counts of pages by subject, by batch and by rule.

    Args:
        rows: The subject, the batch and the findings of pages, and how many pages have them.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str, int]] = ()) -> None:
        self.subjects: Counter[str] = Counter()
        self.batches: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.pages = 0
        for subject, batch, findings, pages in rows:
            self.add(subject, batch, findings, pages)

    def add(self, subject: str, batch: str, findings: str, pages: int) -> None:
        """Add pages; a negative number removes them."""
        self.pages += pages
        self.subjects[subject] += pages
        self.batches[batch] += pages
        for code in {finding.code for finding in decode_findings(findings)}:
            self.rules[code] += pages

    @staticmethod
    def choices(counts: Counter[str]) -> list[tuple[str, int]]:
        """Return the values that pages have, in order, with the number of their pages."""
        return [(value, pages) for value, pages in sorted(counts.items()) if value and pages > 0]
