"""Write the lists and the pages of a review as HTML files that are read without a server and without scripts.

Texts are rendered approximately, because a browser gives files no right to load the fonts of the site's renderer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qtgen._util.files import as_output_error
from qtgen._util.preview import palette_css, preview_css, render_markdown
from qtgen.errors import PageConflict, UsageError
from qtgen.generation.decisions import DecisionLog
from qtgen.page.compile import main_layout
from qtgen.page.naming import windows_fault
from qtgen.page.template import Slugger
from qtgen.review.comparison.changes import compare
from qtgen.review.decisions.rewrites import read_rewrites, still_applies
from qtgen.review.files import read_page_file
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.types import FindingCount, IndexedPage, Rewrite
from qtgen.review.web.templating import environment
from qtgen.review.web.views.lists import STATE_LABELS, finding_badges
from qtgen.review.web.views.page_parts import changed_fields, history_rows, objections_to, search_result
from qtgen.review.web.views.versions import versions_of
from qtgen.review.web.workspace import OpenedPage, Workspace
from qtgen.validation.rules import REGISTRY

ROWS = 500
"""The number of rows of a list; the next ones are in another file."""

_BATCH = 1_000  # pages that are read from the index at once
_NAME_MAX = 100  # characters
_MARKER = "written-by-qtgen-review.txt"
_FOLDER = "pages"


@dataclass(frozen=True, slots=True)
class StaticSite:
    """What was written.

    Args:
        start: The file to open.
        pages: The number of pages.
        skipped: The pages that could not be read, each with the reason.
    """

    start: Path
    pages: int
    skipped: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A page in the lists. It has no file if it cannot be shown."""

    page: IndexedPage
    name: str
    rewrite: Rewrite | None
    problem: str = ""

    @property
    def href(self) -> str:
        return f"{_FOLDER}/{quote(self.name)}" if not self.problem else ""

    @property
    def state(self) -> str:
        return "problem" if self.problem else self.page.state.value


def write_static_site(workspace: Workspace, folder: Path) -> StaticSite:
    """Write the pages of a review into a folder, and return what was written.

    Raises UsageError if the folder contains other files, and OutputError if it cannot be written.
    """
    _prepare(folder)
    rows = list(_rows(workspace))
    skipped: list[tuple[str, str]] = []
    for number, row in enumerate(rows):
        if row.problem:
            continue
        near = [rows[place] if 0 <= place < len(rows) else None for place in (number - 1, number + 1)]
        try:
            html = _page_html(workspace, row, near)
        except PageConflict as error:
            skipped.append((row.page.path, error.message))
            rows[number] = _Row(row.page, row.name, None, error.message)
            continue
        _write(folder / _FOLDER / row.name, html)
    _remove_others(folder, _write_lists(folder, rows, workspace.log))
    _remove_others(folder / _FOLDER, {row.name for row in rows if not row.problem})
    return StaticSite(folder / "index.html", sum(not row.problem for row in rows), skipped)


def _prepare(folder: Path) -> None:
    """Create the folder. It is refused if it has files that this module did not write."""
    with as_output_error(folder):
        if folder.is_dir() and not (folder / _MARKER).is_file() and any(folder.iterdir()):
            remedy = "choose a new or empty folder"
            raise UsageError("contains other files, and would be overwritten", path=folder, remedy=remedy)
        (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    _write(folder / _MARKER, "The next export into this folder replaces its files.\n")
    _write(folder / "style.css", palette_css() + preview_css() + _site_css())


def _site_css() -> str:
    return (Path(__file__).parent / "templates" / "site.css").read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    with as_output_error(path):
        path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove the files of an earlier export that this one did not write."""
    with as_output_error(folder):
        for path in folder.glob("*.html"):
            if path.name not in names:
                path.unlink()


def _rows(workspace: Workspace) -> Iterator[_Row]:
    rewrites = read_rewrites(workspace.store, workspace.profile)
    names = _Names(main_layout(workspace.profile).slug)
    page_filter, offset = PageFilter(sort="title"), 0
    while batch := workspace.index.search(page_filter, offset, _BATCH).pages:
        for page in batch:
            name = names.of(page.url)
            yield _Row(page, name, None if page.problem else rewrites.get(page.url), page.problem)
        offset += len(batch)


class _Names:
    """Chooses the names of files. Names that differ only in case are the same on some disks.

    Args:
        slug: The site's slug.
    """

    def __init__(self, slug: Slugger) -> None:
        self._slug = slug
        self._taken: set[str] = set()

    def of(self, url: str) -> str:
        """Return the name of a page's file: the last part of its URL, with a number if it is taken."""
        last = self._slug(url.rstrip("/").rpartition("/")[2].replace("-", " "))
        stem = last.replace("/", "-")[:_NAME_MAX].strip("-") or "page"
        stem = f"{stem}-page" if windows_fault(stem) else stem
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return f"{name}.html"


# --- lists ------------------------------------------------------------------------------------------------------------


def _write_lists(folder: Path, rows: Sequence[_Row], log: DecisionLog) -> set[str]:
    """Write a list of all pages and one for each state, and return the names of the files."""
    written: set[str] = set()
    lists: dict[str, tuple[str, Sequence[_Row]]] = {"index": ("All pages", rows)}
    with_rewrite = [row for row in rows if row.rewrite]
    if with_rewrite:
        lists["rewrites"] = ("With a rewrite", with_rewrite)
    for state, label in STATE_LABELS.items():
        in_state = [row for row in rows if row.state == state]
        if in_state and len(in_state) < len(rows):
            lists[f"state-{state}"] = (label, in_state)
    menu = [(name, label, len(some)) for name, (label, some) in lists.items()]
    template = environment().get_template("site_list.html.j2")
    for name, (label, some) in lists.items():
        parts = [some[start : start + ROWS] for start in range(0, len(some), ROWS)] or [[]]
        for number, part in enumerate(parts):
            shown = [_list_row(row, log) for row in part]
            files = [_list_name(name, index) for index in range(len(parts))]
            context = {"heading": label, "rows": shown, "menu": menu, "current": name, "files": files, "number": number}
            _write(folder / files[number], template.render(context, total=len(some)))
        written.update(files)
    return written


def _list_row(row: _Row, log: DecisionLog) -> dict[str, Any]:
    decision = log.current(row.page.url)
    return {"row": row, "label": STATE_LABELS[row.state], "findings": finding_badges(row.page), "decision": decision}


def _list_name(name: str, number: int) -> str:
    return f"{name}-{number + 1}.html" if number else f"{name}.html"


# --- pages ------------------------------------------------------------------------------------------------------------


def _page_html(workspace: Workspace, row: _Row, near: Sequence[_Row | None]) -> str:
    file = read_page_file(Path(row.page.path), workspace.profile)
    rewrite = row.rewrite if row.rewrite and still_applies(row.rewrite, file.page) else None
    opened = OpenedPage(page=row.page, file=file, rewrite=rewrite)
    versions, layout = versions_of(opened, rewrite), file.page.layout
    answer, math = versions.answer_of(versions.now), layout.codec.math
    template = environment().get_template("site_page.html.j2")
    return template.render(
        title=file.page.text_of(layout.roles.question) or row.page.title or row.page.url,
        page=row.page,
        state_label=STATE_LABELS[row.state],
        near=near,
        answer=render_markdown(answer, math=math),
        rewrite=rewrite,
        objections=objections_to(rewrite),
        changes=_changes(versions.answers, math=math),
        fields=changed_fields(versions, layout),
        has_description=layout.description is not None,
        result=search_result(file.page, versions.now),
        keywords=versions.now.get(layout.keywords or ""),
        findings=[_finding(one) for one in row.page.findings],
        history=history_rows(workspace.log, row.page.url),
        words=len(answer.split()),
    )


def _finding(finding: FindingCount) -> dict[str, Any]:
    rule = REGISTRY.get(finding.code)
    return {
        "code": finding.code,
        "severity": finding.severity,
        "total": finding.total,
        "name": rule.name if rule else "",
    }


def _changes(answers: tuple[str, str] | None, *, math: bool) -> dict[str, Any] | None:
    """Return the answers before and after a rewrite, rendered."""
    if answers is None or answers[0] == answers[1]:
        return None
    changes = compare(*answers)
    texts = {"merged": changes.merged, "old": changes.old, "new": changes.new}
    rendered = {name: render_markdown(text.markdown, text.marks, math=math) for name, text in texts.items()}
    return {**rendered, "is_merged": changes.layout == "merged", "common": changes.common}
