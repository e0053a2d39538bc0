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
from qtgen.page import decode_answer, default_profile, file_name, slug
from qtgen.settings import project_folder
from qtgen.site.discovery import read_page

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
    """A reference page. `error` says why it cannot be used; `answer` is empty if the page has none."""

    id: str
    path: Path
    question: Question
    answer: str
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


def load_suite(folder: Path) -> Suite:
    """Return the suite in a folder.

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
    references = tuple(map(_load_reference, pages))
    check_distinct(references, folder / "references")
    digest = _digest([[reference.id, reference.digest] for reference in references])
    return Suite(folder.name, folder, settings, references, digest)


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
    """Return the path that a page for the reference's question has on the site."""
    return f"{slug(reference.question.subject)}/{file_name(reference.question.text)}"


def check_distinct(references: Sequence[Reference], folder: Path) -> None:
    """Raise UsageError if two references would send the same request or become the same page, and name both."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for reference in references:
        if not reference.error:
            question = reference.question
            subject, text, source = (
                " ".join(part.split()) for part in (question.subject, question.text, question.context or "")
            )
            groups[slug(subject), slug(text), source].append(reference.path.name)
    if same := [" and ".join(names) for names in groups.values() if len(names) > 1]:
        message = f"{', '.join(same)} ask the same question about the same subject"
        raise UsageError(message, path=folder, remedy="remove all but one of them, or set `repeats` in suite.toml")


def _load_reference(path: Path) -> Reference:
    page = read_page(str(path), -1, default_profile())  # TRANSITIONAL
    title, subject, answer = (page.text_of(name) or "" for name in ("title", "subject", "answer"))
    question = Question(title, subject, source=path.name)
    if not (title and subject and answer.strip()):
        missing = "answer" if title and subject else "title" if subject else "subject"
        error = Failure("no-reference", f"{path}: `{missing}` is missing or empty")
        return Reference(path.stem, path, question, "", error=error)
    file = path.with_suffix(CONTEXT)
    try:
        if file.exists():
            question = replace(question, context=file.read_text(encoding="utf-8"))
        file = path.with_suffix(NUGGETS)
        return Reference(path.stem, path, question, decode_answer(answer), _load_nuggets(file))
    except (OSError, ValueError) as cause:
        error = Failure("no-reference", f"{file}: {first_error(cause)}")
        return Reference(path.stem, path, question, decode_answer(answer), error=error)


def _load_nuggets(path: Path) -> Nuggets:
    if not path.exists():
        return Nuggets()
    return Nuggets.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
