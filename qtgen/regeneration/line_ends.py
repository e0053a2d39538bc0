"""Judge pages with carriage returns or a byte-order mark by what they are after the safe fix of QT105.

Every page of a Windows checkout has carriage returns, and rules other than QT105 say little about such a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from qtgen.page import Profile, normalize_lines, read
from qtgen.site.discovery import PageBatch, read_page_bytes
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.run import ValidationOptions, ValidationResult

LINE_ENDS = "QT105"
"""The rule whose safe fix removes a byte-order mark and carriage returns."""

Findings = dict[str, list[Diagnostic]]
"""Diagnostics by the path of their page."""


def validate_normalized(
    batches: Sequence[PageBatch], validation: ValidationOptions
) -> tuple[Findings, SiteIndex, dict[str, bytes]]:
    """Return the findings and the facts of the pages, and the contents of those that are judged after the fix."""
    findings, site = _validate(batches, validation)
    normalized = dict(_normalized_pages(findings, validation.profile))
    if normalized:
        findings, site = _validate(batches, replace(validation, overlay=normalized))
    return findings, site, normalized


def _validate(batches: Sequence[PageBatch], validation: ValidationOptions) -> tuple[Findings, SiteIndex]:
    with ValidationResult(batches, validation) as result:
        return {checked.path: checked.diagnostics for checked in result}, result.site


def _normalized_pages(findings: Mapping[str, Sequence[Diagnostic]], profile: Profile) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the fixed contents of each page that parses once it is fixed."""
    for path, diagnostics in findings.items():
        if any(diagnostic.code == LINE_ENDS and diagnostic.fixable for diagnostic in diagnostics):
            try:
                contents = normalize_lines(read_page_bytes(path))
            except OSError:  # it was deleted since
                continue
            if not read(contents, profile, path).problems:
                yield path, contents
