"""Render prompt templates with a question to a `Prompt` with a digest. `templates.py` describes the files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from qtgen.errors import PromptError
from qtgen.generation import formats, own_shapes, page_texts
from qtgen.generation.answers import SHIPPED
from qtgen.generation.templates import PromptHeader, PromptTemplate, Task, TemplateFolders, escape_tags
from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, AnswerFormat, Message, Prompt, PromptStyle
from qtgen.page.layout import Layout
from qtgen.page.profile import Shape

_GENERIC = "_shape.md.j2"
"""The text of the prompts for shapes of the site that no prompt has."""
_CHARACTERS_PER_TOKEN = 2  # of an answer; ordinary prose has about four
_TOKENS_OF_TEXTS = 400  # for the texts besides the answer


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
        layout: The layout of the pages.

    Raises PromptError if a template cannot be used.
    """

    def __init__(self, folders: Sequence[Path], schemas: Mapping[str, Mapping[str, Any]], layout: Layout) -> None:
        self._schemas, self._layout = schemas, layout
        self._limits = page_texts.variables(layout)
        self._own = {shape.name: shape for shape in layout.profile.file.shape if shape.name in schemas}
        self._constant_parts: dict[tuple[Any, ...], _ConstantPart] = {}
        known = {*SHIPPED, *(shape.name for shape in layout.profile.file.shape)}
        self._folders = TemplateFolders(folders, schemas.keys(), known - schemas.keys())
        for shape in self._own.values():
            if all(template.header.shape != shape.name for template in self.templates.values()):
                self._folders.add_generic(self._generic_header(shape), _GENERIC)

    @property
    def templates(self) -> Mapping[str, PromptTemplate]:
        """The templates, by name."""
        return self._folders.templates

    def _generic_header(self, shape: Shape) -> PromptHeader:
        """Return the header of the prompt of a shape that no prompt has.

        It applies to every question if no other prompt does, else to questions that contain the name of the shape.
        """
        others = [template for template in self.templates.values() if template.header.task == "page"]
        has_default = any(not template.header.asked_with for template in others)
        return PromptHeader(
            name=shape.name if shape.name not in self.templates else f"{shape.name}-shape",
            version=1,
            description=f"An answer in the shape `{shape.name}`.",
            shape=shape.name,
            asked_with=(shape.name.replace("-", " "),) if has_default else (),
            temperature=0.2,
            max_tokens=own_shapes.longest(shape) // _CHARACTERS_PER_TOKEN + _TOKENS_OF_TEXTS,
        )

    def choose(
        self, question: str, name: str | None = None, task: Task = "page", *, is_short: bool = False
    ) -> PromptTemplate:
        """Return the template for a question.

        If `name` is given, it is the template of that name. Otherwise it is the first template with a phrase that the
        question contains, or else the template without phrases. Short templates are only for small models. If there is
        no short template, small models get a standard one. Raises PromptError if there is no template.
        """
        if task == "page" and self._layout.roles.answer is None:
            raise PromptError("the pages of the site have no answer", remedy="add answer=… to the roles of the layout")
        suitable = {name: template for name, template in self.templates.items() if template.header.task == task}
        if name is not None:
            if name not in suitable:
                problem = f"prompt `{name}` is not for a {task}" if name in self.templates else f"no prompt `{name}`"
                raise PromptError(problem, remedy=f"the prompts are {', '.join(suitable)}")
            return suitable[name]
        short = [template for template in suitable.values() if template.header.style == "short"]
        standard = [template for template in suitable.values() if template.header.style == "standard"]
        own = [template for template in standard if template.header.shape in self._own]
        choices = [*short, *own] if is_short and short else standard
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
            messages=(*constant.messages, Message("user", self._folders.fill(template, template.user, variables))),
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
            limits = self._variables_of(header.shape)
            system = self._folders.fill(template, template.system, limits)
            instructions = formats.instructions(header.shape, schema, style, self._layout)
            examples = (self._folders.fill(template, source, limits) for source in template.examples)
            self._constant_parts[key] = _ConstantPart(
                (
                    Message("system", f"{system}\n\n{instructions}".strip()),
                    *(Message(role, text) for role, text in zip(cycle(("user", "assistant")), examples)),
                ),
                digest([header.name, header.version, template.sources, limits, dict(in_force)]),
                digest(schema),
                formats.answer_grammar(header.shape, schema, style, self._layout),
            )
        return self._constant_parts[key]

    def _variables_of(self, shape: str) -> dict[str, Any]:
        """Return the variables of the system part of a template."""
        parts = {"parts": own_shapes.requests(self._own[shape])} if shape in self._own else {}
        return {**self._limits, **parts}


def _variables(question: Question) -> dict[str, Any]:
    return {"question": question.text, "subject": question.subject, "context": question.context}


TEMPERATURE_STEP = 0.1
"""Added to the temperature for each repair request, so that the same answer does not come back."""


def repair_prompt(prompt: Prompt, faults: Sequence[str], number: int) -> Prompt:
    """Return the prompt that asks again and names the faults of the last answer.

    The last answer itself is left out, because it costs tokens and small models copy it. A short prompt does not list
    the faults either, because a small model cannot act on them.

    Args:
        prompt: The first prompt.
        faults: What is wrong with the last answer, as sentences for the model.
        number: Which repair it is, from 1.
    """
    parameters = dict(prompt.parameters)
    if "temperature" in parameters:
        own = parameters["temperature"]
        parameters["temperature"] = max(own, round(min(1.0, own + TEMPERATURE_STEP * number), 2))
    if prompt.style.is_short:
        is_same = parameters == prompt.parameters
        return replace(prompt, parameters=parameters, sample=prompt.sample + number if is_same else prompt.sample)
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
