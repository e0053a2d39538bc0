"""`qtgen pack`: pack the pages of a folder for machines that share no files."""

from pathlib import Path

import click

from qtgen._util.text import file_size, json_text, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._options import folder as folder_type
from qtgen.commands._output import listed, note
from qtgen.commands._paths import PagesPath
from qtgen.commands._steps import progress_after
from qtgen.errors import Interrupted
from qtgen.site.locations import Location
from qtgen.site.pack import PackReport, pack_folder

_SHOWN = 20  # files that are listed on stderr; the others are counted
_EPILOG = """\b
Exit codes:
  0    all pages are packed
  1    a page cannot be read (the others are packed), or OUT cannot be written
  2    the call is wrong: FOLDER has no pages, OUT is not empty,
       or the driver of its protocol is not installed
  130  interrupted; OUT is unfinished

\b
Examples:
  qtgen pack outputs /mnt/usb/site
  qtgen pack outputs s3://bucket/site    needs `pip install s3fs`
  qtgen validate s3://bucket/site
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", type=folder_type)
@click.argument("out", type=PagesPath(file_okay=False))
@click.option("--force", is_flag=True, help="Replace the pack in OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(folder: Path, out: Location, force: bool, as_json: bool) -> int:
    """Write all pages of FOLDER into a pack: Parquet shards and a manifest.

    OUT is a folder or a URL that fsspec knows, such as s3://bucket/site. The pack contains every page byte for byte,
    and no other file. `qtgen validate` and `qtgen link --check` read packs. `qtgen unpack` writes the pages into a
    folder.

    Needs the `pack` extra.
    """
    try:
        with progress_after("Packing pages", enabled=not as_json) as step:
            report = pack_folder(folder, out, replace=force, on_packed=step.advance)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {out} is unfinished", remedy="run the same command again") from None
    for line in listed([f"not packed: {path}: {reason}" for path, reason in report.not_packed], "page", shown=_SHOWN):
        echo(line, err=True)
    if as_json:
        echo(json_text(_document(report)))
    note(
        f"packed {pluralize(report.pages, 'page')} into {pluralize(report.shards, 'shard')}: "
        f"{file_size(report.bytes)} became {file_size(report.packed_bytes)}"
    )
    return int(bool(report.not_packed))


def _document(report: PackReport) -> dict[str, object]:
    return {
        "pages": report.pages,
        "bytes": report.bytes,
        "shards": report.shards,
        "packed_bytes": report.packed_bytes,
        "not_packed": [item._asdict() for item in report.not_packed],
    }
