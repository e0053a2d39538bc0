"""The public function that reads one page."""

from pathlib import Path

from qtgen.errors import UsageError
from qtgen.page import Page
from qtgen.page import read as read_bytes
from qtgen.site.discovery import PathName, read_page_bytes


def read_page(path: PathName) -> Page:
    """Read the page in a file.

    What is wrong with the text is in `page.problems`: a page that is not valid is read as far as possible. Raises
    UsageError if the file cannot be read.
    """
    try:
        return read_bytes(read_page_bytes(str(path)))
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=Path(path)) from None
