"""Family 3xx: do the title, the subject, and the names that derive from them agree?"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from qtgen.page import windows_fault
from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.template import Template
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.derived import (
    fill_template,
    folder_depth,
    last_folders,
    names_agree,
    rows_with_other_names,
    sources,
)
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.naming import key_template, other_templates
from qtgen.validation.rules.placeholders import listed
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite
    from qtgen.validation.rules.file_columns import FileColumns

# Nearly all names are slugs, and the folder of a page is one of a few dozen.
_PORTABLE = re.compile(r"(?!(?:con|prn|aux|nul|com[1-9]|lpt[1-9])\.)[a-z0-9-]+\.md")


def _has_portable_name(file: PageFile) -> bool:
    return bool(_PORTABLE.fullmatch(file.name)) and not _folder_fault(file.folder)


def _rows_without_portable_name(files: "FileColumns") -> Iterable[int]:
    folders = files.folders(1)
    faulty = {folder for folder in {*folders} if _folder_fault(folder)}
    places = zip(files.names, folders, strict=True)
    return [row for row, (name, folder) in enumerate(places) if folder in faulty or not _PORTABLE.fullmatch(name)]


@lru_cache
def _folder_fault(folder: str) -> str | None:
    return windows_fault(folder)


def _names_agree(file: PageFile) -> bool:
    """Return whether no rule about templates can report anything. All of them share this test."""
    return names_agree(file.page.layout)(file)


def _has_title_copies(profile: Profile) -> bool:
    return any(layout.title_copies for layout in layouts_of(profile))


def _has_file_names(profile: Profile) -> bool:
    return any(sources(layout.file_name) for layout in layouts_of(profile))


def _has_key_template(profile: Profile) -> bool:
    return any(key_template(layout) for layout in layouts_of(profile))


def _has_folders(profile: Profile) -> bool:
    return any(_folder_is_told(layout) for layout in layouts_of(profile))


def _folder_is_told(layout: Layout) -> bool:
    references = layout.folder.references
    return bool(layout.folder.source) and (not references or bool(sources(layout.folder)))


def _has_other_templates(profile: Profile) -> bool:
    return any(other_templates(layout) for layout in layouts_of(profile))


def _differing_title(site: "ExampleSite") -> Example:
    path = site.layout.title_copies[-1]
    return site.change({path: str(site.page.values[path]).replace("What is", "What's", 1)})


@rule(
    "QT301",
    "title-mismatch",
    Severity.ERROR,
    bad=_differing_title,
    good=lambda site: site.with_question("What  is osmosis?"),
    fix="unsafe",
    skip_if=_names_agree,
    may_break=rows_with_other_names,
    applies=_has_title_copies,
)
def title_mismatch(file: PageFile) -> Iterator[Finding]:
    """{titles} differ.

    Why it is bad: the list, the page and the search result show different questions.
    Fix: decide which one is correct, and copy it to {other_titles}. If the file's name derives from `{question}`,
    `--fix --unsafe` copies `{question}`. This is unsafe because another one may be better.
    """
    page = file.page
    question = page.layout.roles.question
    title = page.text_of(question)
    for path in page.layout.title_copies:
        other = page.text_of(path)
        if title and other and other != title:
            named_by_title = file.name == fill_template(file, page.layout.file_name)
            changes = {path: title}
            fix = change_fields(page, f"copy `{question}`", changes, safe=False) if named_by_title else None
            yield Finding(f"`{path}` differs from `{question}`; both must be the question", page.span(path), path, fix)


def _wrong_file_name(site: "ExampleSite") -> Example:
    path = site.layout.file_name_field
    if path is None:
        return Example(path=site.path.removesuffix(".md") + "-2.md")
    name = str(site.page.values[path])
    return site.change({path: name.replace("what-is", "what-was") if "what-is" in name else f"x{name}"})


@rule(
    "QT302",
    "file-name-mismatch",
    Severity.ERROR,
    bad=_wrong_file_name,
    fix="safe",
    skip_if=_names_agree,
    may_break=rows_with_other_names,
    applies=_has_file_names,
)
def file_name_mismatch(file: PageFile) -> Iterator[Finding]:
    """{file_names} {file_names_are} not {file_name_form}.

    Why it is bad: the editor saves the page under one name, but links and the {key} use another.
    Fix: use {file_name_formula} for both. A slug keeps {slug_keeps}, and replaces spaces with
    {slug_space}.
    If the file already has that name, `--fix` writes `{file_name}`, which is safe. It does not rename files.
    """
    page, layout = file.page, file.page.layout
    field, question = layout.file_name_field, layout.roles.question
    expected = fill_template(file, layout.file_name)
    if expected is None or not sources(layout.file_name):
        return
    about = field or question
    span, name = page.span(about), page.text_of(field) if field else None
    if field and name and name != expected:
        fix = change_fields(page, f"write `{expected}`", {field: expected}) if file.name == expected else None
        message = f"`{field}` must be `{expected}`, {_origin(layout.file_name, layout)}"
        yield Finding(message, span, field, fix)
    elif file.name != expected:
        origin = _origin(layout.file_name, layout)
        message = f"the file is named `{file.name}`; rename it to `{expected}`, {origin}"
        yield Finding(message, span, about)


def _origin(template: Template, layout: Layout) -> str:
    """Return a phrase with the fields that a name depends on."""
    paths = sources(template)
    is_slug = [reference.filters for reference in template.references] == [("slug",)]
    return f"the slug of `{paths[0]}`" if is_slug and paths == [layout.roles.question] else f"from {listed(paths)}"


def _wrong_key(site: "ExampleSite") -> Example:
    return site.change({site.layout.roles.key or "": "/x"})


@rule(
    "QT303",
    "url-mismatch",
    Severity.ERROR,
    bad=_wrong_key,
    fix="unsafe",
    skip_if=_names_agree,
    may_break=rows_with_other_names,
    applies=_has_key_template,
)
def url_mismatch(file: PageFile) -> Iterator[Finding]:
    """`{key}` is not {key_form}.

    Why it is bad: a page is identified by its {key}. Links, the sitemap and search engines expect another one.
    Fix: write the {key} that the message shows. `--fix --unsafe` writes it. This is unsafe because other pages may link
    to the current {key}.
    """
    key = file.page.layout.roles.key
    if key:
        yield from _mismatches(file, key, safe=False)


def _mismatches(file: PageFile, path: str, *, safe: bool) -> Iterator[Finding]:
    """Yield the finding of a field that does not match its template."""
    page = file.page
    template, actual = page.layout.templates.get(path), page.text_of(path)
    expected = fill_template(file, template) if template and actual else None
    if template and expected is not None and actual != expected:
        fix = change_fields(page, f"write `{expected}`", {path: expected}, safe=safe)
        origin = f", from {listed(paths)}" if (paths := sources(template)) else ""
        yield Finding(f"`{path}` must be `{expected}`{origin}", page.span(path), path, fix)


def _wrong_folder(site: "ExampleSite") -> Example:
    folder, _, name = site.path.rpartition("/")
    return Example(path=f"{folder.rpartition('/')[0]}/physics/{name}".removeprefix("/"))


@rule(
    "QT304",
    "wrong-folder",
    Severity.ERROR,
    bad=_wrong_folder,
    skip_if=_names_agree,
    may_break=rows_with_other_names,
    applies=_has_folders,
)
def wrong_folder(file: PageFile) -> Iterator[Finding]:
    """The file is not in the folder of its {folder_of}.

    Why it is bad: the site builds the page under the path of the folder, not under its `{key}`.
    Fix: move the file to the folder whose name is {folder_name}.
    """
    layout = file.page.layout
    expected = fill_template(file, layout.folder) if _folder_is_told(layout) else None
    actual = last_folders(file, folder_depth(layout))
    if expected and actual != expected:
        paths = sources(layout.folder)
        about = paths[0] if paths else layout.roles.question
        owner = f"its {listed(paths)} belongs" if paths else "pages belong"
        message = f"the file is in folder `{actual}`; {owner} in folder `{expected}`"
        yield Finding(message, file.page.span(about), about)


def _wrong_template(site: "ExampleSite") -> Example:
    path = other_templates(site.layout)[0]
    actual, first = str(site.page.values[path]), site.layout.templates[path].parts[0]
    without = actual.removeprefix(first) if isinstance(first, str) else actual
    return site.change({path: without if without not in ("", actual) else f"x{actual}"})


@rule(
    "QT305",
    "seo-title-mismatch",
    Severity.ERROR,
    bad=_wrong_template,
    fix="safe",
    skip_if=_names_agree,
    may_break=rows_with_other_names,
    applies=_has_other_templates,
)
def seo_title_mismatch(file: PageFile) -> Iterator[Finding]:
    """{other_forms}.

    Why it is bad: search results show the page under the wrong heading.
    Fix: write the title that the message shows. `--fix` writes it. This is safe because it follows from {origins}.
    """
    for path in other_templates(file.page.layout):
        yield from _mismatches(file, path, safe=True)


def _device_name(site: "ExampleSite") -> Example:
    folder = site.path.rpartition("/")[0]
    changed = site.replace("hat is osmosis", "on")
    return Example(text=changed.text, path=f"{folder}/con.md".removeprefix("/"))


@rule(
    "QT306",
    "reserved-name",
    Severity.ERROR,
    bad=_device_name,
    skip_if=_has_portable_name,
    may_break=_rows_without_portable_name,
)
def reserved_name(file: PageFile) -> Iterator[Finding]:
    """The file or its folder has a name that is impossible on Windows.

    These are the names of devices (`con`, `prn`, `aux`, `nul`, `com1` to `com9`, `lpt1` to `lpt9`) with any extension,
    names with one of the characters `< > : " | ? * \\`, and names that end in a dot or a space.

    Why it is bad: Git on Windows refuses to check out a branch with such a file. So one page keeps everybody on Windows
    from working on the site. Therefore it is an error.
    Fix: reword the question, because the file's name derives from it, and rename the file. No automatic fix: only a
    person can choose other words. `qtgen generate` never writes such a file.
    """
    about = file.page.layout.file_name_field or file.page.layout.roles.question
    for what, name in (("the file", file.name), ("its folder", file.folder)):
        if fault := windows_fault(name):
            message = f"{what} is named `{name}`, which {fault}, so it cannot exist on Windows; choose another name"
            yield Finding(message, file.page.span(about), about)
