"""Read the pages of a batch, before a plan freezes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os.path import normpath, relpath
from pathlib import Path, PurePath

from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.review.audits.plans import Plan
from qtgen.review.audits.prediction import Features
from qtgen.review.audits.readings import DigestsOf
from qtgen.review.files import text_digests
from qtgen.review.page_rows import fault_of, key_of, read_file, score_of
from qtgen.site.discovery import OnUnusable, iter_batches


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


def read_frame(paths: Iterable[Path], folder: Path, profile: Profile, on_unusable: OnUnusable | None = None) -> Frame:
    """Read all pages once, in one pass. The score of a page is its only feature.

    A page that no reviewer can review is excluded: it cannot be read, has no key or no answer, or has the key of an
    earlier page.

    Args:
        paths: Files and folders.
        folder: The output folder. The paths of the frame are relative to it, so that other machines find the pages.
        profile: The page layout of the site.
        on_unusable: As `iter_batches` takes it.
    """
    pages: dict[str, SourcePage] = {}
    excluded: list[tuple[str, str]] = []
    for batch in iter_batches(paths, on_unusable) if on_unusable else iter_batches(paths):
        for path, (size, _) in zip(batch.paths(), batch.states, strict=True):
            _, page = read_file(path, size, profile)
            url = key_of(page, path)
            relative = path_in_plan(path, folder)
            reason = fault_of(page, path)
            if url in pages and not reason:
                other = "/".join(PurePath(pages[url].path).parts[-2:])  # also clear beside a path that begins elsewhere
                key = page.layout.roles.key
                reason = f"`{other}` has the same `{key}`. Change the `{key}` of one of them."
            if reason:
                excluded.append((relative, reason))
                continue
            pages[url] = SourcePage(url, relative, text_digests(page), _features(page))
    return Frame(tuple(pages[url] for url in sorted(pages)), tuple(excluded))


def path_in_plan(path: str, folder: Path) -> str:
    """Return the path of a page, relative to the output folder unless it is on another drive."""
    try:
        return Path(relpath(path, folder)).as_posix()
    except ValueError:  # on Windows
        return Path(path).absolute().as_posix()


def _features(page: Page) -> Features:
    score = score_of(page)
    return {} if score is None else {"score": score}


def digests_from_files(plan: Plan, folder: Path, profile: Profile) -> DigestsOf:
    """Return a function that reads the digests of a plan's pages from their files.

    Args:
        plan: The plan.
        folder: The output folder, which the paths of the plan are relative to.
        profile: The page layout of the site.
    """

    def digests_of(url: str) -> Mapping[str, str] | None:
        position = plan.positions.get(url)
        if position is None:
            return None
        path = normpath(folder / plan.pages[position].path)  # the output folder need not exist
        _, page = read_file(path, -1, profile)
        digests = text_digests(page)
        is_there = key_of(page, path) == url
        return {group: digests[group] for group in plan.groups if group in digests} if is_there else None

    return digests_of
