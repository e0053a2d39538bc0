"""Suites: reference pages with nuggets, the settings that candidates are generated with, and the gate's limits."""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from qtgen.errors import Failure, UsageError
from qtgen.evaluation.metrics import METRICS, Direction, check_metric_names, metric_directions
from qtgen.evaluation.report import first_error
from qtgen.generation.types import Question
from qtgen.page import decode_answer
from qtgen.settings import project_folder
from qtgen.site.discovery import read_page

GATE_METRICS = ("score", "must_recall", "coverage", "contradiction", "structure")


class GateSettings(BaseModel):
    """The `[gate]` table of suite.toml: what is compared with the baseline, and how strictly.

    `matters` is the smallest difference that matters, on the metric's scale. `max_fall` is the most that a single
    reference may fall by; 0 or None means no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    metrics: tuple[str, ...] = Field(default=GATE_METRICS, min_length=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    matters: float = Field(default=0.05, gt=0)
    max_fall: float | None = Field(default=0.4, ge=0)


class SuiteSettings(BaseModel):
    """The contents of suite.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    description: str = ""
    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
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


@dataclass(frozen=True, slots=True)
class Suite:
    """A folder with suite.toml, references/, cassettes/ and baseline.json.

    `digest` covers the references, their nuggets and their source texts. Do not compare scores of different digests.
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

    Raises UsageError if the folder is not a suite, if suite.toml has an unusable field, or if it names an unknown
    metric. A reference that cannot be used is a value with an error.
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
    pages = sorted((folder / "references").glob("*.md"))
    if not pages:
        raise UsageError("contains no reference page (*.md)", path=folder / "references")
    return Suite(folder.name, folder, settings, tuple(map(_load_reference, pages)), _digest(pages))


def _check_metrics(settings: SuiteSettings, file: Path) -> None:
    gateable = [name for name, direction in metric_directions().items() if direction is not Direction.NONE]
    for key, names, known in (
        ("metrics", settings.metrics or (), list(METRICS)),
        ("gate.metrics", settings.gate.metrics, gateable),
    ):
        check_metric_names(names, known, path=file, field=key)


def _digest(pages: Iterable[Path]) -> str:
    parts = [part for page in pages for part in (page, _nuggets_file(page), _context_file(page)) if part.exists()]
    text = b"\0".join(part.name.encode() + b"\0" + part.read_bytes() for part in parts)
    return hashlib.sha256(text).hexdigest()[:16]


def _nuggets_file(page: Path) -> Path:
    return page.with_suffix(".nuggets.toml")


def _context_file(page: Path) -> Path:
    return page.with_suffix(".context.txt")


def _load_reference(path: Path) -> Reference:
    page = read_page(str(path))
    title, subject, answer = (page.text_of(name) or "" for name in ("title", "subject", "answer"))
    question = Question(title, subject, source=path.name)
    if not (title and subject and answer.strip()):
        missing = "answer" if title and subject else "title" if subject else "subject"
        error = Failure("no-reference", f"{path}: `{missing}` is missing or empty")
        return Reference(path.stem, path, question, "", error=error)
    file = _context_file(path)
    try:
        if file.exists():
            question = replace(question, context=file.read_text(encoding="utf-8"))
        file = _nuggets_file(path)
        return Reference(path.stem, path, question, decode_answer(answer), _load_nuggets(file))
    except (OSError, ValueError) as cause:
        error = Failure("no-reference", f"{file}: {first_error(cause)}")
        return Reference(path.stem, path, question, decode_answer(answer), error=error)


def _load_nuggets(path: Path) -> Nuggets:
    if not path.exists():
        return Nuggets()
    return Nuggets.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
