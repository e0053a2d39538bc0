"""Infer which fields are constant, and which follow from others or from the path of the file."""

from collections.abc import Sequence

from qtgen.page.profile import Kind
from qtgen.page.template import Slugger, parse_template
from qtgen.site.inference.columns import FOLDER, STEM, Columns
from qtgen.site.inference.drafts import Draft, LayoutDraft, frequencies, length_of
from qtgen.site.inference.findings import MIN_PAGES, Place, Standing, shown, standing_of, standing_with_outliers
from qtgen.site.inference.observe import LongText, Node
from qtgen.site.inference.templates import Fit, TemplateSearch, is_literal, is_name, is_varied

_LONGEST_CONSTANT = 200
_NO_TEMPLATE = "no template gives the paths of the pages; write one before you generate pages"


def decide_constants(layout: LayoutDraft) -> None:
    """Set the value of the fields that have the same one on every page."""
    for draft in layout.walk():
        if draft.fields or not draft.values or draft.settings.get("type") in ("list", "map"):
            continue
        counts = frequencies(draft.values)
        if not counts:
            continue
        (kind, value), agree = counts.most_common(1)[0]
        if (
            value is None
            or (kind == Kind.FLOAT and value != value)
            or isinstance(value, LongText)
            or length_of(value) > _LONGEST_CONSTANT
        ):
            continue
        _decide_constant(layout, draft, kind, value, agree)


def _decide_constant(layout: LayoutDraft, draft: Draft, kind: str, value: object, agree: int) -> None:
    standing = standing_of(agree, len(draft.values) - agree)
    # The values of an optional key prove less: a flag is often only written if it is true.
    is_common = 2 * len(draft.values) > draft.of
    is_telling = draft.is_required or (is_common and kind == Kind.TEXT)
    if standing is Standing.ASSERTED and not is_telling:
        standing = Standing.CANDIDATE
    if standing is None or (len(draft.values) < MIN_PAGES and not is_common):
        return
    against = [
        Place(*other[:2], shown(other.value))
        for other in draft.values
        if isinstance(other.value, Node) or (other.value != value or type(other.value) is not type(value))
    ]
    if standing is Standing.ASSERTED:
        draft.settings["const"] = value
    else:
        draft.candidates.append(({"const": value}, agree, len(against)))
    layout.report(draft.path, "constant", shown(value), agree, against, standing)


class Relations:
    """Relates the fields of a layout.

    Args:
        layout: The layout, whose question is known.
        columns: Its columns.
        slug: The slug of the site.
    """

    def __init__(self, layout: LayoutDraft, columns: Columns, slug: Slugger) -> None:
        self._layout, self._columns = layout, columns
        self._search = TemplateSearch(columns, slug)
        self._drafts = {draft.path: draft for draft in layout.walk() if draft.path in columns.columns}
        self._question = layout.roles["question"]
        self._path_fields: set[str] = set()
        self._depends: dict[str, set[str]] = {}
        self._long: dict[str, bool] = {}

    def decide_path(self) -> None:
        """Set the template of the path of a page."""
        files = self._columns.files
        fit = self._search.best(files, self._sources(""), slugs_only=True)
        standing = standing_with_outliers(fit.agree, len(fit.against)) if fit else None
        source = f"{fit.template.source}.md" if fit else ""
        if fit and standing is Standing.ASSERTED:
            self._layout.settings["path"] = source
        else:
            self._layout.settings["path"] = self._observed_path()
            self._layout.notes.append(f"path candidate: {source}" if fit and standing else _NO_TEMPLATE)
        if fit and standing:
            against = self._search.places(fit, files, STEM)
            self._layout.report("path", "template", source, fit.agree, against, standing)
        self._path_fields = {
            reference.path for reference in parse_template(self._layout.settings["path"]).references
        } - {STEM, FOLDER}

    def _observed_path(self) -> str:
        """Return a template that keeps the names of files as they are."""
        folders = {file.rpartition("/")[0] for file in self._columns.files}
        if not all(is_literal(folder) for folder in folders):
            return f"{{{FOLDER}}}/{{{STEM}}}.md"
        if len(folders) == 1:
            folder = folders.pop()
            return f"{folder}/{{{STEM}}}.md" if folder else f"{{{STEM}}}.md"
        outer = {folder.rpartition("/")[0] for folder in folders}
        if len(outer) == 1 and "" not in folders:
            shared = outer.pop()
            return f"{shared}/{{{FOLDER}}}/{{{STEM}}}.md" if shared else f"{{{FOLDER}}}/{{{STEM}}}.md"
        return f"{{{FOLDER}}}/{{{STEM}}}.md"

    def decide_templates(self) -> None:
        """Set the template of each field that follows from others."""
        for path, draft in self._drafts.items():
            column = self._columns.columns[path]
            is_free = draft.is_text and "const" not in draft.settings and path != self._question
            if not is_free or not is_varied(column) or self._is_long(path):
                continue
            fit = self._search.best(column, self._sources(path))
            if fit is not None and self._is_allowed(path, fit):
                self._decide_template(draft, fit)

    def _is_long(self, path: str) -> bool:
        if path not in self._long:
            self._long[path] = self._has_long_texts(path)
        return self._long[path]

    def _has_long_texts(self, path: str) -> bool:
        column = self._columns.columns[path]
        return 2 * sum(isinstance(value, LongText) for value in column) > len(column)

    def _decide_template(self, draft: Draft, fit: Fit) -> None:
        standing = standing_with_outliers(fit.agree, len(fit.against))
        source = fit.template.source
        if standing is None:
            return
        if standing is Standing.ASSERTED:
            draft.settings["value"] = source
            self._depends[draft.path] = {reference.path for reference in fit.template.references}
        else:
            draft.candidates.append(({"value": source}, fit.agree, len(fit.against)))
        against = self._search.places(fit, self._columns.columns[draft.path], draft.path)
        self._layout.report(draft.path, "template", source, fit.agree, against, standing)

    def _is_allowed(self, path: str, fit: Fit) -> bool:
        """Return whether a field can follow from the fields of a template. Of equal fields, the first one is free."""
        copied = fit.template.copied
        order = list(self._drafts)
        if copied in self._drafts and copied != self._question:
            return order.index(copied) < order.index(path)
        return True

    def _sources(self, target: str) -> Sequence[str]:
        """Return the fields that a template can name, the preferred ones first."""
        free: list[str] = []
        derived: list[str] = []
        order = list(self._drafts)
        for path in [self._question, *order]:
            if path not in self._drafts or path == target or self._leads_to(path, target) or not is_name(path):
                continue
            if "const" not in self._drafts[path].settings and not self._is_long(path):
                (derived if path in self._depends else free).append(path)
        at = order.index(target) if target in order else len(order)
        earlier = [path for path in free if path == self._question or order.index(path) < at]
        later = [path for path in free if path not in earlier]
        of_file = [] if not target or target in self._path_fields else [FOLDER, STEM]
        return list(dict.fromkeys([*earlier, *later, *derived, *of_file]))

    def _leads_to(self, path: str, target: str) -> bool:
        names = self._depends.get(path, set())
        return target in names or any(self._leads_to(name, target) for name in names)
