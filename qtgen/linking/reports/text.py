"""The text report of a link graph: one line per figure, then one per subject."""

from collections.abc import Iterator, Sequence

from qtgen.linking.graph import Graph, SubjectReach
from qtgen.linking.reports.figures import figures, first_page_field, hides_pages, histogram
from qtgen.page.profile import Profile

_NAME_WIDTH = 17


def report_lines(graph: Graph, profile: Profile) -> Iterator[str]:
    """Yield the lines of the report on the pages of a site."""
    for name, value in figures(graph, has_hidden=hides_pages(profile)):
        yield f"{name:<{_NAME_WIDTH}}{value}"
        if name == "inbound links":
            yield " " * _NAME_WIDTH + "  ".join(f"{label}: {pages:,}" for label, pages in histogram(graph))
    if graph.subjects:
        yield ""
        yield from _subject_lines(graph.subjects, f"lowest {first_page_field(profile)}")


def _subject_lines(subjects: Sequence[SubjectReach], first: str) -> Iterator[str]:
    width = max(len("subject"), *(len(subject.name) for subject in subjects))
    yield f"{'subject':<{width}}  {'pages':>7}  reachable from its first page ({first}): in the subject, in all"
    for subject in subjects:
        share = f"({subject.share:.0%})"
        reached = f"{subject.reached:>7,} {share:>6}  {subject.reached_anywhere:>7,}"
        yield f"{subject.name:<{width}}  {subject.pages:>7,}  {reached}"
