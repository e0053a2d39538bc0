"""Dialects: how a request must be changed so that one endpoint accepts it.

`Dialect` describes the changes. `learn` derives the next dialect from an endpoint's error. `sender.DialectSender` is
the client's layer that applies the current dialect. `models` contains what some models need from the start.
"""

from qtgen.llm.dialect.learning import learn
from qtgen.llm.dialect.value import NO_DIALECT, Dialect

__all__ = ["NO_DIALECT", "Dialect", "learn"]
