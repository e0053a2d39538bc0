"""Language models: prompts in, completions out, with retries, rate limits, a budget and a ledger of every request.

Importing this package loads no client. `open_providers` and the other functions that need one load it when used.
"""

from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes
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

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _LAZY)
