"""Pacing: how many requests are in flight, and when the next one may be sent.

`AdaptiveLimiter` decides and has no clock: every call is given the time, so a test can simulate an hour. `Pacer` makes
coroutines wait for its decision. `PacedSender` is the client's layer that uses both and the budget.
"""

from qtgen.llm.pacing.allowance import Allowance
from qtgen.llm.pacing.limiter import AdaptiveLimiter
from qtgen.llm.pacing.pacer import Pacer
from qtgen.llm.pacing.sender import PacedSender

__all__ = ["AdaptiveLimiter", "Allowance", "PacedSender", "Pacer"]
