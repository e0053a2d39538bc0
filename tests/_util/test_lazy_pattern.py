"""Patterns that are compiled when they are first used."""

import re

import pytest

from qtgen._util.lazy_pattern import lazy_pattern


def test_it_matches_like_a_pattern() -> None:
    pattern = lazy_pattern("^b(.)", re.MULTILINE)
    assert pattern.findall("ab\nbc") == ["c"]
    assert pattern.sub("x", "bc") == "x"
    assert (pattern.pattern, pattern.flags & re.MULTILINE) == ("^b(.)", re.MULTILINE)


def test_it_is_compiled_only_when_it_is_used() -> None:
    pattern = lazy_pattern("(")
    with pytest.raises(re.error):
        pattern.search("a")
