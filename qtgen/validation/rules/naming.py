"""The names of a page that depend on its other fields, and their descriptions in the documentation of the rules."""

from qtgen._util.text import enumeration
from qtgen.page.layout import Layout
from qtgen.page.template import Template
from qtgen.validation.rules.derived import describe_template, sources
from qtgen.validation.rules.placeholders import PLACEHOLDERS, listed


def other_templates(layout: Layout) -> list[str]:
    """Return the fields with a template that is neither a copy of the title, nor the file's name, nor the key."""
    excluded = {*layout.title_copies, layout.file_name_field, layout.roles.key}
    return [path for path in layout.templates if path not in excluded]


def key_template(layout: Layout) -> Template | None:
    return layout.templates.get(layout.roles.key or "")


_OWN = "the file's own name"
_KEPT = {
    "a-z0-9 ": "letters from a to z and digits",
    "a-z0-9 -": "letters from a to z, digits and hyphens",
}


def _formula(template: Template) -> str:
    """Return a template as a sum: `slug(a)` + `.md`."""
    parts = []
    for part in template.parts:
        text = part if isinstance(part, str) else part.path
        for name in () if isinstance(part, str) else part.filters:
            text = f"{name}({text})"
        parts.append(f"`{text}`")
    return " + ".join(parts)


PLACEHOLDERS |= {
    "titles": lambda layout: listed([layout.roles.question, *layout.title_copies]),
    "other_titles": lambda layout: "the other two" if len(layout.title_copies) == 2 else "the others",
    "file_names": lambda layout: enumeration([f"`{layout.file_name_field}`"] * bool(layout.file_name_field) + [_OWN]),
    "file_names_are": lambda layout: "are" if layout.file_name_field else "is",
    "file_name_formula": lambda layout: _formula(layout.file_name),
    "slug_keeps": lambda layout: _KEPT.get(layout.profile.file.slug.keep, f"`{layout.profile.file.slug.keep}`"),
    "slug_space": lambda layout: "hyphens" if (space := layout.profile.file.slug.space) == "-" else f"`{space}`",
    "folder_of": lambda layout: enumeration(sources(layout.folder)) if sources(layout.folder) else "layout",
    "folder_name": lambda layout: describe_template(layout.folder).replace("of the", "of its", 1),
    "file_name_form": lambda layout: describe_template(layout.file_name),
    "key_form": lambda layout: describe_template(template) if (template := key_template(layout)) else "its template",
    "other_forms": lambda layout: ", or ".join(
        f"`{path}` is not {describe_template(layout.templates[path])}" for path in other_templates(layout)
    ),
    "origins": lambda layout: listed(
        dict.fromkeys(source for path in other_templates(layout) for source in sources(layout.templates[path]))
    ),
}
