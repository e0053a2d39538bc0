"""The files in a suite's references/: pages, their nuggets and source texts, and files that belong to no reference."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from qtgen.errors import UsageError

NUGGETS, CONTEXT = ".nuggets.toml", ".context.txt"
"""What follows the stem of a page's name in the names of its other files."""
_README = "readme.md"  # explains a folder to people
_PAGES = frozenset({".md", ".markdown"})
_SHOWN = 10


def reference_pages(folder: Path) -> list[Path]:
    """Return the pages of a references/ folder, in the order of their names. README.md is no reference.

    Raises UsageError if there is none, if names differ only in case, or if a file belongs to no reference: a page in a
    sub-folder, or a file with nuggets or a source text without its page.
    """
    pages = sorted(path for path in folder.glob("*.md") if path.name.lower() != _README)
    if strays := _strays(folder, pages):
        more = [f"{len(strays) - _SHOWN:,} more"] if len(strays) > _SHOWN else []
        count = "1 file belongs" if len(strays) == 1 else f"{len(strays):,} files belong"
        raise UsageError(
            f"{count} to no reference: {', '.join(strays[:_SHOWN] + more)}",
            path=folder,
            remedy=f"references are NAME.md directly in this folder, with NAME{NUGGETS} and NAME{CONTEXT} beside them",
        )
    if not pages:
        raise UsageError("contains no reference page (*.md)", path=folder)
    if same := _same_names(pages):
        message = f"{', '.join(same)} differ only in case, so they are one file on some machines"
        raise UsageError(message, path=folder, remedy="rename one of them")
    return pages


def _strays(folder: Path, pages: Iterable[Path]) -> list[str]:
    """Return the paths of files that look like parts of a reference but belong to none."""
    known = {path for page in pages for path in (page, page.with_suffix(NUGGETS), page.with_suffix(CONTEXT))}
    found = (path for path in folder.rglob("*") if path not in known and _is_part(path))
    names = (path.relative_to(folder) for path in found if path.is_file())
    return sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _is_part(path: Path) -> bool:
    name = path.name.lower()
    return name != _README and (path.suffix.lower() in {*_PAGES, ".toml"} or name.endswith(CONTEXT))


def _same_names(pages: Iterable[Path]) -> list[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        groups[page.name.casefold()].append(page.name)
    return [" and ".join(names) for names in groups.values() if len(names) > 1]
