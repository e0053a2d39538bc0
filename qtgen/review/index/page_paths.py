"""The paths of pages: as the index stores them, and whether they may be written."""

import os
from collections.abc import Sequence
from pathlib import Path


class PagePaths:
    """The files and folders of a review.

    Args:
        roots: As they were given.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [(os.path.realpath(root), root.as_posix(), root.is_dir()) for root in roots]

    def stored(self, path: Path) -> str | None:
        """Return the path as the validator spells it; None if it is no page of the review."""
        if any(path.as_posix() == spelled for _, spelled, is_folder in self._roots if not is_folder):
            return path.as_posix()
        spelled = self.spelled(path)
        if spelled is None or spelled in (root for _, root, is_folder in self._roots if not is_folder):
            return spelled
        inside = spelled.removeprefix(self._prefix_of(spelled))
        return (
            spelled if inside.endswith(".md") and not any(part.startswith(".") for part in inside.split("/")) else None
        )

    def spelled(self, path: Path) -> str | None:
        """Return a path below the roots as the validator spells it; None if it is not below them."""
        real = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - the file itself may be a link
        for root, spelled, is_folder in self._roots:
            if not is_folder and real == root:
                return spelled
            if is_folder and real.startswith(f"{root.rstrip('/')}/"):
                inside = real[len(root.rstrip("/")) + 1 :].replace(os.sep, "/")
                return _prefix(spelled) + inside
        return None

    def _prefix_of(self, spelled: str) -> str:
        prefixes = (_prefix(root) for _, root, is_folder in self._roots if is_folder)
        return next((prefix for prefix in prefixes if spelled.startswith(prefix)), "")

    def is_writable(self, path: str) -> bool:
        """Return whether a file may be written: it is below one of the roots, also after links, and not read-only."""
        real = os.path.realpath(path)
        is_inside = any(
            real.startswith(f"{root.rstrip('/')}/") if is_folder else real == root for root, _, is_folder in self._roots
        )
        return is_inside and os.access(real, os.W_OK)


def _prefix(folder: str) -> str:
    """Return the beginning of the paths of a folder's pages."""
    return "" if folder == "." else f"{folder.rstrip('/')}/"
