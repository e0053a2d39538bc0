"""Read the pages of a batch, before a plan freezes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os.path import normpath, relpath
from pathlib import Path, PurePath

from qtgen.generation.provenance import WRITTEN_GROUPS, group_digests
from qtgen.page import Page, default_profile
from qtgen.review.audits.plans import Plan
from qtgen.review.audits.prediction import Features
from qtgen.review.audits.readings import DigestsOf
from qtgen.review.page_rows import fault_of
from qtgen.site.discovery import OnUnusable, iter_batches, read_page


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page that a plan can freeze.

    Args:
        url: The page.
        path: Its file.
        digests: The digests of its texts by group of fields.
        features: What predictions are based on.
    """

    url: str
    path: str
    digests: Mapping[str, str]
    features: Features = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """The pages of a batch, sorted by URL, and those that no plan can cover, each with the reason."""

    pages: tuple[SourcePage, ...]
    excluded: tuple[tuple[str, str], ...] = ()

    def with_features(self, features: Mapping[str, Features]) -> "Frame":
        """Return the frame with further features, by URL."""
        pages = (replace(page, features={**features.get(page.url, {}), **page.features}) for page in self.pages)
        return Frame(tuple(pages), self.excluded)


def read_frame(paths: Iterable[Path], folder: Path, on_unusable: OnUnusable | None = None) -> Frame:
    """Read all pages once, in one pass. The score of a page is its only feature.

    A page that no reviewer can review is excluded: it cannot be read, has no URL or no answer, or has the URL of an
    earlier page.

    Args:
        paths: Files and folders.
        folder: The output folder. The paths of the frame are relative to it, so that other machines find the pages.
        on_unusable: As `iter_batches` takes it.
    """
    pages: dict[str, SourcePage] = {}
    excluded: list[tuple[str, str]] = []
    for batch in iter_batches(paths, on_unusable) if on_unusable else iter_batches(paths):
        for path, (size, _) in zip(batch.paths(), batch.states, strict=True):
            page = read_page(path, size, default_profile())  # TRANSITIONAL
            url = page.text_of("url") or ""
            relative = path_in_plan(path, folder)
            reason = fault_of(page)
            if url in pages and not reason:
                other = "/".join(PurePath(pages[url].path).parts[-2:])  # also clear beside a path that begins elsewhere
                reason = f"`{other}` has the same `url`. Change the `url` of one of them."
            if reason:
                excluded.append((relative, reason))
                continue
            pages[url] = SourcePage(url, relative, group_digests(page, WRITTEN_GROUPS), _score(page))
    return Frame(tuple(pages[url] for url in sorted(pages)), tuple(excluded))


def path_in_plan(path: str, folder: Path) -> str:
    """Return the path of a page, relative to the output folder unless it is on another drive."""
    try:
        return Path(relpath(path, folder)).as_posix()
    except ValueError:  # on Windows
        return Path(path).absolute().as_posix()


def _score(page: Page) -> Features:
    score = page.values.get("score")
    is_score = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return {"score": float(score)} if is_score else {}  # type: ignore[arg-type]


def digests_from_files(plan: Plan, folder: Path) -> DigestsOf:
    """Return a function that reads the digests of a plan's pages from their files.

    Args:
        plan: The plan.
        folder: The output folder, which the paths of the plan are relative to.
    """

    def digests_of(url: str) -> Mapping[str, str] | None:
        position = plan.positions.get(url)
        if position is None:
            return None
        path = normpath(folder / plan.pages[position].path)  # the output folder need not exist
        page = read_page(path, -1, default_profile())  # TRANSITIONAL
        return group_digests(page, plan.groups) if page.text_of("url") == url else None

    return digests_of
