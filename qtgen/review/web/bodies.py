"""The bodies of requests that the scripts of the pages send."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qtgen._util.pydantic_errors import dotted_path, expectation
from qtgen.errors import UsageError
from qtgen.generation.decisions import Action

_Body = TypeVar("_Body", bound="_Strict")
FIELD_MAX = 1_100_000  # characters; a page has at most a megabyte
_UNKNOWN = "is not a field of this request"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(max_length=2_000)


class DecisionBody(_Strict):
    """A decision as the review screen and the edit screen send it."""

    id: str = Field(max_length=36)
    action: Action
    file_digest: str = Field("", max_length=64)
    queue: str = Field("", max_length=200)
    reasons: tuple[str, ...] = Field((), max_length=7)
    note: str = ""
    acceptable: bool | None = None
    prefers: Literal["a", "b", "new", "old", "same"] | None = None
    fields: Mapping[str, str] = {}
    shown: Mapping[str, str] = {}
    undoes: str | None = None
    rewrite: str = Field("", max_length=64)
    seconds: float | None = Field(None, ge=0, le=86_400)


class DraftBody(_Strict):
    """A draft of an edit: the fields that differ from the page."""

    file_digest: str = Field(max_length=64)
    fields: Mapping[str, str] = {}
    note: str = ""


class CheckBody(_Strict):
    """An edit to check. For a blind reviewer, `queue` hides the findings that the page had before."""

    fields: Mapping[str, str] = {}
    queue: str = Field("", max_length=200)


class ReserveBody(_Strict):
    """A page that a reviewer has open."""


def read_body(model: type[_Body], body: bytes) -> _Body:
    """Return the body of a request. Raises UsageError for anything that the app's own pages do not send."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise UsageError("the body is not a JSON object") from None
        message = _UNKNOWN if first["type"] == "extra_forbidden" else expectation(first, show_value=False)
        raise UsageError(f"`{dotted_path(first['loc'])}` {message}") from None
