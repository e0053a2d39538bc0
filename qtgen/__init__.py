"""qtgen turns questions into question-and-answer pages, validates pages and scores them against references.

The names below are the public API. Each is imported from its package when it is first used, so `import qtgen` is quick
and needs no optional dependency.

    >>> import qtgen
    >>> page = qtgen.read_page("outputs/biology/what-is-osmosis.md")  # doctest: +SKIP
    >>> for diagnostic in qtgen.validate(["outputs"]):  # doctest: +SKIP
    ...     print(diagnostic.path, diagnostic.line, diagnostic.code)
"""

import logging
from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes

if TYPE_CHECKING:
    from qtgen.errors import QtgenError
    from qtgen.evaluation import evaluate, score
    from qtgen.generation import Question, generate
    from qtgen.linking import link
    from qtgen.llm.types import Provider
    from qtgen.page import Page
    from qtgen.site.api import read_page
    from qtgen.validation import Diagnostic, Severity, fix, validate

__version__ = "0.1.0"

_EXPORTS = {
    "Diagnostic": "qtgen.validation",
    "Page": "qtgen.page",
    "Provider": "qtgen.llm.types",
    "QtgenError": "qtgen.errors",
    "Question": "qtgen.generation",
    "Severity": "qtgen.validation",
    "evaluate": "qtgen.evaluation",
    "fix": "qtgen.validation",
    "generate": "qtgen.generation",
    "link": "qtgen.linking",
    "read_page": "qtgen.site.api",
    "score": "qtgen.evaluation",
    "validate": "qtgen.validation",
}
__all__ = [
    "Diagnostic",
    "Page",
    "Provider",
    "QtgenError",
    "Question",
    "Severity",
    "__version__",
    "evaluate",
    "fix",
    "generate",
    "link",
    "read_page",
    "score",
    "validate",
]

logging.getLogger("qtgen").addHandler(logging.NullHandler())  # a library logs nothing unless its user asks for it

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _EXPORTS)
