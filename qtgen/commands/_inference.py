"""`qtgen init --from`: infer the page layout of a site, and report how many pages agree with each finding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtgen._util.files import as_output_error, publish_if_absent, staged_file
from qtgen._util.text import json_text, one_line, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._output import listed, note
from qtgen.commands._paths import UnusablePaths
from qtgen.errors import OutputError, UsageError
from qtgen.page.profile import FILE_NAME
from qtgen.site.inference.collect import collect
from qtgen.site.inference.findings import Standing
from qtgen.site.inference.infer import Inferred, infer
from qtgen.site.inference.observe import Unusable
from qtgen.site.inference.places import LocatedFinding, locate

_SHOWN = 24  # places of a finding that the text report lists


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
    if unusable and not observations.pages and not observations.unusable:
        return unusable.exit_code()
    inferred = infer(observations, options.folder)
    findings = locate(inferred)
    _write(file, inferred.text)
    if options.as_json:
        echo(json_text(_document(file, inferred, findings), indent=2))
    else:
        for line in _lines(inferred, findings):
            echo(line)
    conforming = f"{inferred.conforming:,} of {pluralize(len(inferred.files), 'page')}"
    note(f"created  {file}: {conforming} conform to it")
    note(f"next: read {file}, then run qtgen validate {' '.join(map(str, options.paths))}")
    return unusable.exit_code(int(bool(inferred.unusable)))


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


def _lines(inferred: Inferred, findings: Sequence[LocatedFinding]) -> Iterator[str]:
    """Yield the report: the unusable pages, then each finding with the places that disagree."""
    if inferred.unusable:
        yield f"{pluralize(len(inferred.unusable), 'page')} could not be used:"
        yield from listed([f"  {_place(page)}: {page.reason}" for page in inferred.unusable], "page", shown=_SHOWN)
        yield ""
    layouts = len({found.finding.layout for found in findings})
    number = -1
    for found in findings:
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
        "unusable": [page._asdict() for page in inferred.unusable],
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
