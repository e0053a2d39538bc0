"""qtgen: questions in, checked and scored pages out. Start at `records.py`, then `generator.py`."""

__version__ = "0.1.0"
