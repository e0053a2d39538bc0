"""Measure the HTML report of a large evaluation: processor time, and the size of the file.

    python benchmarks/eval_report.py [ITEMS]

The items are those of the suite `core`, repeated under other ids, and compared with themselves after small changes. The
answers are of a small model, so they are short; the references are of the length of real pages.
"""

import sys
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from qtgen.evaluation.report import EvalReport, load_report
from qtgen.evaluation.reports.html import render
from qtgen.evaluation.reports.sources import ReportSources

ITEMS = 2_000
BASELINE = Path(__file__).parent.parent / "evals" / "core" / "baseline.json"


def large_report(items: int) -> EvalReport:
    """Return a report of as many items."""
    report = load_report(BASELINE)
    repeated = enumerate(islice(cycle(report.items), items))
    return replace(report, items=tuple(replace(item, id=f"{item.id}-{number}") for number, item in repeated))


def changed(report: EvalReport) -> EvalReport:
    """Return the report with a few words of each answer exchanged."""
    return replace(
        report, items=tuple(replace(item, candidate=item.candidate.replace(" is ", " was ")) for item in report.items)
    )


def main() -> None:
    report = large_report(int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS)
    render(report)  # loads the libraries
    for name, sources in (
        ("alone", ReportSources()),
        ("with the answers before", ReportSources(before=changed(report))),
    ):
        start = time.process_time()
        document = render(report, sources)
        seconds, size = time.process_time() - start, len(document.encode())
        print(f"{len(report.items):,} items, {name}: {seconds:.1f} s, {size / 1e6:.1f} MB")
        if len(sys.argv) > 2:
            Path(sys.argv[2]).write_text(document)


if __name__ == "__main__":
    main()
