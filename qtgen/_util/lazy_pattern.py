"""Regular expressions that are compiled when they are first used, because compiling a long one takes milliseconds."""

import re
from typing import Any, cast


class _LazyPattern:
    """Stands for a pattern until one of its attributes is needed. After that, it has the attributes that were used."""

    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, value)
        return value


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled when it is first used. An invalid one raises re.error only then."""
    return cast("re.Pattern[str]", _LazyPattern(source, flags))
