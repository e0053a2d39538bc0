"""Language models: prompts in, completions out, with retries, rate limits, a budget and a ledger of every request.

Importing this package loads no client. `open_providers` and the other functions that need one load it when used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import Completion, Limits, Message, Prompt, Provider, Usage

if TYPE_CHECKING:
    from qtgen.llm.endpoint import Endpoint
    from qtgen.llm.factory import open_clients, open_ledger, open_providers
    from qtgen.llm.providers import provider

_LAZY = {
    "Endpoint": "qtgen.llm.endpoint",
    "open_clients": "qtgen.llm.factory",
    "open_ledger": "qtgen.llm.factory",
    "open_providers": "qtgen.llm.factory",
    "provider": "qtgen.llm.providers",
}

__all__ = [
    "Completion",
    "Endpoint",
    "Limits",
    "Message",
    "Prompt",
    "Provider",
    "Request",
    "Sender",
    "Usage",
    "open_clients",
    "open_ledger",
    "open_providers",
    "provider",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
