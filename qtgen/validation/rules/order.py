"""Family 2xx, order: are the keys in the order of the layout, and numbered maps without a gap?"""

from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from qtgen.page import Page, Span
from qtgen.page.compile import layouts_of
from qtgen.page.edits import TextEdit
from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite


def _swapped_keys(site: "ExampleSite") -> Example:
    first, second = [path for path in site.page.values if "." not in path][:2]
    start = site.text.index(site.lines_of(first))
    lines = site.lines_of(first) + site.lines_of(second)
    swapped = site.lines_of(second) + site.lines_of(first)
    return Example(text=site.text[:start] + swapped + site.text[start + len(lines) :])


@rule(
    "QT204",
    "key-out-of-order",
    Severity.WARNING,
    bad=_swapped_keys,
    noncanonical_only=True,
    fix="safe",
)
def key_out_of_order(file: PageFile) -> Iterator[Finding]:
    """A known key comes after a key that the layout puts later.

    Why it is bad: keys in a fixed order keep diffs small, and let qtgen read the page with its fast scanner.
    Fix: move the line to its place (`qtgen schema`). `--fix` moves whole fields and leaves their lines unchanged. This
    is safe because readers do not see the order.
    """
    page = file.page
    order = page.layout.order
    latest = {"": ""}  # by section, the key that the layout puts last so far
    for path in page.key_spans or ():
        if path not in order:
            continue
        section = path.rpartition(".")[0]
        before = latest.get(section, "")
        if before and order[path] < order[before]:
            fix = partial(_sort_keys, page, section)
            yield Finding(f"`{path}` is out of order; move it above `{before}`", page.key_span(path), path, fix)
        else:
            latest[section] = path


def _sort_keys(page: Page, section: str) -> RuleFix | None:
    """Return a fix that sorts the fields of a section ("" is the page itself). An unknown field stays behind the same
    known one. There is no fix if several fields share a line."""
    keys = page.key_spans or {}
    paths = [path for path in keys if path.rpartition(".")[0] == section]
    starts = [page.text.rfind("\n", 0, keys[path].start) + 1 for path in paths]
    if len(set(starts)) < len(starts) or page.problems:
        return None
    last_field = [path for path in keys if path == paths[-1] or path.startswith(f"{paths[-1]}.")]
    end = page.text.find("\n", max(max(keys[path].end, page.span(path).end) for path in last_field)) + 1
    rank, ranked_blocks = -1, []
    for path, start, stop in zip(paths, starts, [*starts[1:], end], strict=True):
        rank = page.layout.order.get(path, rank)
        ranked_blocks.append((rank, page.text[start:stop]))
    text = "".join(block for _, block in sorted(ranked_blocks, key=itemgetter(0)))
    return RuleFix("sort the fields", [TextEdit(Span(starts[0], end), text)])


def _has_repeats(profile: Profile) -> bool:
    return any(layout.repeats for layout in layouts_of(profile))


def _gap(site: "ExampleSite") -> Example:
    key, sections = next(iter(site.layout.repeats.items()))
    if sections[0].path in site.page.sections():
        return Example(text=site.text.replace(f"{key}1", f"{key}2"))
    return site.change(site.values_of(sections[1]))


@rule(
    "QT206",
    "related-gap",
    Severity.ERROR,
    bad=_gap,
    noncanonical_only=True,
    fix="safe",
    applies=_has_repeats,
)
def related_gap(file: PageFile) -> Iterator[Finding]:
    """The {links_word} are not numbered 1, 2, 3 … without a gap.

    Why it is bad: other programs of the site stop at the first missing number, and ignore the links after it.
    Fix: `--fix` numbers them from 1. This is safe because a reader sees the same links.
    """
    page = file.page
    for key, sections in page.layout.repeats.items():
        outer = sections[0].path.removesuffix(f"{key}1")
        present = [section.path for section in sections if section.path in page.sections()]
        names = [f"{key}{number}" for number in range(1, len(present) + 1)]
        gap = next((pair for pair in zip(present, names, strict=True) if pair[0] != outer + pair[1]), None)
        if gap is None:
            continue
        edits = [
            TextEdit(page.key_span(path), name)
            for path, name in zip(present, names, strict=True)
            if path != outer + name
        ]
        what = "links" if page.layout.links and page.layout.links.field == key else "maps"
        message = f"`{gap[0]}` follows a gap; number it `{outer}{gap[1]}`"
        fix = partial(RuleFix, f"number the {what} from 1", edits)
        yield Finding(message, page.key_span(gap[0]), gap[0], fix)
