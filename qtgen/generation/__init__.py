"""Generate pages from questions.

The public names are `Question`, `Draft`, `Outcome`, `Status`, `GenerationConfig` and `generate`. They are loaded when
they are used: importing this package needs neither the template engine nor an LLM client.
"""

from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes

if TYPE_CHECKING:
    from qtgen.generation.api import generate
    from qtgen.generation.config import GenerationConfig
    from qtgen.generation.types import Draft, Outcome, Question, Status

__all__ = ["Draft", "GenerationConfig", "Outcome", "Question", "Status", "generate"]

_MODULES = {
    "Draft": ".types",
    "GenerationConfig": ".config",
    "Outcome": ".types",
    "Question": ".types",
    "Status": ".types",
    "generate": ".api",
}

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _MODULES)
