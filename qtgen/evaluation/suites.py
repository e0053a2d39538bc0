"""A suite: reference pages with their nuggets, how candidates are made, and what the gate holds them to."""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qtgen.errors import Failure, UsageError
from qtgen.generation.types import Question
from qtgen.page import decode_answer
from qtgen.site.discovery import read_page

REPORT_METRICS = ("score", "must_recall", "coverage", "contradiction", "structure")


class Gate(BaseModel):
    """What is compared with the baseline. matters: the smallest difference that matters, on the metric's scale.

    max_fall: the most that one reference may fall by; 0 or None is no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    metrics: tuple[str, ...] = Field(default=REPORT_METRICS, min_length=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    matters: float = Field(default=0.05, gt=0)
    max_fall: float | None = Field(default=0.4, ge=0)


class SuiteFile(BaseModel):
    """suite.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    description: str = ""
    provider: Literal["openai", "local"] | None = None
    model: str | None = None
    base_url: str | None = None
    prompt: str | None = None
    repeats: int = Field(default=1, ge=1, le=50)
    metrics: tuple[str, ...] | None = None
    gate: Gate = Field(default_factory=Gate)

    @property
    def measured(self) -> tuple[str, ...] | None:
        """The gate's metrics are among them; None: all there are."""
        return None if self.metrics is None else (*self.metrics, *self.gate.metrics)


class NuggetFile(BaseModel):
    """`<reference>.nuggets.toml`: claims that an answer has to make, or may make."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    must: tuple[str, ...] = ()
    nice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference document. error: why it cannot be used; then the rest is empty."""

    id: str
    path: Path
    question: Question
    answer: str
    nuggets: NuggetFile = field(default_factory=NuggetFile)
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """digest: over the references and their nuggets; scores of two suites are not to be compared."""

    name: str
    folder: Path
    file: SuiteFile
    references: tuple[Reference, ...]
    digest: str

    @property
    def cassette(self) -> Path:
        return self.folder / "cassettes" / "completions.yaml"

    @property
    def judges_cassette(self) -> Path:
        return self.folder / "cassettes" / "judges.yaml"

    @property
    def baseline(self) -> Path:
        return self.folder / "baseline.json"


def load_suite(folder: Path) -> Suite:
    """Raises UsageError, naming file and field, where there is no suite. A reference that cannot be used is a value."""
    file = folder / "suite.toml"
    try:
        settings = SuiteFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; a suite is a folder with suite.toml and references/") from None
    except (ValueError, ValidationError) as error:
        raise UsageError(f"{file}: {first_error(error)}") from None
    pages = sorted((folder / "references").glob("*.md"))
    if not pages:
        raise UsageError(f"{folder / 'references'}: no reference (*.md) in it")
    return Suite(folder.name, folder, settings, tuple(map(_reference, pages)), _digest(pages))


def first_error(error: Exception) -> str:
    """What is wrong, and with which field, on one line."""
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return str(error)


def _digest(pages: Iterable[Path]) -> str:
    parts = [part for page in pages for part in (page, _nuggets_beside(page)) if part.exists()]
    text = b"\0".join(part.name.encode() + b"\0" + part.read_bytes() for part in parts)
    return hashlib.sha256(text).hexdigest()[:16]


def _nuggets_beside(page: Path) -> Path:
    return page.with_suffix(".nuggets.toml")


def _reference(path: Path) -> Reference:
    page = read_page(str(path))
    title, subject, answer = (page.text_of(name) or "" for name in ("title", "subject", "answer"))
    question = Question(title, subject, source=path.name)
    if not (title and subject and answer.strip()):
        missing = "answer" if title and subject else "title" if subject else "subject"
        return Reference(path.stem, path, question, "", error=Failure("no-reference", f"{path}: no {missing}"))
    try:
        nuggets = _nuggets(_nuggets_beside(path))
    except (OSError, ValueError) as error:
        why = f"{_nuggets_beside(path)}: {first_error(error)}"
        return Reference(path.stem, path, question, decode_answer(answer), error=Failure("no-reference", why))
    return Reference(path.stem, path, question, decode_answer(answer), nuggets)


def _nuggets(path: Path) -> NuggetFile:
    if not path.exists():
        return NuggetFile()
    return NuggetFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
