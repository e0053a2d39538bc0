"""The path of the page with a key: the template of the key, read backwards."""

import re

from qtgen.page.layout import Layout
from qtgen.page.template import Reference, Template


def path_of_key(key: str, layout: Layout) -> str | None:
    """Return the path of the page with a key, below the root of the site, or None if the key does not determine it."""
    template = layout.templates.get(layout.roles.key or "")
    found = _references_of(key, template) if template else None
    if found is None:
        return None
    parts = [part if isinstance(part, str) else found.get(part) for part in layout.path_template.parts]
    return None if None in parts else "".join(part or "" for part in parts)


def _references_of(text: str, template: Template) -> dict[Reference, str] | None:
    """Return the values of the references of a template in a text, or None if they are ambiguous or do not fit."""
    found = [re.fullmatch(_pattern(template, repeat), text) for repeat in ("+", "+?")]
    if None in found or len({match.groups() for match in found if match}) > 1:
        return None
    return dict(zip(dict.fromkeys(template.references), found[0].groups() if found[0] else (), strict=True))


def _pattern(template: Template, repeat: str) -> str:
    names: dict[Reference, str] = {}
    pattern = ""
    for part in template.parts:
        if isinstance(part, str):
            pattern += re.escape(part)
        elif part in names:
            pattern += f"(?P={names[part]})"
        else:
            names[part] = f"r{len(names)}"
            pattern += f"(?P<{names[part]}>[^/]{repeat})"
    return pattern
