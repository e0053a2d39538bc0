"""Check what the types of a `site.toml` cannot check: references to fields, templates, patterns and constants."""

from collections.abc import Iterator, Mapping, Sequence

from qtgen.errors import SettingsError
from qtgen.page.field_check import ROLES, as_types, bounds_faults, field_faults, in_words, type_faults
from qtgen.page.path_check import leaves_the_folder, path_fault, slug_fault
from qtgen.page.profile import BODY_FIELD, BodySpec, FieldSpec, Kind, LayoutSpec, Profile, Roles, Scalar
from qtgen.page.profile_errors import Place, profile_error, suggestion
from qtgen.page.site_file import is_key
from qtgen.page.template import FILE_FIELDS, Template, parse_template

_MATH: tuple[list[str], ...] = ([], ["$", "$$"])


def check_profile(profile: Profile) -> None:
    """Raise SettingsError for the first fault of a profile, with the file and the line."""
    if fault := slug_fault(profile.file.slug):
        key, message, remedy = fault
        raise profile_error(profile.raw, profile.path, ("slug", key), message, remedy)
    _check_generate(profile)
    _check_renderer(profile)
    for number, layout in enumerate(profile.file.layout):
        _LayoutCheck(profile, layout, ("layout", number)).run()
    _check_links(profile)


def _check_generate(profile: Profile) -> None:
    prompts = profile.file.generate.prompts
    if prompts is not None and leaves_the_folder(prompts):
        place: Place = ("generate", "prompts")
        raise profile_error(
            profile.raw, profile.path, place, "is outside the folder of site.toml", "move it into this folder"
        )
    names = [shape.name for shape in profile.file.shape]
    for number, name in enumerate(names):
        if name in names[:number]:
            place = ("shape", number, "name")
            message = f"there is another shape `{name}`"
            raise profile_error(profile.raw, profile.path, place, message, "give the shape another name")


def _check_renderer(profile: Profile) -> None:
    renderer, roles = profile.file.renderer, Roles.__struct_fields__
    if sorted(renderer.math) not in _MATH:
        message = f"`{' '.join(renderer.math)}` are not delimiters that qtgen reads"
        raise profile_error(
            profile.raw, profile.path, ("renderer", "math"), message, 'write ["$", "$$"], or [] without formulas'
        )
    for role in renderer.reads:
        if role not in roles:
            remedy = suggestion(role, roles) or f"the roles are {', '.join(roles)}"
            raise profile_error(profile.raw, profile.path, ("renderer", "reads", role), "is not a role", remedy)


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
    if Kind.LIST not in spec.kinds and spec.repeat is None:
        message = f"`{links.field}` is neither a list nor a numbered map"
        raise profile_error(profile.raw, profile.path, place, message, 'add type="list", or `repeat` to the map')
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
        self._single: list[str] = []  # the paths of values that a page has at most once

    def run(self) -> None:
        """Raise SettingsError for the first fault."""
        self._collect(self._layout.fields, "", (*self._place, "fields"), is_single=True)
        self._check_numbered()
        for path, (spec, place) in self._specs.items():
            self._check_field(path, spec, place)
        if isinstance(self._layout.body, BodySpec):
            for fault in bounds_faults(self._layout.body):
                raise self._fail((*self._place, "body", *fault.place), fault.message, fault.remedy)
        self._check_roles()
        self._check_path()
        self._check_conditions(self._layout.when, (*self._place, "when"))
        self._check_cycles()

    def _fail(self, place: Place, message: str, remedy: str | None = None) -> SettingsError:
        return profile_error(self._profile.raw, self._profile.path, place, message, remedy)

    @property
    def _paths(self) -> list[str]:
        """The fields that a template or a condition can name."""
        return [*self._single, BODY_FIELD] if not isinstance(self._layout.body, str) else self._single

    def _collect(self, specs: tuple[FieldSpec, ...], parent: str, place: Place, *, is_single: bool) -> None:
        for number, spec in enumerate(specs):
            here = (*place, number)
            if not is_key(spec.key):
                shown = f"`{spec.key}`" if spec.key.isprintable() else repr(spec.key)
                raise self._fail((*here, "key"), f"{shown} is not a key that qtgen can read", "rename it")
            path = f"{parent}{spec.key}"
            if path in self._specs:
                raise self._fail((*here, "key"), f"`{path}` is defined twice", "remove one of them")
            if path == BODY_FIELD and not isinstance(self._layout.body, str):
                message = "`body` is the name of the text after the front matter"
                raise self._fail((*here, "key"), message, 'write body = "" in the layout if that text is empty')
            self._specs[path] = spec, here
            if spec.type is Kind.MAP and not spec.fields:
                raise self._fail(here, f"the map `{path}` has no `fields`", "add its keys")
            if is_single and spec.type is not Kind.MAP:
                self._single.append(path)
            has_one = is_single and spec.type is Kind.MAP and spec.repeat is None
            self._collect(spec.fields, f"{path}.", (*here, "fields"), is_single=has_one)

    def _check_numbered(self) -> None:
        """Raise SettingsError if a numbered map has the key of another field."""
        names: dict[str, str] = {}
        for path, (spec, place) in self._specs.items():
            for name in [f"{path}{number}" for number in range(1, spec.repeat + 1)] if spec.repeat else [path]:
                if (other := names.setdefault(name, path)) != path:
                    message = f"`{path}` and `{other}` can both be the key `{name}`"
                    raise self._fail((*place, "key"), message, "rename one of them")

    def _check_field(self, path: str, spec: FieldSpec, place: Place) -> None:
        for fault in field_faults(path, spec):
            raise self._fail((*place, *fault.place), fault.message, fault.remedy)
        if spec.value is not None:
            self._check_template(spec.value, (*place, "value"))
        self._check_names(spec, place)

    def _check_names(self, spec: FieldSpec, place: Place) -> None:
        """Check the fields that `copy`, `ref` and the conditions name. A link can name a field of another layout."""
        every = {path for layout in self._profile.file.layout for path in _paths_of(layout.fields)}
        for key in ("copy", "ref"):
            name = getattr(spec, key)
            if name is not None and name not in every:
                raise self._fail((*place, key), f"unknown field `{name}`", suggestion(name, sorted(every)))
        for key in ("required_when", "only_when"):
            self._check_conditions(getattr(spec, key) or {}, (*place, key))

    def _check_template(self, source: str, place: Place) -> Template:
        try:
            template = parse_template(source)
        except ValueError as error:
            raise self._fail(place, str(error), "a reference is `{field}` or `{field|slug}`") from None
        for reference in template.references:
            self._check_name(reference.path, place, sorted(FILE_FIELDS))
            if reference.path in self._single and self._specs[reference.path][0].kinds == (Kind.LIST,):
                remedy = "name a text, a number or a date"
                raise self._fail(place, f"`{reference.path}` is a list, which gives no text", remedy)
        return template

    def _check_conditions(self, conditions: Mapping[str, Scalar], place: Place) -> None:
        for path, value in conditions.items():
            self._check_name(path, (*place, path))
            if path in self._specs:
                for fault in type_faults(value, self._specs[path][0], (path,)):
                    raise self._fail((*place, *fault.place), fault.message, fault.remedy)

    def _check_name(self, path: str, place: Place, others: Sequence[str] = ()) -> None:
        """Check that a page has at most one value with this path."""
        known = [*self._paths, *others]
        if path in known:
            return
        if path not in self._specs:
            remedy = suggestion(path, known) or f"the fields are {', '.join(known)}"
            raise self._fail(place, f"unknown field `{path}`", remedy)
        if self._specs[path][0].type is Kind.MAP:
            raise self._fail(place, f"`{path}` is a map", "name a field with one value")
        raise self._fail(place, f"a page can have several `{path}`", "name a field that a page has once")

    def _check_roles(self) -> None:
        roles, place = self._layout.roles, (*self._place, "roles")
        for role, kinds in ROLES.items():
            path = getattr(roles, role)
            if path is None:
                continue
            self._check_name(path, (*place, role))
            found = self._specs[path][0].kinds if path in self._specs else (Kind.TEXT,)
            if not {*kinds} & {*found}:
                remedy = f"name another field, or change its type to {as_types(kinds)}"
                raise self._fail((*place, role), f"`{path}` is not {in_words(kinds)}", remedy)

    def _check_path(self) -> None:
        place = (*self._place, "path")
        template = self._check_template(self._layout.path, place)
        if fault := path_fault(template, {path: self._specs[path][0] for path in self._single}):
            raise self._fail(place, *fault)

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
