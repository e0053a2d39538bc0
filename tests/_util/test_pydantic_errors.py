"""Tests of the words for values that pydantic rejects."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from qtgen._util.pydantic_errors import did_you_mean, dotted_path, expectation, suggestion, unquoted_path


def check_even(value: int) -> int:
    if value % 2:
        raise ValueError("Must be even")
    return value


class Table(BaseModel, extra="forbid"):
    number: int = 0


class Model(BaseModel):
    limited: float = Field(0, gt=-1, lt=10, allow_inf_nan=False)
    choice: Literal["red", "blue"] = "red"
    even: Annotated[int, AfterValidator(check_even)] = 0
    flag: bool = False
    path: Path = Path()
    words: tuple[str, ...] = ()
    tables: dict[str, Table] = Field(default={})


def error_for(**values: Any) -> ErrorDetails:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(values)
    return caught.value.errors()[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"limited": -1}, "must be greater than -1, not -1"),
        ({"limited": 10}, "must be less than 10, not 10"),
        ({"limited": "x"}, "must be a number, not 'x'"),
        ({"limited": float("nan")}, "must be a finite number, not nan"),
        ({"choice": "green"}, "must be 'red' or 'blue', not 'green'"),
        ({"even": 3}, "must be even, not 3"),
        ({"even": 2.5}, "must be a whole number, not 2.5"),
        ({"flag": 7}, "must be true or false, not 7"),
        ({"words": Path("a")}, "must be a list, [\"…\"], not 'a'"),
        ({"words": ["a", 3]}, 'must be a text in quotes, "…", not 3'),
        ({"tables": 3}, "must be a table, [name] with keys of its own, not 3"),
        ({"choice": "\x1b[31m"}, r"must be 'red' or 'blue', not '\x1b[31m'"),
    ],
)
def test_a_rejected_value_is_explained(values: dict[str, Any], words: str) -> None:
    assert expectation(error_for(**values)) == words


def test_a_value_can_be_kept_secret() -> None:
    assert expectation(error_for(even=3), show_value=False) == "must be even"


def test_a_word_like_an_accepted_one_is_suggested() -> None:
    assert suggestion(error_for(choice="bleu")) == "did you mean `blue`?"
    assert suggestion(error_for(choice="42")) is None
    assert suggestion(error_for(even=3)) is None
    assert did_you_mean("selct", ["ignore", "select"]) == "did you mean `select`?"
    assert did_you_mean("selct", ["select"], cutoff=1.0) is None


def test_a_path_is_quoted_where_toml_needs_it() -> None:
    assert dotted_path(("tables", "gpt-4.1", "input", 0)) == 'tables."gpt-4.1".input.0'
    assert dotted_path(("tables", 'a"\x1b')) == r'tables."a\"\u001b"'


@pytest.mark.parametrize(
    ("tables", "header"),
    [
        ({"a": {"b": {"number": 1}}}, 'tables."a.b"'),
        ({"a": {"b": {"c": {"number": 1}}}}, 'tables."a.b.c"'),
        ({"a": {"nummer": 1}}, None),
        ({"a": {"number": "x"}}, None),
    ],
)
def test_a_table_name_that_lacks_its_quotes_is_recognized(tables: dict[str, Any], header: str | None) -> None:
    assert unquoted_path(error_for(tables=tables)) == header
