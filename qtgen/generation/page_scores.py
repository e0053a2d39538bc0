"""Write the scores of pages into their files."""

from collections.abc import Mapping
from pathlib import Path

from qtgen._util.files import as_output_error, replace_file
from qtgen.errors import SpliceError
from qtgen.page import Profile, read, splice


def write_scores(pages: Mapping[Path, float], profile: Profile) -> int:
    """Write scores, rounded to three decimals, into the score of pages and return how many pages changed.

    No other byte changes. Raises OutputError, and SpliceError for a page that cannot be edited line by line or has no
    field for a score.
    """
    changed = 0
    for path, score in pages.items():
        with as_output_error(path):
            before = path.read_bytes()
        page = read(before, profile, path.as_posix())
        if (field := page.layout.roles.score) is None:
            raise SpliceError("the layout of the page has no field for a score")
        after = splice(page, {field: round(score, 3)}).encode()
        if after != before:
            replace_file(path, before, after)
            changed += 1
    return changed
