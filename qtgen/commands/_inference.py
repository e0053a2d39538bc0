"""`qtgen init --from`: infer the page layout of a site, and report how many pages agree with each finding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen._util.files import as_output_error, publish_if_absent, staged_file
from qtgen._util.text import json_text, one_line, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._logging import is_verbose
from qtgen.commands._output import listed, note
from qtgen.commands._paths import UnusablePaths
from qtgen.errors import OutputError, UsageError
from qtgen.page.profile import FILE_NAME
from qtgen.site.inference.collect import collect
from qtgen.site.inference.findings import MIN_PAGES, Standing
from qtgen.site.inference.infer import Inferred, infer
from qtgen.site.inference.observe import Unusable
from qtgen.site.inference.places import LocatedFinding, locate

_SHOWN = 24  # places of a finding that the text report lists
_RANKS = {Standing.SUSPECT: 0, Standing.ASSERTED: 1, Standing.CANDIDATE: 2}


@dataclass(frozen=True, slots=True)
class InferenceOptions:
    """The options of `init --from`."""

    folder: Path
    paths: tuple[Path, ...]
    as_json: bool
    jobs: int | None


def infer_site(options: InferenceOptions) -> int:
    """Write `site.toml`, print the report, and return the exit code.

    Raises UsageError if the file exists, or if no layout can be inferred.
    """
    file = options.folder / FILE_NAME
    if file.exists() or file.is_symlink():
        raise _exists(file)
    unusable = UnusablePaths()
    observations = collect(options.paths, unusable, options.jobs)
    if unusable and not (observations.pages or observations.unusable or observations.left_out):
        return unusable.exit_code()
    inferred = infer(observations, options.folder)
    findings = locate(inferred)
    _write(file, inferred.text)
    if options.as_json:
        echo(json_text(_document(file, inferred, findings), indent=2))
    else:
        for line in _lines(inferred, findings, every=is_verbose()):
            echo(line)
    _print_notes(file, inferred, options)
    return unusable.exit_code(int(bool(inferred.unusable)))


def _print_notes(file: Path, inferred: Inferred, options: InferenceOptions) -> None:
    note(f"created  {file}: {inferred.conforming:,} of {pluralize(len(inferred.files), 'page')} conform to it")
    if len(inferred.files) < MIN_PAGES:
        note(
            f"there are only {pluralize(len(inferred.files), 'page')}: nothing is asserted with fewer than {MIN_PAGES}"
        )
    if left_out := inferred.left_out:
        were = "was" if len(left_out) == 1 else "were"
        note(f"{pluralize(len(left_out), 'file')} without front matter {were} left out, such as {left_out[0]}")
    note(f"next: read {file}, then run qtgen validate {' '.join(map(str, options.paths))}")


def _exists(file: Path) -> UsageError:
    return UsageError("the file exists already", path=file, remedy="rename or remove it, or choose another FOLDER")


def _write(file: Path, text: str) -> None:
    try:
        with staged_file(file, text) as temporary, as_output_error(file):
            if not publish_if_absent(temporary, file):
                raise _exists(file)
    except OutputError as error:
        reason = str(error).rpartition(": ")[2]
        raise UsageError(f"FOLDER {file.parent}: cannot be written ({reason})") from None


def _lines(inferred: Inferred, findings: Sequence[LocatedFinding], *, every: bool) -> Iterator[str]:
    """Yield the report: the unusable pages, the findings with which pages disagree, and the number of the others.

    Args:
        inferred: The layout.
        findings: What was found.
        every: Whether the other findings are listed too.
    """
    if inferred.unusable:
        yield f"{pluralize(len(inferred.unusable), 'page')} could not be used:"
        yield from listed([f"  {_place(page)}: {page.reason}" for page in inferred.unusable], "page", shown=_SHOWN)
        yield ""
    doubtful = [found for found in findings if found.places]
    if doubtful:
        yield "Findings to look at:"
        yield from _finding_lines(sorted(doubtful, key=lambda found: _RANKS[found.finding.standing]))
        yield ""
    certain = [found for found in findings if not found.places]
    yield _summary(certain, every=every)
    if every:
        yield from _finding_lines(certain)


def _summary(certain: Sequence[LocatedFinding], *, every: bool) -> str:
    asserted = sum(found.finding.standing is Standing.ASSERTED for found in certain)
    hold = "holds" if asserted == 1 else "hold"
    counts = f"{pluralize(asserted, 'statement')} {hold} on all pages, and no page contradicts "
    counts += pluralize(len(certain) - asserted, "candidate")
    if not certain:
        return counts
    return f"{counts}:" if every else f"{counts}; add -v to list them"


def _finding_lines(findings: Sequence[LocatedFinding]) -> Iterator[str]:
    layouts = len({found.finding.layout for found in findings})
    number = -1
    for found in sorted(findings, key=lambda found: found.finding.layout):
        finding = found.finding
        if finding.layout != number and layouts > 1:
            number = finding.layout
            yield f"Layout {number + 1}:"
        yield _headline(found)
        places = [
            f"    {place.path}:{place.line}:{place.column}: {one_line(place.value or place.field)}"
            for place in found.places
        ]
        yield from listed(places, "place", shown=_SHOWN)


def _place(page: Unusable) -> str:
    return f"{page.path}:{page.line}:{page.column}"


def _headline(found: LocatedFinding) -> str:
    finding = found.finding
    name = finding.field or "keys"
    if finding.standing is Standing.SUSPECT:
        return f"  suspect    {name}: {finding.statement} ({pluralize(len(finding.against), 'place')})"
    against = f"{len(finding.against):,} against"
    return one_line(
        f"  {finding.standing:9}  {name}: {finding.kind}: {finding.statement} ({finding.agree:,} for, {against})"
    )


def _document(file: Path, inferred: Inferred, findings: Sequence[LocatedFinding]) -> dict[str, Any]:
    return {
        "file": str(file),
        "pages": len(inferred.files),
        "conforming": inferred.conforming,
        "unusable": [
            {"path": page.path, "line": page.line, "column": page.column, "reason": page.reason}
            for page in inferred.unusable
        ],
        "left_out": [*inferred.left_out],
        "findings": [
            {
                "layout": found.finding.layout,
                "field": found.finding.field,
                "kind": found.finding.kind,
                "standing": found.finding.standing.value,
                "statement": found.finding.statement,
                "for": found.finding.agree,
                "against": len(found.finding.against),
                "places": [place._asdict() for place in found.places],
            }
            for found in findings
        ],
    }
