"""Check that the paths of pages stay in the folder of `site.toml`, and that Windows can have them."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath

from qtgen.page.naming import windows_fault
from qtgen.page.site_file import FieldSpec, Kind, Slug
from qtgen.page.template import FILE_FIELDS, Reference, Template, kept_characters

_UNSAFE = '/\\<>:"|?*' + "".join(map(chr, range(32)))
"""The characters that separate folders, or that no name of a file on Windows can contain."""
_PATTERN_PART = re.compile(
    r"\\Q.*?(?:\\E|$)"  # a literal
    r"|\(\?(?:P?<\w*>|[a-zA-Z-]*[:)])"  # the start of a group
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"  # a class
    r"|\{\d*,?\d*\}"
    r"|\\[pP](?:\{[^}]*\}|.)|\\x(?:\{[0-9a-fA-F]*\}|[0-9a-fA-F]{2})|\\[0-7]{1,3}|\\."
    r"|[^()|*+?^$]",
    re.DOTALL,
)
_NOT_IN_SLUGS = _UNSAFE + "."


def leaves_the_folder(path: str) -> bool:
    """Return whether a path from the folder of the file leads out of it."""
    pure = PurePosixPath(path.replace("\\", "/"))
    return pure.is_absolute() or ".." in pure.parts


def slug_fault(slug: Slug) -> tuple[str, str, str] | None:
    """Return the key of the first setting with which a slug is no safe name, what is wrong, and the remedy, or None."""
    try:
        kept = re.compile(f"[{kept_characters(slug.keep)}]")
    except ValueError as error:
        return "keep", str(error), 'write the characters and ranges that stay, such as "a-z0-9 -"'
    for key, found in (
        ("keep", (char for char in _NOT_IN_SLUGS if kept.match(char))),
        ("space", (char for char in _NOT_IN_SLUGS if char in slug.space)),
    ):
        if char := next(found, None):
            shown = f"`{char}`" if char.isprintable() else repr(char)
            return key, f"contains {shown}, which no part of a file name can have", "remove it from the setting"
    return None


def path_fault(template: Template, specs: Mapping[str, FieldSpec]) -> tuple[str, str] | None:
    """Return why the template of the path of a page can give unsafe paths, and the remedy, or None if it cannot.

    Args:
        template: The template.
        specs: The fields that it can name. A reference to any other one is to the text after the front matter.
    """
    if leaves_the_folder(template.source):
        return "is outside the folder of site.toml", "write a path relative to this folder"
    if not template.source.endswith(".md"):
        return "does not end in .md", "pages are Markdown files"
    fault = literal_fault(template.source)
    if fault is None:
        references = (ref for ref in template.references if ref.path not in FILE_FIELDS and "slug" not in ref.filters)
        fault = next((found for ref in references if (found := _value_fault(template, ref, specs.get(ref.path)))), None)
    return fault


def literal_fault(source: str) -> tuple[str, str] | None:
    """Return what is wrong with the literals of the template."""
    for name in re.sub(r"\{[^{}]*\}", "x", source).split("/"):
        if not name:
            return "has a folder without a name", "remove a slash"
        if fault := _name_fault(name):
            return f"`{name}` {fault}", "use names that files have on every system"
    return None


def _name_fault(name: str) -> str | None:
    if name in ("", ".", ".."):
        return "is no name of a folder"
    return "contains `/`" if "/" in name else windows_fault(name)


def _value_fault(template: Template, reference: Reference, spec: FieldSpec | None) -> tuple[str, str] | None:
    """Return why a field without `slug` can give an unsafe path."""
    path = reference.path
    remedy = f"write {{{path}|slug}}"
    choices = None if spec is None else spec.enum if spec.const is None else (spec.const,)
    if choices is not None:
        for value in choices:
            for name in _names_with(template, reference, str(value)):
                if fault := _name_fault(name):
                    return f"`{{{path}}}` can be `{value}`, and `{name}` {fault}", remedy
        return None
    if spec is None or (Kind.TEXT in spec.kinds and spec.pattern is None):
        return f"`{{{path}}}` can contain any character", remedy
    if Kind.DATETIME in spec.kinds:
        return f"`{{{path}}}` contains `:`, which no name of a file on Windows can have", remedy
    if Kind.TEXT in spec.kinds and spec.pattern is not None and (char := unsafe_character(spec.pattern)):
        return f"the pattern of `{path}` allows `{char}` in a file name", f"{remedy}, or exclude it in the pattern"
    return None


def _names_with(template: Template, reference: Reference, value: str) -> Iterator[str]:
    """Yield the names in the path that contain the value of a reference."""
    for name in _marked(template, reference).split("/"):
        if "\0" in name:
            yield name.replace("\0", value)


def _marked(template: Template, reference: Reference) -> str:
    return "".join(part if isinstance(part, str) else "\0" if part == reference else "x" for part in template.parts)


@cache
def unsafe_character(pattern: str) -> str | None:
    """Return a character that is unsafe in a file name and that a part of a pattern of RE2 matches, or None.

    `..` counts as unsafe if the whole pattern matches it.
    """
    import re2

    if next((dots for dots in (".", "..") if re2.fullmatch(pattern, dots)), None):
        return ".."
    for match in _PATTERN_PART.finditer(pattern):
        part = match[0]
        if part.startswith(("(", "{")):
            continue
        try:
            compiled = re2.compile(part)
        except re2.error:
            return part  # whatever it matches
        for char in _UNSAFE:
            is_literal = part.startswith("\\Q") and char in part[2:].removesuffix("\\E")
            if is_literal or compiled.fullmatch(char):
                return char if char.isprintable() else repr(char)[1:-1]
    return None
