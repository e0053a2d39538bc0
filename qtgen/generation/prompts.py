"""Prompt templates: render one with a question to a `Prompt` with a digest.

A template is one Jinja file with front matter. It begins with the system part. The lines `--- user ---` and
`--- assistant ---` begin the messages that follow, of which the last is the user part. Messages before it are worked
examples. Only the user part can use the question: all others are the same for every question, so that providers can
cache them. The user part ends with the question as data. Templates run in a sandbox, and an undefined variable is an
error.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
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
from qtgen.generation import formats
from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, Message, Prompt, PromptStyle
from qtgen.page import fields

SUFFIX = ".md.j2"
MESSAGE_MARK = re.compile(r"^--- (user|assistant) ---\n", re.MULTILINE)
_DELIMITER = re.compile(r"<(?=\s*/?\s*(?:question|subject|source|answer|faults)\b)", re.IGNORECASE)

# The variables of the system part: the page's limits, so that no template has to repeat a number.
LIMITS = {
    "description_min": fields.DESCRIPTION_MIN,
    "description_max": fields.DESCRIPTION_MAX,
    "keywords_min": fields.KEYWORDS_MIN,
    "keywords_max": fields.KEYWORDS_REQUESTED,
}

Task = Literal["page", "seo"]
"""What a prompt asks for: a whole page, or only the texts for search engines of a page that keeps its answer."""


class PromptHeader(BaseModel):
    """The front matter of a prompt template."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: int = Field(ge=1)
    description: str
    task: Task = "page"
    shape: str
    asked_with: tuple[str, ...] = ()
    style: Literal["standard", "short"] = "standard"
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(gt=0)


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """One template file.

    Args:
        header: Its front matter.
        system: The source of the system part.
        examples: The sources of the messages between, alternately of the user and of the assistant.
        user: The source of the user part.
        sources: The file's source and those of the files that it includes, for the digest.
        path: The file.
    """

    header: PromptHeader
    system: str
    examples: tuple[str, ...]
    user: str
    sources: tuple[str, ...]
    path: Path

    def fits(self, question: str) -> bool:
        """Return whether the question contains one of the header's `asked_with` phrases, as whole words."""
        phrases = "|".join(map(re.escape, self.header.asked_with))
        return bool(phrases) and re.search(rf"\b(?:{phrases})(?![\w'’])", question, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class _ConstantPart:
    """What the requests of a template share."""

    messages: tuple[Message, ...]
    wording_digest: str
    schema_digest: str
    grammar: str | None


class PromptLibrary:
    """The prompt templates in force: a project's own and the shipped ones.

    Args:
        folders: Folders with templates. If several contain a template of the same name, the first one wins.
        schemas: The JSON Schema of each shape.

    Raises PromptError if a template cannot be used.
    """

    def __init__(self, folders: Sequence[Path], schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self._schemas = schemas
        self._compiled: dict[str, JinjaTemplate] = {}
        self._constant_parts: dict[tuple[Any, ...], _ConstantPart] = {}
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are text, not HTML
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["data"] = escape_tags
        templates: dict[str, PromptTemplate] = {}
        for folder in folders:
            for template in map(self._load, sorted(folder.glob(f"[!_]*{SUFFIX}"))):
                templates.setdefault(template.header.name, template)
        self.templates = templates

    def choose(
        self, question: str, name: str | None = None, task: Task = "page", *, is_short: bool = False
    ) -> PromptTemplate:
        """Return the template for a question.

        That is the one called `name` if given, else the first whose phrases the question contains, else the one without
        phrases. Short templates are only for small models, which get the others if there is no short one. Raises
        PromptError if there is none.
        """
        suitable = {name: template for name, template in self.templates.items() if template.header.task == task}
        if name is not None:
            if name not in suitable:
                problem = f"prompt `{name}` is not for a {task}" if name in self.templates else f"no prompt `{name}`"
                raise PromptError(problem, remedy=f"the prompts are {', '.join(suitable)}")
            return suitable[name]
        short = [template for template in suitable.values() if template.header.style == "short"]
        standard = [template for template in suitable.values() if template.header.style == "standard"]
        choices = short if is_short and short else standard
        fitting = [template for template in choices if template.fits(question)]
        default = [template for template in choices if not template.header.asked_with]
        if not fitting and not default:
            remedy = f"add a prompt for a {task} without `asked_with`"
            raise PromptError(f"no prompt for a {task} fits every question", remedy=remedy)
        return (fitting or default)[0]

    def render(
        self, question: Question, *, name: str | None = None, style: PromptStyle = STANDARD_STYLE, **parameters: Any
    ) -> Prompt:
        """Return the request for a whole page. Raises PromptError.

        Args:
            question: The page's question.
            name: Name of the template; None to choose by the question.
            style: How prompts for the model are written.
            parameters: Request parameters; one that is None has the template's own value.
        """
        template = self.choose(question.text, name, is_short=style.is_short)
        return self._render(template, _variables(question), style, parameters)

    def render_seo(
        self,
        question: Question,
        answer: str,
        *,
        name: str | None = None,
        style: PromptStyle = STANDARD_STYLE,
        **parameters: Any,
    ) -> Prompt:
        """Return the request for a page's texts for search engines. Raises PromptError.

        Args:
            question: The page's question.
            answer: Its answer, as markdown.
            name: Name of the template; None to choose by the question.
            style: How prompts for the model are written.
            parameters: Request parameters; one that is None has the template's own value.
        """
        variables = {**_variables(question), "answer": answer}
        template = self.choose(question.text, name, "seo", is_short=style.is_short)
        return self._render(template, variables, style, parameters)

    def _render(
        self,
        template: PromptTemplate,
        variables: Mapping[str, Any],
        style: PromptStyle,
        parameters: Mapping[str, Any],
    ) -> Prompt:
        header = template.header
        # The examples of a short prompt are in Markdown, so the answer is too.
        style = PromptStyle(AnswerFormat.MARKDOWN, True) if header.style == "short" else style._replace(is_short=False)
        own = {"temperature": header.temperature, "max_tokens": header.max_tokens}
        given = {key: value for key, value in parameters.items() if value is not None}
        in_force = {key: value for key, value in {**own, **given}.items() if value is not None}
        constant = self._constant_part(template, style, tuple(in_force.items()))
        wording, schema = constant.wording_digest, constant.schema_digest
        return Prompt(
            name=header.name,
            version=header.version,
            shape=header.shape,
            messages=(*constant.messages, Message("user", self._fill(template, template.user, variables))),
            schema=self._schemas[header.shape],
            parameters=in_force,
            digest=digest(wording, schema, style.format, variables),
            wording_digest=wording,
            schema_digest=schema,
            style=style,
            grammar=constant.grammar,
        )

    def digests(self, **parameters: Any) -> dict[str, tuple[str, str]]:
        """Return the digests of the wording and of the schema of every template, by name."""
        variables = {**_variables(Question("?", "?")), "answer": "?"}
        prompts = (
            self._render(template, variables, STANDARD_STYLE, parameters) for template in self.templates.values()
        )
        return {prompt.name: (prompt.wording_digest, prompt.schema_digest) for prompt in prompts}

    def _constant_part(
        self, template: PromptTemplate, style: PromptStyle, in_force: tuple[tuple[str, Any], ...]
    ) -> "_ConstantPart":
        """Return what is the same for all questions. The digests do not depend on the answer's format."""
        header = template.header
        key = (header.name, style, in_force)
        if key not in self._constant_parts:
            schema = self._schemas[header.shape]
            system = self._fill(template, template.system, LIMITS)
            instructions = formats.instructions(header.shape, schema, style)
            examples = (self._fill(template, source, LIMITS) for source in template.examples)
            self._constant_parts[key] = _ConstantPart(
                (
                    Message("system", f"{system}\n\n{instructions}".strip()),
                    *(Message(role, text) for role, text in zip(cycle(("user", "assistant")), examples)),
                ),
                digest([header.name, header.version, template.sources, LIMITS, dict(in_force)]),
                digest(schema),
                formats.answer_grammar(header.shape, schema, style),
            )
        return self._constant_parts[key]

    def _fill(self, template: PromptTemplate, source: str, variables: Mapping[str, Any]) -> str:
        try:
            if source not in self._compiled:
                self._compiled[source] = self._environment.from_string(source)
            return self._compiled[source].render(variables).strip()
        except UndefinedError as error:
            remedy = f"the variables of this part are {', '.join(variables)}"
            raise PromptError(str(error), path=template.path, remedy=remedy) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise PromptError(str(error), path=template.path) from None

    def _load(self, file: Path) -> PromptTemplate:
        try:
            post = frontmatter.loads(file.read_text(encoding="utf-8"), handler=YAMLHandler())
            if not post.metadata:
                remedy = "begin with `---`, name, version, description, shape, max_tokens and `---`"
                raise PromptError("no front matter", path=file, remedy=remedy)
            header = PromptHeader.model_validate(post.metadata)
            system, *messages = MESSAGE_MARK.split(post.content)
            sources = (post.content, *self._included(post.content))
        except ValidationError as error:
            first = error.errors()[0]
            raise PromptError(first["msg"].lower(), path=file, field=".".join(map(str, first["loc"]))) from None
        except RecursionError:
            raise PromptError("its templates include each other in a loop", path=file) from None
        except (OSError, ValueError, yaml.YAMLError, TemplateError) as error:
            raise PromptError(" ".join(str(error).split()), path=file) from None
        roles, texts = messages[::2], messages[1::2]
        if roles[-1:] != ["user"] or roles != [*islice(cycle(("user", "assistant")), len(roles))]:
            remedy = "write `--- user ---` before the user part; `--- user ---` and `--- assistant ---` before examples"
            raise PromptError(f"its messages are {', '.join(['system', *roles])}", path=file, remedy=remedy)
        if header.shape not in self._schemas:
            remedy = f"the shapes are {', '.join(self._schemas)}"
            raise PromptError(f"unknown shape `{header.shape}`", path=file, field="shape", remedy=remedy)
        return PromptTemplate(header, system, tuple(texts[:-1]), texts[-1], sources, file)

    def _included(self, source: str) -> list[str]:
        """Return the sources of the templates that this one includes, at any depth."""
        loader = self._environment.loader
        names = [name for name in meta.find_referenced_templates(self._environment.parse(source)) if name]
        texts = [loader.get_source(self._environment, name)[0] for name in names if loader]
        return texts + [inner for text in texts for inner in self._included(text)]


def _variables(question: Question) -> dict[str, Any]:
    return {"question": question.text, "subject": question.subject, "context": question.context}


def escape_tags(text: object) -> str:
    """Return `text` with the `<` of the prompts' tags replaced by `‹`, so that it cannot close the tag around it."""
    return _DELIMITER.sub("‹", str(text))


def repair_prompt(prompt: Prompt, faults: Sequence[str], warmer: float) -> Prompt:
    """Return the prompt that asks again and names the faults of the last answer.

    The last answer itself is left out: it costs tokens, and small models copy it. A short prompt does not name the
    faults either, because a small model cannot act on them.

    Args:
        prompt: The first prompt.
        faults: What is wrong with the last answer, as sentences for the model.
        warmer: How much to raise the temperature, so that the same answer does not come back.
    """
    parameters = dict(prompt.parameters)
    if "temperature" in parameters:
        parameters["temperature"] = round(min(1.0, parameters["temperature"] + warmer), 2)
    if prompt.style.is_short:
        return replace(prompt, parameters=parameters)
    last = prompt.messages[-1]
    fault_list = "\n".join(f"- {escape_tags(fault)}" for fault in faults)
    complaint = f"An earlier answer could not be used:\n<faults>\n{fault_list}\n</faults>\nAvoid these faults."
    return replace(
        prompt,
        messages=(*prompt.messages[:-1], Message(last.role, f"{last.content}\n\n{complaint}")),
        parameters=parameters,
    )


def digest(*parts: object) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON of `parts`."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
