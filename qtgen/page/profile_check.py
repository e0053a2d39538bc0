"""Check what the types of a `site.toml` cannot check: references to fields, templates, patterns and constants."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from qtgen.errors import SettingsError
from qtgen.page.profile import BODY_FIELD, FieldSpec, Kind, LayoutSpec, Profile, Roles, Scalar
from qtgen.page.profile_errors import Place, profile_error, suggestion
from qtgen.page.template import FILE_FIELDS, Template, parse_template, slugger

_NAMES = {
    Kind.TEXT: "a text",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.BOOL: "true or false",
    Kind.DATE: "a date, YYYY-MM-DD",
    Kind.DATETIME: "a date and time",
    Kind.LIST: "a list",
    Kind.MAP: "a map",
}


def check_profile(profile: Profile) -> None:
    """Raise SettingsError for the first fault of a profile, with the file and the line."""
    try:
        slugger(profile.file.slug)
    except ValueError as error:
        raise profile_error(profile.raw, profile.path, ("slug", "keep"), str(error)) from None
    _check_prompts(profile)
    for number, layout in enumerate(profile.file.layout):
        _LayoutCheck(profile, layout, ("layout", number)).run()
    _check_links(profile)


def _check_prompts(profile: Profile) -> None:
    prompts = profile.file.generate.prompts
    if prompts is not None and _leaves_the_folder(prompts):
        place: Place = ("generate", "prompts")
        raise profile_error(
            profile.raw, profile.path, place, "is outside the folder of site.toml", "move it into this folder"
        )


def _leaves_the_folder(path: str) -> bool:
    pure = PurePosixPath(path.replace("\\", "/"))
    return pure.is_absolute() or ".." in pure.parts or pure.drive != ""


def _check_links(profile: Profile) -> None:
    links = profile.file.links
    if links is None:
        return
    place: Place = ("links", "field")
    fields = {spec.key: spec for layout in profile.file.layout for spec in layout.fields}
    if links.field not in fields:
        remedy = suggestion(links.field, [*fields]) or "write the key of the field with the links"
        raise profile_error(profile.raw, profile.path, place, f"no layout has the field `{links.field}`", remedy)
    spec = fields[links.field]
    if not any(layout.roles.key for layout in profile.file.layout):
        roles: Place = ("layout", 0, "roles")
        remedy = 'add key="…" with the field that links contain'
        raise profile_error(profile.raw, profile.path, roles, "has no role `key`, which links need", remedy)
    if spec.ref is None and not any(inner.ref for inner in spec.fields):
        remedy = 'add ref="…" to the field that identifies the target page'
        raise profile_error(profile.raw, profile.path, place, f"`{links.field}` has no `ref`", remedy)
    if spec.repeat is not None and links.max > spec.repeat:
        remedy = f"write max = {spec.repeat} or raise `repeat`"
        message = f"is more than the {spec.repeat} maps of `{links.field}`"
        raise profile_error(profile.raw, profile.path, ("links", "max"), message, remedy)


class _LayoutCheck:
    """The check of one layout."""

    def __init__(self, profile: Profile, layout: LayoutSpec, place: Place) -> None:
        self._profile, self._layout, self._place = profile, layout, place
        self._specs: dict[str, tuple[FieldSpec, Place]] = {}

    def run(self) -> None:
        """Raise SettingsError for the first fault."""
        self._collect(self._layout.fields, "", (*self._place, "fields"))
        for path, (spec, place) in self._specs.items():
            self._check_field(path, spec, place)
        self._check_roles()
        self._check_path()
        self._check_conditions(self._layout.when, (*self._place, "when"))
        self._check_cycles()

    def _fail(self, place: Place, message: str, remedy: str | None = None) -> SettingsError:
        return profile_error(self._profile.raw, self._profile.path, place, message, remedy)

    @property
    def _paths(self) -> list[str]:
        """The fields that a template or a condition can refer to."""
        own = [path for path, (spec, _) in self._specs.items() if spec.type is not Kind.MAP]
        return [*own, BODY_FIELD] if not isinstance(self._layout.body, str) else own

    def _collect(self, specs: tuple[FieldSpec, ...], parent: str, place: Place) -> None:
        for number, spec in enumerate(specs):
            here = (*place, number)
            if "." in spec.key or not spec.key.strip():
                raise self._fail((*here, "key"), "a key cannot be blank or contain a dot", f"rename `{spec.key}`")
            path = f"{parent}{spec.key}"
            if path in self._specs:
                raise self._fail((*here, "key"), f"`{path}` is defined twice", "remove one of them")
            if path == BODY_FIELD and not isinstance(self._layout.body, str):
                message = "`body` is the name of the text after the front matter"
                raise self._fail((*here, "key"), message, 'write body = "" in the layout if that text is empty')
            self._specs[path] = spec, here
            if spec.type is Kind.MAP:
                if not spec.fields:
                    raise self._fail(here, f"the map `{path}` has no `fields`", "add its keys")
                self._collect(spec.fields, f"{path}.", (*here, "fields"))

    def _check_field(self, path: str, spec: FieldSpec, place: Place) -> None:
        if Kind.MAP in spec.kinds and len(spec.kinds) > 1:
            raise self._fail((*place, "type"), "a map cannot be one of several types", "remove the other types")
        if spec.fields and spec.type not in (Kind.MAP, Kind.LIST):
            raise self._fail((*place, "fields"), f"`{path}` is no map", 'add type="map" or type="list"')
        if spec.repeat and spec.type is not Kind.MAP:
            raise self._fail((*place, "repeat"), f"`{path}` is no map", 'add type="map"')
        for key in ("const", "default"):
            self._check_type(getattr(spec, key), spec, (*place, key))
        for key in ("enum", "allow"):
            items = () if spec.type is Kind.LIST else getattr(spec, key) or ()
            for number, value in enumerate(items):
                self._check_type(value, spec, (*place, key, number))
        self._check_pattern(spec, (*place, "pattern"))
        if spec.value is not None:
            self._check_template(spec.value, (*place, "value"))
        if spec.group is not None and spec.source != "model":
            raise self._fail((*place, "group"), "only fields that a model writes have a group", 'add source="model"')
        self._check_names(spec, place)

    def _check_names(self, spec: FieldSpec, place: Place) -> None:
        """Check the fields that `copy`, `ref` and the conditions name. A link can name a field of another layout."""
        every = {path for layout in self._profile.file.layout for path in _paths_of(layout.fields)}
        for key in ("copy", "ref"):
            name = getattr(spec, key)
            if name is not None and name not in every:
                raise self._fail((*place, key), f"unknown field `{name}`", suggestion(name, sorted(every)))
        for number, inner in enumerate(spec.fields if spec.type is Kind.LIST else ()):
            self._check_names(inner, (*place, "fields", number))
        for key in ("required_when", "only_when"):
            self._check_conditions(getattr(spec, key) or {}, (*place, key))

    def _check_type(self, value: Scalar | tuple[Scalar, ...] | None, spec: FieldSpec, place: Place) -> None:
        if value is not None and not any(_has_type(value, kind) for kind in spec.kinds):
            expected = " or ".join(_NAMES[kind] for kind in spec.kinds)
            raise self._fail(place, f"must be {expected}, the type of `{spec.key}`, not {value!r}")

    def _check_pattern(self, spec: FieldSpec, place: Place) -> None:
        if spec.pattern is None:
            return
        import re2

        options = re2.Options()
        options.log_errors = False
        try:
            re2.compile(spec.pattern, options)
        except re2.error as error:
            detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            raise self._fail(place, f"RE2 cannot compile `{spec.pattern}`: {detail}", "correct the pattern") from None

    def _check_template(self, source: str, place: Place) -> Template:
        try:
            template = parse_template(source)
        except ValueError as error:
            raise self._fail(place, str(error), "a reference is `{field}` or `{field|slug}`") from None
        for reference in template.references:
            if reference.path not in FILE_FIELDS and reference.path not in self._paths:
                known = [*self._paths, *sorted(FILE_FIELDS)]
                remedy = suggestion(reference.path, known) or f"the fields are {', '.join(known)}"
                raise self._fail(place, f"unknown field `{reference.path}`", remedy)
        return template

    def _check_conditions(self, conditions: Mapping[str, Scalar], place: Place) -> None:
        for path, value in conditions.items():
            if path not in self._paths:
                remedy = suggestion(path, self._paths) or f"the fields are {', '.join(self._paths)}"
                raise self._fail((*place, path), f"unknown field `{path}`", remedy)
            if path in self._specs:
                self._check_type(value, self._specs[path][0], (*place, path))

    def _check_roles(self) -> None:
        roles, place = self._layout.roles, (*self._place, "roles")
        for role in Roles.__struct_fields__:
            path = getattr(roles, role)
            if path is not None and path not in self._paths:
                remedy = suggestion(path, self._paths) or f"the fields are {', '.join(self._paths)}"
                raise self._fail((*place, role), f"unknown field `{path}`", remedy)
        if roles.id and Kind.INT not in self._specs[roles.id][0].kinds:
            raise self._fail((*place, "id"), f"`{roles.id}` is not a whole number", f'add type="int" to `{roles.id}`')

    def _check_path(self) -> None:
        place = (*self._place, "path")
        if _leaves_the_folder(self._layout.path):
            raise self._fail(place, "is outside the folder of site.toml", "write a path relative to this folder")
        template = self._check_template(self._layout.path, place)
        if not self._layout.path.endswith(".md"):
            raise self._fail(place, "does not end in .md", "pages are Markdown files")
        for reference in template.references:
            if reference.path not in FILE_FIELDS and "slug" not in reference.filters:
                spec = self._specs.get(reference.path)
                if spec is None or (spec[0].type is Kind.TEXT and not (spec[0].enum or spec[0].pattern)):
                    raise self._fail(
                        place, f"`{{{reference.path}}}` can contain any character", f"write {{{reference.path}|slug}}"
                    )

    def _check_cycles(self) -> None:
        """Raise SettingsError if a field depends on itself."""
        templates = {path: parse_template(spec.value) for path, (spec, _) in self._specs.items() if spec.value}
        for start in templates:
            trail, open_paths = [start], [*_names(templates[start])]
            while open_paths:
                path = open_paths.pop()
                if path == start:
                    message = f"`{start}` depends on itself ({' -> '.join([*trail, start])})"
                    raise self._fail((*self._specs[start][1], "value"), message, "remove one of the templates")
                if path in templates and path not in trail:
                    trail.append(path)
                    open_paths += _names(templates[path])


def _names(template: Template) -> list[str]:
    return [reference.path for reference in template.references]


def _paths_of(specs: tuple[FieldSpec, ...], parent: str = "") -> Iterator[str]:
    for spec in specs:
        yield f"{parent}{spec.key}"
        yield from _paths_of(spec.fields, f"{parent}{spec.key}.")


def _has_type(value: Any, kind: Kind) -> bool:
    match kind:
        case Kind.BOOL:
            return isinstance(value, bool)
        case Kind.INT:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.DATE | Kind.DATETIME:
            return isinstance(value, str) and _is_iso(value, kind)
        case Kind.TEXT:
            return isinstance(value, str)
        case _:
            return kind is Kind.LIST and isinstance(value, tuple)


def _is_iso(text: str, kind: Kind) -> bool:
    try:
        dt.date.fromisoformat(text) if kind is Kind.DATE else dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
