"""Template + question -> Prompt with a digest.

A prompt is one Jinja file with front matter. A line `--- user ---` parts it in two: above it the system part, which
sees nothing of the question and so is the same for every question (providers cache a stable beginning); below it the
user part, where the question stands last, delimited as data. Templates run in a sandbox with StrictUndefined.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, UndefinedError, meta
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qtgen.errors import PromptError
from qtgen.generation.types import Question
from qtgen.llm.types import Message, Prompt
from qtgen.page import fields

SUFFIX = ".md.j2"
USER_MARK = re.compile(r"^--- user ---\n", re.MULTILINE)
_DELIMITER = re.compile(r"<(?=\s*/?\s*(?:question|subject|source|answer|faults)\b)", re.IGNORECASE)

# What the system part may name: figures of the page, so that a prompt never repeats a number by hand.
LIMITS = {
    "description_min": fields.DESCRIPTION_MIN,
    "description_max": fields.DESCRIPTION_MAX,
    "keywords_min": fields.KEYWORDS_MIN,
    "keywords_max": fields.KEYWORDS_REQUESTED,
}


Task = Literal["page", "seo"]
"""What a prompt has written: a whole page, or what search engines are shown of one whose answer stays."""


class Header(BaseModel):
    """The front matter of a prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: int = Field(ge=1)
    description: str
    task: Task = "page"
    shape: str
    asked_with: tuple[str, ...] = ()
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(gt=0)


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt file: its header, both parts, and the sources it is made of (for the digest)."""

    header: Header
    system: str
    user: str
    sources: tuple[str, ...]
    path: Path

    def fits(self, question: str) -> bool:
        """True if one of the header's `asked_with` phrases stands in the question as whole words."""
        phrases = "|".join(map(re.escape, self.header.asked_with))
        return bool(phrases) and re.search(rf"\b(?:{phrases})(?![\w'’])", question, re.IGNORECASE) is not None


class Library:
    """The prompts in force: the shipped ones, and a project's own, which win by name.

    folders: the first that holds a file of a name gives it; schemas: JSON Schema by shape.
    Raises PromptError, naming file and field, for a prompt that cannot be used.
    """

    def __init__(self, folders: Sequence[Path], schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self._schemas = schemas
        self._compiled: dict[str, JinjaTemplate] = {}
        self._stable: dict[tuple[str, tuple[tuple[str, Any], ...]], tuple[Message, str, str]] = {}
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are text, not HTML
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["data"] = as_data
        found: dict[str, Template] = {}
        for folder in folders:  # the first folder that has a name gives it
            for template in map(self._load, sorted(folder.glob(f"[!_]*{SUFFIX}"))):
                found.setdefault(template.header.name, template)
        self.templates = found

    def choose(self, question: str, name: str | None = None, task: Task = "page") -> Template:
        """The prompt called `name`, else the one whose phrases the question holds, else the one that has none."""
        able = {name: template for name, template in self.templates.items() if template.header.task == task}
        if name is not None:
            if name not in able:
                whose = f"is for a {task} and called" if name in self.templates else "is called"
                raise PromptError(f"no prompt {whose} `{name}`; there are {', '.join(able)}")
            return able[name]
        fitting = [template for template in able.values() if template.fits(question)]
        default = [template for template in able.values() if not template.header.asked_with]
        if not fitting and not default:
            raise PromptError(f"no prompt for a {task} fits every question: one must have no `asked_with`")
        return (fitting or default)[0]

    def render(self, question: Question, *, name: str | None = None, **parameters: Any) -> Prompt:
        """What is to be sent to have a page written. `parameters` that are not None win over the prompt's own."""
        return self._rendered(self.choose(question.text, name), _variables(question), parameters)

    def render_seo(self, question: Question, answer: str, *, name: str | None = None, **parameters: Any) -> Prompt:
        """What is to be sent to have the search fields written of a page with this answer, in markdown."""
        variables = {**_variables(question), "answer": answer}
        return self._rendered(self.choose(question.text, name, "seo"), variables, parameters)

    def _rendered(self, template: Template, variables: Mapping[str, Any], parameters: Mapping[str, Any]) -> Prompt:
        header = template.header
        own = {"temperature": header.temperature, "max_tokens": header.max_tokens}
        given = {key: value for key, value in parameters.items() if value is not None}
        in_force = {key: value for key, value in {**own, **given}.items() if value is not None}
        system, wording, schema = self._same_for_all(template, tuple(in_force.items()))
        return Prompt(
            header.name,
            header.version,
            header.shape,
            (system, Message("user", self._fill(template, template.user, variables))),
            self._schemas[header.shape],
            in_force,
            digest(wording, schema, variables),
            wording,
            schema,
        )

    def digests(self, **parameters: Any) -> dict[str, tuple[str, str]]:
        """Of each prompt by name: over its wording, and over its schema."""
        anything = {**_variables(Question("?", "?")), "answer": "?"}
        rendered = (self._rendered(template, anything, parameters) for template in self.templates.values())
        return {one.name: (one.wording_digest, one.schema_digest) for one in rendered}

    def _same_for_all(self, template: Template, in_force: tuple[tuple[str, Any], ...]) -> tuple[Message, str, str]:
        """The system part, and the digests of wording and schema: worked out once for all questions."""
        key = (template.header.name, in_force)
        if key not in self._stable:
            header = template.header
            wording = [header.name, header.version, template.sources, LIMITS, dict(in_force)]
            system = Message("system", self._fill(template, template.system, LIMITS))
            self._stable[key] = system, digest(wording), digest(self._schemas[header.shape])
        return self._stable[key]

    def _fill(self, template: Template, source: str, variables: Mapping[str, Any]) -> str:
        try:
            if source not in self._compiled:
                self._compiled[source] = self._environment.from_string(source)
            return self._compiled[source].render(variables).strip()
        except UndefinedError as error:
            raise PromptError(f"{template.path}: {error}; this part knows {', '.join(variables)}") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise PromptError(f"{template.path}: {error}") from None

    def _load(self, file: Path) -> Template:
        try:
            post = frontmatter.loads(file.read_text(encoding="utf-8"), handler=YAMLHandler())
            if not post.metadata:
                raise PromptError(f"{file}: must begin with front matter: `---`, name, version, description, shape, …")
            header = Header.model_validate(post.metadata)
            parts = USER_MARK.split(post.content)
            sources = (post.content, *self._included(post.content))
        except ValidationError as error:
            first = error.errors()[0]
            raise PromptError(f"{file}: `{'.'.join(map(str, first['loc']))}`: {first['msg'].lower()}") from None
        except RecursionError:
            raise PromptError(f"{file}: its templates include each other without end") from None
        except (OSError, ValueError, yaml.YAMLError, TemplateError) as error:
            raise PromptError(f"{file}: {' '.join(str(error).split())}") from None
        if len(parts) != 2:
            raise PromptError(f"{file}: needs one line `--- user ---` between its system and its user part")
        if header.shape not in self._schemas:
            raise PromptError(f"{file}: `shape`: `{header.shape}` is none of {', '.join(self._schemas)}")
        return Template(header, parts[0], parts[1], sources, file)

    def _included(self, source: str) -> list[str]:
        """The texts of the templates that this one includes, at any depth."""
        loader = self._environment.loader
        names = [name for name in meta.find_referenced_templates(self._environment.parse(source)) if name]
        texts = [loader.get_source(self._environment, name)[0] for name in names if loader]
        return texts + [inner for text in texts for inner in self._included(text)]


def _variables(question: Question) -> dict[str, Any]:
    return {"question": question.text, "subject": question.subject, "context": question.context}


def as_data(text: object) -> str:
    """`text` such that it cannot close the tags it stands between: their `<` becomes `‹`."""
    return _DELIMITER.sub("‹", str(text))


def ask_again(prompt: Prompt, faults: Sequence[str], warmer: float) -> Prompt:
    """The same prompt with what was wrong with its answer, a little warmer so that it does not come back the same.

    The first answer itself is not sent again: it costs tokens, and a small model copies it.
    """
    last = prompt.messages[-1]
    listed = "\n".join(f"- {as_data(fault)}" for fault in faults)
    words = (
        f"{last.content}\n\nAn earlier answer could not be used:\n<faults>\n{listed}\n</faults>\nAvoid these faults."
    )
    parameters = dict(prompt.parameters)
    if "temperature" in parameters:
        parameters["temperature"] = round(min(1.0, parameters["temperature"] + warmer), 2)
    return replace(prompt, messages=(*prompt.messages[:-1], Message(last.role, words)), parameters=parameters)


def digest(*parts: object) -> str:
    """SHA-256 over the canonical JSON of `parts`, its first 16 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
