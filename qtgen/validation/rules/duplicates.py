"""Family 4xx, duplicates: are questions, file names and other values of pages different?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtgen.site.index import SiteIndex
from qtgen.site.similarity import near_duplicate_pairs
from qtgen.site.values import value_fields
from qtgen.validation.diagnostics import Severity, printable
from qtgen.validation.rules.registry import site_rule
from qtgen.validation.rules.types import Example, SiteFinding

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite

_NEAR_DUPLICATE = 0.8  # share of words that two questions have in common


@site_rule(
    "QT410",
    "near-duplicate-question",
    Severity.WARNING,
    bad=Example(
        "What is osmosis?", "What is the osmosis of water?", neighbour=("What is diffusion?", "What is water osmosis?")
    ),
    on_request=True,
)
def near_duplicate_question(site: SiteIndex) -> Iterator[SiteFinding]:
    """Two pages ask nearly the same question: at least 80% of their words are the same, apart from stop words.

    Why it is bad: the two pages compete in search results.
    Fix: keep the better page. No automatic fix. The rule runs only if you select it (`--select QT410`), because it
    reads the words of every question. It finds pairs by their rarest words instead of comparing all pages.
    """
    for pair in near_duplicate_pairs(site.question_words, _NEAR_DUPLICATE):
        first, second = pair if site.selected is None or pair[1] < site.selected else reversed(pair)
        message = "`{question}` is nearly the question of {other}; keep one of the pages"
        yield SiteFinding(message, [site.starts[second]], "question", first)


def _case_twin(site: "ExampleSite") -> Example:
    folder, slash, name = site.neighbour_path.rpartition("/")
    return Example(path=f"{folder}{slash}{name.capitalize() if name[:1].islower() else name.swapcase()}")


@site_rule("QT411", "case-only-twin", Severity.ERROR, bad=_case_twin)
def case_only_twin(site: SiteIndex) -> Iterator[SiteFinding]:
    """The name of the file or of its folder differs from another name only in case.

    Why it is bad: on Windows and macOS, both names are the same file. Git checks out only one of the two, and an edit
    there overwrites the other page. Therefore it is an error.
    Fix: rename the one whose name is not a slug, or remove it if it is a copy. No automatic fix, because `--fix` does
    not rename files. If folders differ, the first page of each is reported.
    """
    for twin in site.names.twins():
        what = f"the folder `{twin.name}`" if twin.is_folder else "the name of the file"
        message = printable(f"{what} differs from `{twin.other}` only in case; rename one of them")
        yield SiteFinding(message, [site.starts[twin.page]], "file")


def _repeated_value(site: "ExampleSite") -> Example:
    path = value_fields(site.profile).unique[0]
    return site.change({path: site.neighbour_page.values[path]})


@site_rule(
    "QT412",
    "duplicate-value",
    Severity.ERROR,
    bad=_repeated_value,
    applies=lambda profile: bool(value_fields(profile).unique),
)
def duplicate_value(site: SiteIndex) -> Iterator[SiteFinding]:
    """Several pages have the same value in a field whose values must differ.

    Why it is bad: a reader, or a program, that looks for the value finds any of the pages.
    Fix: give each page a value of its own, or remove the page that is a copy. No automatic fix.
    """
    for path, pages in site.values.duplicates() if site.values else ():
        rows = [site.starts[page] for page in pages]
        yield SiteFinding(f"another page has the same `{path}`; each page needs its own", rows, path)
