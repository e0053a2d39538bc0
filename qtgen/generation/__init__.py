"""Generate pages from questions.

The public names are `Question`, `Draft`, `Outcome`, `Status`, `GenerationConfig` and `generate`. They are loaded when
they are used: importing this package needs neither the template engine nor an LLM client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtgen.generation.api import generate
    from qtgen.generation.config import GenerationConfig
    from qtgen.generation.types import Draft, Outcome, Question, Status

__all__ = ["Draft", "GenerationConfig", "Outcome", "Question", "Status", "generate"]

_MODULES = {
    "Draft": "types",
    "GenerationConfig": "config",
    "Outcome": "types",
    "Question": "types",
    "Status": "types",
    "generate": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
