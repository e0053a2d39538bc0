"""Links from a report to files."""

import os
from pathlib import Path
from urllib.parse import quote


def file_link(path: str | Path, folder: str | Path) -> str:
    """Return the address of a file for a document in a folder: relative if possible, so that both can be moved.

    The address is quoted. It starts with `./`, `../` or `file:`, so no file name can be read as another scheme.
    """
    target = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the links of the site
    try:
        relative = os.path.relpath(target, os.path.abspath(folder))  # noqa: PTH100
    except ValueError:  # Windows: another drive
        return Path(target).as_uri()
    address = quote(os.fsencode(relative.replace(os.sep, "/")))
    return address if address.startswith("../") else f"./{address}"
