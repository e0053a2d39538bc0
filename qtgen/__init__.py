"""qtgen: questions in, checked pages out. Start at `records.py`, then `generator.py`."""

__version__ = "0.1.0"
