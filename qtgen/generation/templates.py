"""Load prompt templates: Jinja files with front matter, split into their messages.

A template begins with the system part. The lines `--- user ---` and `--- assistant ---` begin the following messages.
The last one is the user part. Messages before it are worked examples. Only the user part can use the question. All
other parts are the same for every question, so that providers can cache them. Templates run in a sandbox, and an
undefined variable is an error.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, UndefinedError, meta
from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qtgen.errors import PromptError

SUFFIX = ".md.j2"
MESSAGE_MARK = re.compile(r"^--- (user|assistant) ---\n", re.MULTILINE)
_DELIMITER = re.compile(r"<(?=\s*/?\s*(?:question|subject|source|answer|faults)\b)", re.IGNORECASE)

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
        examples: The sources of the worked examples, alternately user and assistant messages.
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
        phrases = self.header.asked_with
        return bool(phrases) and _any_of(phrases).search(question) is not None


@cache
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern that finds any of the phrases, as whole words."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})(?![\w'’])", re.IGNORECASE)


class TemplateFolders:
    """The templates in some folders, and the environment that renders them.

    Args:
        folders: If several contain a template of the same name, the first one wins.
        shapes: The names of the answers' shapes.
        unused: The names of shapes that the site does not use. Templates with such a shape are left out.

    Raises PromptError if a template cannot be used.
    """

    def __init__(self, folders: Sequence[Path], shapes: Set[str], unused: Set[str]) -> None:
        self._shapes, self._unused = shapes, unused
        self._compiled: dict[str, JinjaTemplate] = {}
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(folder) for folder in folders]),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are text, not HTML
            auto_reload=False,  # a run has one version of each prompt
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["data"] = escape_tags
        templates: dict[str, PromptTemplate] = {}
        for folder in folders:
            for template in map(self._load, sorted(folder.glob(f"[!_]*{SUFFIX}"))):
                if template.header.shape not in unused:
                    templates.setdefault(template.header.name, template)
        self.templates = templates

    def add_generic(self, header: PromptHeader, name: str) -> None:
        """Add a template without its own file: the header, with the text of a file that others include.

        Raises PromptError if there is no such file.
        """
        loader = self._environment.loader
        try:
            source, path, _ = loader.get_source(self._environment, name) if loader else ("", name, None)
        except TemplateNotFound:
            remedy = f"add a prompt with `shape: {header.shape}`"
            raise PromptError(f"no prompt asks for the shape `{header.shape}`", remedy=remedy) from None
        system, *messages = MESSAGE_MARK.split(source)
        sources = (source, *self._included(source))
        template = PromptTemplate(header, system, tuple(messages[1:-1:2]), messages[-1], sources, Path(path or name))
        self.templates[header.name] = template

    def fill(self, template: PromptTemplate, source: str, variables: Mapping[str, Any]) -> str:
        """Return a part of a template with its variables filled in. Raises PromptError."""
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
        if header.shape not in self._shapes | self._unused:
            remedy = f"the shapes are {', '.join(self._shapes)}"
            raise PromptError(f"unknown shape `{header.shape}`", path=file, field="shape", remedy=remedy)
        return PromptTemplate(header, system, tuple(texts[:-1]), texts[-1], sources, file)

    def _included(self, source: str) -> list[str]:
        """Return the sources of the templates that this one includes, at any depth."""
        loader = self._environment.loader
        names = [name for name in meta.find_referenced_templates(self._environment.parse(source)) if name]
        texts = [loader.get_source(self._environment, name)[0] for name in names if loader]
        return texts + [inner for text in texts for inner in self._included(text)]


def escape_tags(text: object) -> str:
    """Return `text` with the `<` of the prompts' tags replaced by `‹`, so that it cannot close the tag around it."""
    return _DELIMITER.sub("‹", str(text))
