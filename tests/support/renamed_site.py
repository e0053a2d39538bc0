"""The default site under other names: every key, constant and URL part is renamed, and nothing else.

A finding about a renamed page must be the renamed finding about the page. Whatever differs is a name that is still
written into the code.

Keys are renamed letter by letter, so that an unknown key is as similar to the renamed keys as it was to the keys. New
names have the length of the old ones, so that no position changes. Every renaming is its own inverse.
"""

import datetime as dt
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

KEYS = [
    "_schema",
    "id",
    "date",
    "title",
    "article_title",
    "date_format",
    "post_on_text",
    "seo",
    "page_description",
    "page_keywords",
    "author",
    "question",
    "no_index",
    "answer",
    "subject",
    "file_name",
    "url",
    "score",
    "related_article",
]
"""The keys of the default site, without the numbers of related articles."""
HIDDEN = "noIndex"
"""The key that the site's renderer reads instead of `no_index`."""
_PAIRS = ["ae", "iu", "bp", "dt", "gk", "cz", "fv", "lr", "mn", "hw", "sx", "jq"]
_CONSTANTS = {
    "_schema": ("default", "regular"),
    "date_format": ("MMM DD, YYYY", "DD MMM, YYYY"),
    "post_on_text": ("Posted on", "Issued at"),
    "author": ("QuickTakes", "Lanternway"),
}
_BRAND, _TITLE = _CONSTANTS["author"], "{} | "
_URL, _OTHER_URL = ("/learn/", "/questions/"), ("/study/", "/inquiries/")

_LETTERS = {pair[at]: pair[1 - at] for pair in _PAIRS for at in (0, 1)}
_CIPHER = str.maketrans({**_LETTERS, **{a.upper(): b.upper() for a, b in _LETTERS.items()}})
_SWAPS: dict[str, str] = {}
for _old, _new in (*_CONSTANTS.values(), *zip(_URL, _OTHER_URL, strict=True)):
    _SWAPS |= {_old: _new, _new: _old}

_KEY_LINE = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_][\w-]*):(?P<value>(?: .*)?)", re.ASCII | re.DOTALL)
_ANY_URL = re.compile(r"(/learn/|/study/)([^/\s`]*)(/questions/|/inquiries/)")
_URL_TEMPLATE = re.compile(r"^(/learn/|/study/)(.*)(/questions/|/inquiries/)")
_SPAN = re.compile(r"`([^`]*)`")
_HOLE = re.compile(r"\{(\w+)(?=[|.}])")


def rename_key(path: str) -> str:
    """Return a key or a dotted path with other letters."""
    return path.translate(_CIPHER)


_NAMES = {name for key in (*KEYS, HIDDEN) for name in (key, rename_key(key))}


def is_name(path: str) -> bool:
    """Return True for a known key, old or new, and for a dotted path of such keys."""
    return all(part.rstrip("0123456789") in _NAMES for part in path.split("."))


def rename_url(text: str) -> str:
    """Return a text with every URL of a page renamed."""
    return _ANY_URL.sub(lambda match: _SWAPS[match[1]] + match[2] + _SWAPS[match[3]], text)


def rename_value(key: str, value: str, *, nested: bool) -> str:
    """Return the value of a key, old or new: a constant or a URL is renamed, other values stay."""
    old = key if key in KEYS else rename_key(key)
    if old == "url":
        return rename_url(value) if _ANY_URL.match(value) else value
    if old == "title" and nested:
        return _rename_brand(value)
    return _SWAPS[value] if not nested and value in _CONSTANTS.get(old, ()) else value


def _rename_brand(text: str) -> str:
    """Return a title for search engines with the other brand."""
    for brand in _BRAND:
        if text.startswith(_TITLE.format(brand)):
            return _SWAPS[brand] + text.removeprefix(brand)
    return text


def rename_lines(text: str) -> str:
    """Return lines of front matter with keys, constants and URLs renamed. Texts below a key stay."""
    lines = text.split("\n")
    renamed = []
    column, key = -1, ""  # of the key whose text may go on in the lines below
    for number, line in enumerate(lines):
        content = line.lstrip(" ")
        if column >= 0 and (not content or len(line) - len(content) > column):
            renamed.append(_rename_content(key, line, nested=column > 0))
            continue
        column = -1
        if match := _KEY_LINE.fullmatch(line):
            indent, key, value = match["indent"], match["key"], match["value"]
            column = len(indent) if value.strip() else -1
            if not _goes_on(lines[number + 1 : number + 2], column):
                value = _rename_content(key, value, nested=bool(indent))
            line = f"{indent}{rename_key(key)}:{value}"
        renamed.append(line)
    return "\n".join(renamed)


def _goes_on(next_lines: Sequence[str], column: int) -> bool:
    """Return True if a value goes on in the next line, so that it is more than the rest of its own line."""
    return any(line.strip() and column >= 0 and line[: column + 1].isspace() for line in next_lines)


def _rename_content(key: str, text: str, *, nested: bool) -> str:
    """Return a value with the spaces and quotation marks around it."""
    value = text.strip().strip("'\"")
    renamed = rename_value(key, value, nested=nested)
    return text if renamed == value else text.replace(value, renamed)


def rename_page(raw: bytes) -> bytes:
    """Return the page of the renamed site. A file without front matter stays as it is."""
    text = raw.decode("latin-1")  # every byte is a character, so that broken text survives
    match = re.match(r"(?:ï»¿)?---\r?\n", text)
    if match is None:
        return raw
    end = re.compile(r"^---\r?$", re.MULTILINE).search(text, match.end())
    close = end.start() if end else len(text)
    return (text[: match.end()] + rename_lines(text[match.end() : close]) + text[close:]).encode("latin-1")


def rename_text(text: str, *names: str) -> str:
    """Return a message with names in code spans, constants and URLs renamed.

    Args:
        names: Names that are renamed beside the known ones.
    """

    def rename_span(match: re.Match[str]) -> str:
        span = match[1]
        if span in names or is_name(span):
            return f"`{rename_key(span)}`"
        return f"`{_rename_brand(_SWAPS.get(span, span))}`"

    return rename_url(_SPAN.sub(rename_span, text))


def rename_diagnostic(diagnostic: Mapping[str, Any]) -> dict[str, Any]:
    """Return a diagnostic, as `qtgen validate --format json` prints it, about the renamed page."""
    field = diagnostic["field"]
    names = [field, field.rpartition(".")[2]] if field else []
    fix = diagnostic["fix"]
    return {
        **diagnostic,
        "message": rename_text(diagnostic["message"], *names),
        "field": field and rename_key(field),
        "fix": fix
        and {
            **fix,
            "description": _rename_copied(rename_text(fix["description"], *names)),
            "edits": [{**edit, "text": _rename_edit(field or "", edit)} for edit in fix["edits"]],
        },
    }


def _rename_copied(description: str) -> str:
    """Return the description of a fix with the fields renamed that it copies from the target of a link."""
    copied = re.compile(r"(?<=^copy the target's ).*(?= to `)")
    name = re.compile(r"\b(?!and\b)\w+")
    return copied.sub(lambda fields: name.sub(lambda match: rename_key(match[0]), fields[0]), description)


def _rename_edit(field: str, edit: Mapping[str, Any]) -> str:
    text: str = edit["text"]
    if edit["column"] == 1 and text.endswith("\n"):
        return rename_lines(text)
    if is_name(text):
        return rename_key(text)
    return rename_value(field.rpartition(".")[2], text, nested="." in field)


# --- site.toml --------------------------------------------------------------------------------------------------------

_ONE_NAME = {"key", "copy", "ref", "was"}
_TABLES_OF_NAMES = {"roles", "reads"}
_TABLES_BY_NAME = {"required_when", "only_when", "when"}


def rename_site_toml(text: str) -> str:
    """Return the renamed site's `site.toml`, from that of the default site."""
    site = tomllib.loads(text)
    renamed: dict[str, Any] = {**site, "layout": [_rename_table(layout) for layout in site["layout"]]}
    renamed["name"] = _SWAPS[site["name"]]
    if "links" in site:
        renamed["links"] = {**site["links"], "field": rename_key(site["links"]["field"])}
    if "renderer" in site:
        renamed["renderer"] = _rename_table(site["renderer"])
    return "".join(f"{key} = {_toml(value)}\n" for key, value in renamed.items())


def _rename_table(table: Mapping[str, Any]) -> dict[str, Any]:
    key = table.get("key", "")
    return {name: _rename_entry(key, name, value) for name, value in table.items()}


def _rename_entry(key: str, name: str, value: Any) -> Any:
    if name in _TABLES_OF_NAMES:
        return {role: rename_key(of) for role, of in value.items()}
    if name in _TABLES_BY_NAME:
        return {rename_key(of): expected for of, expected in value.items()}
    if name == "fields":
        return [_rename_table(field) for field in value]
    rename = _TEXTS.get(name) if isinstance(value, str) else None
    if rename is None:
        return rename_key(value) if name in _ONE_NAME else value
    return rename(key, value)


def _rename_template(_: str, template: str) -> str:
    template = _URL_TEMPLATE.sub(lambda match: _SWAPS[match[1]] + match[2] + _SWAPS[match[3]], template)
    template = _HOLE.sub(lambda match: "{" + _rename_hole(match[1]), template)
    return _rename_brand(template)


def _rename_hole(name: str) -> str:
    return name if name == "file" else rename_key(name)


def _rename_constant(key: str, value: str) -> str:
    return rename_value(key, value, nested=False)


_TEXTS: dict[str, Callable[[str, str], str]] = {
    "const": _rename_constant,
    "example": _rename_constant,
    "value": _rename_template,
    "path": _rename_template,
    "doc": lambda _, text: rename_text(text),
}
"""How the texts in a table are renamed, by the key of the text: the function gets the field's key and the text."""


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return value.isoformat() if isinstance(value, dt.date) else json.dumps(value, ensure_ascii=False)
