"""The table of fields: what a page holds, and in which order.

The scanner, the emitter, the splicer, the schemas and docs/reference/page.md are all derived from `LAYOUT`. To add a
field, add a row; nothing else knows the names or their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

RELATED_MAX = 5
DESCRIPTION_MAX = 122  # the site prints 38 characters before it, and search engines cut off near 160
DESCRIPTION_MIN = 50
KEYWORDS_MIN = 5
KEYWORDS_MAX = 20
KEYWORDS_REQUESTED = 12  # the maximum for a model; the median of the live pages
ANSWER_MIN = 300
ANSWER_MAX = 6_000


class Kind(StrEnum):
    """The type of a value, as YAML resolves it. A flag is a boolean."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """A key with a scalar value.

    Args:
        path: The dotted path: `seo.title`.
        kind: The type of the value.
        doc: What the value is, for the docs and the schemas.
        example: An example of the value.
        folded: True if the house style writes the value folded (`>-`, on the next line), else plain.
        required: Whether every page, or every page with the section, has the key.
        constant: The only value that the key may have, or None.
    """

    path: str
    kind: Kind
    doc: str
    example: str
    folded: bool = False
    required: bool = True
    constant: str | None = None
    section: str = field(init=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:  # computed once, because every page needs them hundreds of times
        section, _, key = self.path.rpartition(".")
        object.__setattr__(self, "section", section)
        object.__setattr__(self, "key", key)


@dataclass(frozen=True, slots=True)
class Section:
    """A key with a mapping of fields. `indent` and `folded_indent` are the columns of its keys and folded lines."""

    path: str
    doc: str
    fields: tuple[Field, ...]
    indent: int
    folded_indent: int
    required: bool = True


def _related(number: int) -> Section:
    name = f"related_article{number}"
    fields = (
        Field(f"{name}.id", Kind.INT, "`id` of the target page.", "19547"),
        Field(f"{name}.title", Kind.TEXT, "`title` of the target page.", "What is osmosis?", folded=True),
        Field(f"{name}.subject", Kind.TEXT, "`subject` of the target page.", "Biology"),
        Field(f"{name}.url", Kind.TEXT, "`url` of the target page, which the link leads to.", "/learn/…/questions/…"),
    )
    doc = f"Link {number} of at most {RELATED_MAX} to other pages, numbered from 1 without a gap."
    return Section(name, doc, fields, indent=4, folded_indent=8, required=False)


_SEO = Section(
    "seo",
    "What search engines show.",
    (
        Field("seo.title", Kind.TEXT, "`QuickTakes | ` + subject.", "QuickTakes | Biology"),
        Field(
            "seo.page_description",
            Kind.TEXT,
            f"One sentence, {DESCRIPTION_MIN} to {DESCRIPTION_MAX} characters.",
            "How water crosses a membrane.",
            folded=True,
        ),
        Field(
            "seo.page_keywords",
            Kind.TEXT,
            f"{KEYWORDS_MIN} to {KEYWORDS_MAX} keywords, separated by a comma and a space.",
            "osmosis, membrane, solute",
            folded=True,
        ),
    ),
    indent=2,
    folded_indent=4,
)

LAYOUT: tuple[Field | Section, ...] = (
    Field("_schema", Kind.TEXT, "The editor's schema for this page.", "default", constant="default"),
    Field(
        "id",
        Kind.INT,
        "Number of the question. Pages may share one; the key of a page is its `url`.",
        "19528",
    ),
    Field("date", Kind.DATE, "Day of publication, `YYYY-MM-DD`.", "2024-11-22"),
    Field("title", Kind.TEXT, "The question.", "What is osmosis?", folded=True),
    Field("article_title", Kind.TEXT, "The same string as `title`.", "What is osmosis?", folded=True),
    Field("date_format", Kind.TEXT, "How the site prints the date.", "MMM DD, YYYY", constant="MMM DD, YYYY"),
    Field("post_on_text", Kind.TEXT, "The words before the date.", "Posted on", constant="Posted on"),
    _SEO,
    Field("author", Kind.TEXT, "Who signs the page.", "QuickTakes", constant="QuickTakes"),
    Field("question", Kind.TEXT, "The same string as `title`.", "What is osmosis?", folded=True),
    Field("no_index", Kind.FLAG, "Intended to hide the page from search engines.", "True", required=False),
    Field(
        "answer",
        Kind.TEXT,
        "Markdown on one line. Every line break is written as the two characters `\\n`.",
        "Osmosis is …\\n\\n1. **Membrane**: …",
        folded=True,
    ),
    Field("subject", Kind.TEXT, "The page's category. Its slug is the name of the folder.", "Biology"),
    Field("file_name", Kind.TEXT, "The file's own name: `slug(title)` + `.md`.", "what-is-osmosis.md"),
    Field(
        "url",
        Kind.TEXT,
        "`/learn/` + `slug(subject)` + `/questions/` + `slug(title)`.",
        "/learn/biology/questions/what-is-osmosis",
    ),
    Field("score", Kind.FLOAT, "Quality from 0 to 1; `-1.0` means not scored.", "-1.0", required=False),
    *(_related(number) for number in range(1, RELATED_MAX + 1)),
)

TOP_FOLDED_INDENT = 4

# The subjects of the site's pages. The live pages have 44, some of which differ only in case.
SUBJECTS: tuple[str, ...] = (
    "Accounting and Finance",
    "American Culture",
    "Architecture",
    "Art History and Literature",
    "Bachelor of laws",
    "Biochemistry",
    "Biology",
    "Biotechnology",
    "Business and Management",
    "Chemistry",
    "College Basketball",
    "Computer Science",
    "Criminal or Civil Law",
    "Digital Media",
    "Ecology",
    "Economics",
    "Education Studies",
    "Engineering",
    "Environmental science",
    "Environmental studies",
    "Gender studies",
    "Health Studies",
    "History of the World",
    "Marine biology",
    "Marine studies",
    "Mathematics",
    "Medicine",
    "Movies and Cinematography",
    "Mythology",
    "Nursing",
    "Others",
    "Philosophy",
    "Philosophy and Greek Myths",
    "Physics",
    "Politics",
    "Psychology",
    "Science",
    "Sociology",
)


def iter_fields() -> Iterator[Field]:
    """Yield every field, in the order of a page."""
    for row in LAYOUT:
        if isinstance(row, Section):
            yield from row.fields
        else:
            yield row


FIELDS: dict[str, Field] = {field.path: field for field in iter_fields()}
SECTIONS: dict[str, Section] = {row.path: row for row in LAYOUT if isinstance(row, Section)}
ORDER: dict[str, int] = {
    path: rank
    for rank, path in enumerate(
        path
        for row in LAYOUT
        for path in (row.path, *(field.path for field in (row.fields if isinstance(row, Section) else ())))
    )
}
CONSTANTS: dict[str, str] = {field.path: field.constant for field in FIELDS.values() if field.constant is not None}


def folded_indent(field: Field) -> int:
    """Return the column of the field's folded line in the house style."""
    return SECTIONS[field.section].folded_indent if field.section else TOP_FOLDED_INDENT


def key_indent(field: Field) -> int:
    """Return the column of the field's key in the house style."""
    return SECTIONS[field.section].indent if field.section else 0


def required_paths(present_sections: set[str]) -> list[str]:
    """Return the paths that a page must have, given the sections that it has."""
    required = []
    for row in LAYOUT:
        if isinstance(row, Section):
            if row.required or row.path in present_sections:
                required += [row.path, *(field.path for field in row.fields if field.required)]
        elif row.required:
            required.append(row.path)
    return required


FIELD_GROUPS: dict[str, tuple[str, ...]] = {
    "answer": ("answer",),
    "seo": ("seo.page_description", "seo.page_keywords"),
    "related": tuple(path for path in FIELDS if path.startswith("related_article")),
}
"""The fields that are rewritten together, by the name of the group."""
