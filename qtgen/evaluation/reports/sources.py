"""What an HTML report shows in addition to its `EvalReport`: the report before, and the files of answers."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qtgen.evaluation.report import EvalItem, EvalReport
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile
from qtgen.page.template import Slugger

ItemKey = tuple[str, int]
"""Id and repeat of an item."""


@dataclass(frozen=True, slots=True)
class ReportSources:
    """What a report is shown with.

    Args:
        folder: The folder of the report. Links to files start there.
        before: The report that this one is compared with, if it is known.
        pages: The file of each answer that has one.
        pages_before: The same for the answers of `before`.
        references: The file of each reference, by id.
        has_math: Whether the site renders formulas between dollar signs.
    """

    folder: Path = Path()
    before: EvalReport | None = None
    pages: Mapping[ItemKey, Path] = field(default_factory=dict)
    pages_before: Mapping[ItemKey, Path] = field(default_factory=dict)
    references: Mapping[str, Path] = field(default_factory=dict)
    has_math: bool = True


def key_of(item: EvalItem) -> ItemKey:
    """Return the key of an item in `ReportSources`."""
    return item.id, item.repeat


def find_page_files(report: EvalReport, profile: Profile) -> dict[ItemKey, Path]:
    """Return the files of a report on pages of a folder, as far as they still exist.

    Args:
        report: The report.
        profile: The page layout of the site, by which the folder of a page follows from its subject.
    """
    folder = Path(report.model)
    if report.provider != "pages" or not folder.is_dir():
        return {}
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*.md")):
        files[path.stem].append(path)
    slug = main_layout(profile).slug
    found = ((key_of(item), _page_of(item, files[item.id], slug)) for item in report.items)
    return {key: path for key, path in found if path is not None}


def _page_of(item: EvalItem, paths: list[Path], slug: Slugger) -> Path | None:
    """Return the only file with the item's name, or the one in the folder of its subject."""
    if len(paths) == 1:
        return paths[0]
    return next((path for path in paths if path.parent.name == slug(item.subject)), None)


def find_reference_files(suite: Path) -> dict[str, Path]:
    """Return the references in the folder of a suite by id; none if there is no such folder."""
    return {path.stem: path for path in sorted((suite / "references").glob("*.md"))}
