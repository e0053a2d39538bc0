"""Remembered values of a function."""

from qtgen._util.memo import Memo


def test_each_value_is_computed_once_until_there_are_too_many() -> None:
    asked: list[str] = []
    lengths = Memo(lambda text: asked.append(text) or len(text), 2)  # type: ignore[func-returns-value]
    assert lengths.of(["a", "bb", "a", "bb"]) == [1, 2, 1, 2]
    assert asked == ["a", "bb"]
    assert lengths.of(["ccc", "a", "ccc"]) == [3, 1, 3]
    assert asked == ["a", "bb", "ccc", "a"]
    assert len(lengths) == 2
