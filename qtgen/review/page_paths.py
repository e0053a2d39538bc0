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
        real = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - a Path would drop the name's dots
        for root, spelled, is_folder in self._roots:
            if not is_folder:
                if real == root or path.as_posix() == spelled:
                    return spelled
            elif real.startswith(f"{root.rstrip('/')}/"):
                inside = real[len(root.rstrip("/")) + 1 :].replace(os.sep, "/")
                is_page = inside.endswith(".md") and not any(part.startswith(".") for part in inside.split("/"))
                prefix = "" if spelled == "." else f"{spelled.rstrip('/')}/"
                return prefix + inside if is_page else None
        return None

    def is_writable(self, path: str) -> bool:
        """Return whether a file may be written: it is below one of the roots, also after links, and not read-only."""
        real = os.path.realpath(path)
        is_inside = any(
            real.startswith(f"{root.rstrip('/')}/") if is_folder else real == root for root, _, is_folder in self._roots
        )
        return is_inside and os.access(real, os.W_OK)
