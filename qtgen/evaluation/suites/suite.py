"""Suites: reference pages with nuggets, the settings that candidates are generated with, and the gate's limits."""

import hashlib
import json
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from qtgen._util.credentials import usable_address
from qtgen.errors import Failure, UsageError
from qtgen.evaluation.metrics import METRICS, Direction, check_metric_names, metric_directions
from qtgen.evaluation.report import first_error
from qtgen.evaluation.suites.reference_files import CONTEXT, NUGGETS, reference_pages
from qtgen.generation.types import Question
from qtgen.page import Page, unreadable_page
from qtgen.page.compile import main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.reader import read_as
from qtgen.settings import project_folder
from qtgen.site.discovery import read_page_bytes

GATE_METRICS = ("score", "must_recall", "coverage", "contradiction", "structure")


class GateSettings(BaseModel):
    """The `[gate]` table of suite.toml: the metrics and limits of the comparison with the baseline.

    `matters` is the smallest difference that matters, on the metric's scale. `max_fall` is the largest share of its
    score that a single reference may lose; 0 or None means no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    metrics: tuple[str, ...] = Field(default=GATE_METRICS, min_length=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    matters: float = Field(default=0.05, gt=0)
    max_fall: float | None = Field(default=0.4, ge=0, le=1)


class SuiteSettings(BaseModel):
    """The contents of suite.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    description: str = ""
    provider: str | None = None
    model: str | None = None
    base_url: Annotated[str, AfterValidator(usable_address)] | None = None
    prompt: str | None = None
    repeats: int = Field(default=1, ge=1, le=50)
    metrics: tuple[str, ...] | None = None
    gate: GateSettings = Field(default_factory=GateSettings)

    @property
    def measured_metrics(self) -> tuple[str, ...] | None:
        """The metrics to measure, with those of the gate; None for all."""
        return None if self.metrics is None else (*self.metrics, *self.gate.metrics)


class Nuggets(BaseModel):
    """The contents of `REFERENCE.nuggets.toml`: claims that an answer must make, or may make."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    must: tuple[str, ...] = ()
    nice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference page. `error` is the reason if it is unusable. `answer` is empty if the page has none.

    `layout` is that of new pages of the site, which its candidates have too.
    """

    id: str
    path: Path
    question: Question
    answer: str
    layout: Layout = field(repr=False)
    nuggets: Nuggets = field(default_factory=Nuggets)
    error: Failure | None = None

    @property
    def digest(self) -> str:
        """The digest of what an answer is scored against. See `reference_digest`."""
        return reference_digest(self.question, self.answer, self.nuggets)


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder with suite.toml, references/, cassettes/ and baseline.json.

    `digest` covers the ids and digests of the references.
    """

    profile: Profile = field(repr=False)

    name: str
    folder: Path
    settings: SuiteSettings
    references: tuple[Reference, ...]
    digest: str

    @property
    def cassette(self) -> Path:
        """The recorded responses of the model."""
        return self.folder / "cassettes" / "completions.yaml"

    @property
    def judges_cassette(self) -> Path:
        """The recorded responses of the judges."""
        return self.folder / "cassettes" / "judges.yaml"

    @property
    def baseline(self) -> Path:
        """The report that runs are compared with."""
        return self.folder / "baseline.json"


def find_suite(name: str) -> Path:
    """Return the folder of a suite: `evals/NAME` of the project if it exists, else `name` as a path."""
    folder = project_folder() / "evals" / name
    return folder if folder.is_dir() else Path(name)


def load_suite(folder: Path, profile: Profile) -> Suite:
    """Return the suite in a folder.

    Args:
        folder: The suite.
        profile: The page layout of the site. References are pages in the layout of its new pages.

    Raises UsageError if the folder is not a suite, if suite.toml has an unusable field or names an unknown metric, if
    files belong to no reference, or if two references ask the same. A reference that cannot be used is a value with an
    error.
    """
    file = folder / "suite.toml"
    try:
        settings = SuiteSettings.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        remedy = "a suite is a folder with suite.toml and references/"
        raise UsageError(error.strerror or str(error), path=file, remedy=remedy) from None
    except ValueError as error:  # of TOML, of UTF-8, or a ValidationError
        raise UsageError(first_error(error), path=file) from None
    _check_metrics(settings, file)
    pages = reference_pages(folder / "references")
    layout = main_layout(profile)
    references = tuple(_load_reference(path, layout) for path in pages)
    check_distinct(references, folder / "references")
    digest = _digest([[reference.id, reference.digest] for reference in references])
    return Suite(profile, folder.name, folder, settings, references, digest)


def _check_metrics(settings: SuiteSettings, file: Path) -> None:
    gateable = [name for name, direction in metric_directions().items() if direction is not Direction.NONE]
    for key, names, known in (
        ("metrics", settings.metrics or (), list(METRICS)),
        ("gate.metrics", settings.gate.metrics, gateable),
    ):
        check_metric_names(names, known, path=file, field=key)


def reference_digest(question: Question, answer: str, nuggets: Nuggets) -> str:
    """Return a digest of what an answer is scored against: the question, the answer, the nuggets and the source text.

    Line ends and the page's other fields, such as its date, do not affect it.
    """
    texts = ((question.text, question.subject, question.context or "", answer), nuggets.must, nuggets.nice)
    return _digest([[text.replace("\r\n", "\n").replace("\r", "\n") for text in group] for group in texts])


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


def page_path(reference: Reference) -> str:
    """Return the path that a page for the reference's question has on the site.

    If it follows from more than the question and the subject, it is the name of the reference's file.
    """
    return reference.layout.page_path(question_values(reference)) or reference.path.name


def page_key(reference: Reference) -> str:
    """Return the identifier of the page for the reference's question: its key, else its path."""
    key = reference.layout.roles.key
    values = question_values(reference)
    return (key and reference.layout.fill(key, values)) or page_path(reference)


def question_values(reference: Reference) -> dict[str, str]:
    """Return the values of a page that come from its question and its subject, by path."""
    roles, question = reference.layout.roles, reference.question
    return {roles.question: question.text, **({roles.subject: question.subject} if roles.subject else {})}


def check_distinct(references: Sequence[Reference], folder: Path) -> None:
    """Raise UsageError if two references would send the same request or become the same page, and name both."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for reference in references:
        if not reference.error:
            question = reference.question
            subject, text, source = (
                " ".join(part.split()) for part in (question.subject, question.text, question.context or "")
            )
            slug = reference.layout.slug
            groups[slug(subject), slug(text), source].append(reference.path.name)
    if same := [" and ".join(names) for names in groups.values() if len(names) > 1]:
        message = f"{', '.join(same)} ask the same question about the same subject"
        raise UsageError(message, path=folder, remedy="remove all but one of them, or set `repeats` in suite.toml")


def _load_reference(path: Path, layout: Layout) -> Reference:
    page, roles = _read_reference(path, layout), layout.roles
    wanted = [(role, page.text_of(role) or "") for role in (roles.subject, roles.question, roles.answer) if role]
    texts = dict(wanted)
    text, subject = texts[roles.question], texts.get(roles.subject or "", "")
    question = Question(text, subject, source=path.name)
    if roles.answer is None:
        error = Failure("no-reference", f"{path}: the site has no answers; set `answer` in `roles` of its site.toml")
        return Reference(path.stem, path, question, "", layout, error=error)
    if missing := [role for role, value in wanted if not (value.strip() if role == roles.answer else value)]:
        error = Failure("no-reference", f"{path}: `{missing[0]}` is missing or empty")
        return Reference(path.stem, path, question, "", layout, error=error)
    answer = layout.decode(texts[roles.answer])
    file = path.with_suffix(CONTEXT)
    try:
        if file.exists():
            question = replace(question, context=file.read_text(encoding="utf-8"))
        file = path.with_suffix(NUGGETS)
        return Reference(path.stem, path, question, answer, layout, _load_nuggets(file))
    except (OSError, ValueError) as cause:
        error = Failure("no-reference", f"{file}: {first_error(cause)}")
        return Reference(path.stem, path, question, answer, layout, error=error)


def _read_reference(path: Path, layout: Layout) -> Page:
    try:
        return read_as(read_page_bytes(str(path)), layout)
    except OSError as error:
        return unreadable_page(error.strerror or str(error), layout)


def _load_nuggets(path: Path) -> Nuggets:
    if not path.exists():
        return Nuggets()
    return Nuggets.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
