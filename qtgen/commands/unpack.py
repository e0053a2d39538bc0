"""`qtgen unpack`: write the pages of a pack into a folder."""

from pathlib import Path

import click

from qtgen._util.text import json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._errors import describe
from qtgen.commands._options import folder as folder_type
from qtgen.commands._output import listed, note
from qtgen.commands._paths import PagesPath
from qtgen.commands._steps import progress_after
from qtgen.errors import Interrupted, OutputError
from qtgen.site.locations import Location
from qtgen.site.pack import UnpackReport, open_pack, unpack_pages

_SHOWN = 20  # errors that are listed on stderr; the others are counted
_EPILOG = """\b
Exit codes:
  0    all pages are in FOLDER
  1    a page was rejected, is damaged, exists with other contents or cannot
       be written (the others are unpacked), or the disk is full
  2    the call is wrong: PACK is not a pack, or its manifest is damaged
  130  interrupted; run the same command again to resume
"""


@click.command(epilog=_EPILOG)
@click.argument("pack", type=PagesPath(file_okay=False))
@click.argument("folder", type=folder_type)
@click.option("--force", is_flag=True, help="Replace pages that have other contents.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(pack: Location, folder: Path, force: bool, as_json: bool) -> int:
    """Write all pages of PACK, a folder or a URL, into FOLDER.

    qtgen verifies the checksum of each page and writes the page atomically. Pages that already have the same contents
    stay unchanged. So do other files of FOLDER.

    Needs the `pack` extra.
    """
    try:
        with progress_after("Unpacking pages", enabled=not as_json) as step:
            report = unpack_pages(open_pack(pack), folder, replace=force, on_done=step.advance)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the pages that were written stay") from None
    except OutputError as error:
        remedy = "free space, then run the same command again to resume" if error.is_disk_full else error.remedy
        raise OutputError(error.message, path=error.path, remedy=remedy) from None
    for line in listed([describe(error) for error in report.failed], "error", shown=_SHOWN):
        echo(f"qtgen: {line}", err=True)
    if as_json:
        echo(json_text(_document(report)))
    unchanged = f"; {pluralize(report.unchanged, 'page')} unchanged" if report.unchanged else ""
    note(f"unpacked {pluralize(report.written, 'page')}{unchanged}")
    if not force and any(error.kind == "page" for error in report.failed):
        note("--force replaces pages that have other contents")
    return int(bool(report.failed))


def _document(report: UnpackReport) -> dict[str, object]:
    failed = [
        {"path": str(error.path), "page": error.field, "kind": error.kind, "message": error.message}
        for error in report.failed
    ]
    return {"written": report.written, "unchanged": report.unchanged, "failed": failed}
