"""A compiled layout: the tables that reading, writing and checking a page need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from qtgen.page.fields import Constant, Field, Row, Section
from qtgen.page.profile import BODY_FIELD, BodySpec, FieldSpec, Kind, LayoutSpec, Profile, Roles
from qtgen.page.template import Slugger, Template

if TYPE_CHECKING:
    from qtgen.page.codec import AnswerCodec
    from qtgen.page.document import Page

LINKS_GROUP = "related"
"""The name of the group of the link fields."""


@dataclass(frozen=True, slots=True)
class LinkFields:
    """How a page writes its links.

    Attributes:
        form: `numbered` maps (`related1`, `related2`, …), a list of `maps`, or a list of `keys`.
        field: The key; for numbered maps, the key without its number.
        max: The most links of a page.
        name: The name of a link for people.
        key: The key of a link's map that identifies the target. It is empty in a list of keys.
        copies: Role of the target (`id`, `question`, `subject`, …), or path of a field of it, by key of the link's map.
    """

    form: Literal["numbered", "maps", "keys"]
    field: str
    max: int
    name: str
    key: str
    copies: Mapping[str, str]

    def path(self, number: int) -> str:
        """Return the path of a link, which is numbered from 1."""
        return f"{self.field}{number}" if self.form == "numbered" else f"{self.field}.{number - 1}"

    def number_of(self, path: str) -> int:
        """Return the number of the link that a path is in, or 0."""
        head, _, rest = path.removeprefix(self.field).partition(".")
        if not path.startswith(self.field):
            return 0
        if self.form == "numbered":
            return int(head) if head.isdecimal() else 0
        index = rest.partition(".")[0]
        return int(index) + 1 if not head and index.isdecimal() else 0


@dataclass(frozen=True, eq=False)
class Layout:
    """The layout of the pages of one kind.

    Attributes:
        profile: The profile that it belongs to.
        number: Its position among the layouts of the profile, from 0.
        spec: The definition in the profile.
        rows: The fields and sections at the top level, in order.
        fields: Every field by its dotted path, in the order of a page.
        sections: Every map by its dotted path.
        order: The rank of each field and map.
        constants: The fields that always have the same value.
        templates: The templates of the fields that follow from others, by path.
        path_template: The template of the path of a page.
        slug: The site's slug.
        links: How a page writes its links, or None if it has none.
        body: The text after the front matter, or None if pages differ in it.
    """

    profile: Profile
    number: int
    spec: LayoutSpec
    rows: tuple[Row, ...]
    fields: Mapping[str, Field]
    sections: Mapping[str, Section]
    order: Mapping[str, int]
    constants: Mapping[str, Constant]
    templates: Mapping[str, Template]
    path_template: Template
    slug: Slugger
    links: LinkFields | None
    body: str | None
    _required: Mapping[frozenset[str], tuple[str, ...]] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        from qtgen.page.compile import layouts_of

        return _layout_at, (layouts_of, self.profile, self.number)

    @property
    def roles(self) -> Roles:
        """Which field has which meaning."""
        return self.spec.roles

    @cached_property
    def id_paths(self) -> tuple[str, ...]:
        """The paths of the fields with the number of a page: the id, and those that count."""
        counted = [path for path, row in self.fields.items() if row.spec.source == "sequence"]
        return tuple(dict.fromkeys([*([self.roles.id] if self.roles.id else []), *counted]))

    @cached_property
    def scan(self) -> "Callable[[str], Page | None] | None":
        """The fast reader of pages in the canonical layout, or None if there is none for this layout."""
        from qtgen.page.scan import build_scanner

        return build_scanner(self)

    def key_indent(self, field: Row) -> int:
        """Return the column of a key in the house style."""
        section = field.path.rpartition(".")[0]
        return self.sections[section].indent if section else 0

    def folded_indent(self, field: Field) -> int:
        """Return the column of the field's folded line in the house style."""
        return self.sections[field.section].folded_indent if field.section else self.spec.text_indent

    @property
    def has_text_body(self) -> bool:
        """Whether the text after the front matter is a field."""
        return self.body is None

    @property
    def body_spec(self) -> BodySpec:
        """The definition of the text after the front matter."""
        return self.spec.body if isinstance(self.spec.body, BodySpec) else BodySpec()

    @cached_property
    def codec(self) -> "AnswerCodec":
        """How the site writes and shows an answer."""
        from qtgen.page.codec import codec_of

        answer = self.roles.answer
        is_body = answer == BODY_FIELD and answer not in self.fields
        return codec_of(self.profile.file.renderer, answer, is_body=is_body)

    def decode(self, answer: str) -> str:
        """Return the Markdown of an answer as a page of this layout has it."""
        return self.codec.decode(answer)

    def encode(self, markdown: str) -> str:
        """Return Markdown as the answer of a page. Raises UnwritableText if the site cannot show it."""
        return self.codec.encode(markdown)

    @cached_property
    def repeats(self) -> Mapping[str, tuple[Section, ...]]:
        """The numbered maps, by their key without the number."""
        repeats: dict[str, tuple[Section, ...]] = {}
        for section in self.sections.values():
            if section.number:
                repeats[section.spec.key] = (*repeats.get(section.spec.key, ()), section)
        return repeats

    @cached_property
    def model_fields(self) -> tuple[str, ...]:
        """The paths that a model writes, in order."""
        paths = [path for path, row in self.fields.items() if row.spec.source == "model"]
        answer = self.roles.answer
        return (*paths, *([answer] if answer and answer not in self.fields else []))

    @cached_property
    def description(self) -> str | None:
        """The path of the first text that a model writes besides the answer: the description."""
        texts = (path for path in self.model_fields if path in self.fields and path != self.roles.answer)
        return next((path for path in texts if self._is_single_text(self.fields[path])), None)

    @cached_property
    def keywords(self) -> str | None:
        """The path of the first list that a model writes: the keywords."""
        lists = (path for path in self.model_fields if path in self.fields and path != self.roles.answer)
        return next((path for path in lists if self._has_items(self.fields[path].spec)), None)

    @staticmethod
    def _is_single_text(row: Field) -> bool:
        return row.kind is Kind.TEXT and row.spec.separator is None

    @staticmethod
    def _has_items(spec: FieldSpec) -> bool:
        return Kind.LIST in spec.kinds or spec.separator is not None

    @cached_property
    def title_copies(self) -> tuple[str, ...]:
        """The paths of the fields that repeat the question as it is."""
        return tuple(path for path, template in self.templates.items() if template.copied == self.roles.question)

    @cached_property
    def file_name(self) -> Template:
        """The template of a page's file name."""
        from qtgen.page.template import parse_template

        return parse_template(self.spec.path.rpartition("/")[2])

    @cached_property
    def folder(self) -> Template:
        """The template of a page's folder; it is empty if pages are in the root."""
        from qtgen.page.template import parse_template

        return parse_template(self.spec.path.rpartition("/")[0])

    @cached_property
    def file_name_field(self) -> str | None:
        """The path of the field that repeats the file's name, or None."""
        names = (path for path, template in self.templates.items() if template == self.file_name)
        return next(names, None)

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The groups of fields that are rewritten together, by name."""
        groups: dict[str, list[str]] = {}
        for path in self.model_fields:
            spec = self.fields[path].spec if path in self.fields else self.body_spec
            groups.setdefault(spec.group or "answer", []).append(path)
        if self.links:
            related = self.link_paths
            groups[LINKS_GROUP] = [*related]
        first = self.group_of(self.roles.answer, groups)
        names = sorted(groups, key=lambda name: (name != first, name == LINKS_GROUP))
        return {name: tuple(groups[name]) for name in names}

    @staticmethod
    def group_of(path: str | None, groups: Mapping[str, Any]) -> str | None:
        """Return the name of the group that has a path, or None."""
        return next((name for name, paths in groups.items() if path in paths), None)

    @cached_property
    def link_paths(self) -> tuple[str, ...]:
        """The paths of the link fields."""
        if self.links is None:
            return ()
        if self.links.form != "numbered":
            return (self.links.field,)
        return tuple(path for path, row in self.fields.items() if row.section and self.links.number_of(row.section) > 0)

    def required_paths(self, present: frozenset[str]) -> tuple[str, ...]:
        """Return the paths that a page must have, given the paths of the maps that it has."""
        known = self._required.get(present)
        if known is None:
            known = tuple(_required(self.rows, present))
            self._required[present] = known  # type: ignore[index]  # a cache
        return known

    def fill(self, path: str, values: Mapping[str, Any], file: Mapping[str, str] | None = None) -> str | None:
        """Return the value of a field by its template, or None if a field of the template is missing."""
        template = self.templates.get(path)
        return template.fill(values, self.slug, file) if template else None

    def path_of_key(self, key: str) -> str | None:
        """Return the path of the page with a key, relative to the root of the site.

        Return None if the key does not determine it.
        """
        template = self.templates.get(self.roles.key or "")
        parts = template.parts_in(key, self.profile.file.slug) if template else None
        return self.path_template.join(parts) if parts is not None else None

    def page_path(self, values: Mapping[str, Any]) -> str | None:
        """Return the path of a page below the root of the site, or None if a field is missing."""
        return self.path_template.fill(values, self.slug)


def _required(rows: tuple[Row, ...], present: frozenset[str]) -> list[str]:
    required = []
    for row in rows:
        if not isinstance(row, Section):
            required += [row.path] if row.required else []
        elif row.required or row.path in present:
            required += [row.path, *_required(row.fields, present)]
    return required


def _layout_at(layouts: Callable[[Profile], tuple[Layout, ...]], profile: Profile, number: int) -> Layout:
    return layouts(profile)[number]
