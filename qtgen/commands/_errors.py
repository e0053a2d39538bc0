"""Errors as one line for a person and an exit code: the only place where they become either."""

import os
from collections.abc import Sequence
from pathlib import Path

from qtgen._util.text import one_line
from qtgen.errors import (
    CacheMismatch,
    CassetteError,
    EndpointDown,
    FilesNotShared,
    Interrupted,
    MissingExtra,
    ModelNotFetched,
    PackExists,
    ProviderError,
    ProviderUnusable,
    QtgenError,
    RequestsFailAlike,
    SettingsError,
    UsageError,
)

# What to do about an error of a type, in words of the command line, if the error itself names no remedy.
_REMEDIES: dict[type[QtgenError], str] = {
    CassetteError: "record the suite with `qtgen eval run --record`",
    EndpointDown: "run the same command again to resume",
    RequestsFailAlike: "`qtgen check-endpoint` shows what the endpoint accepts",
    Interrupted: "run the same command again to resume",
    PackExists: "add --force to replace it",
    CacheMismatch: "add --no-cache to compute all of them again",
    FilesNotShared: "share the folder with all machines of the cluster, or pack it with `qtgen pack`",
}
# Settings whose option has another name, or that have none.
_OPTIONS = {
    "api_key": "OPENAI_API_KEY",
    "short_prompts": "the setting `short_prompts`",
}
# Settings without an option: errors name the file or the variable that the value came from.
_WITHOUT_OPTION = frozenset({"ledger", "local_model"})
# Settings with an option that errors name only if it was given.
_NAMED_BY_ORIGIN = frozenset({"site"})


def exit_code(error: QtgenError) -> int:
    """Return the exit code that the command contract gives this error."""
    if isinstance(error, Interrupted):
        return 130
    if isinstance(error, UsageError) or (isinstance(error, ProviderUnusable) and not isinstance(error, EndpointDown)):
        return 2
    return 1


def describe(error: QtgenError, arguments: Sequence[str] = ()) -> str:
    """Return one line that says what is wrong and what to do about it.

    `arguments` is the command line. If it does not contain the option of the setting that an endpoint's error concerns,
    the line names the variable or the file that the value came from.
    """
    return one_line(_describe(error, arguments))


def _describe(error: QtgenError, arguments: Sequence[str]) -> str:
    if isinstance(error, MissingExtra):
        return f"{error}; {install_hint(error.extra)}"
    if isinstance(error, ModelNotFetched):
        return f"{error}; run `qtgen models fetch {error.name}`"
    line = str(error)
    if error.setting is not None and error.path is None:
        place = option_of(error.setting)
        is_given = any(argument.partition("=")[0] == place for argument in arguments)
        by_origin = isinstance(error, ProviderError) or error.setting in _NAMED_BY_ORIGIN
        if error.setting in _WITHOUT_OPTION or (by_origin and not is_given):
            place = _origin(error.setting, place)
        line = f"{place}: {line}"
    if error.remedy is None:
        remedy = next((words for kind, words in _REMEDIES.items() if isinstance(error, kind)), None)
        line = f"{line}; {remedy}" if remedy else line
    return line


def option_of(setting: str) -> str:
    """Return the option (or variable) that sets a setting."""
    return _OPTIONS.get(setting, f"--{setting.replace('_', '-')}")


def _origin(setting: str, option: str) -> str:
    """Return where the value of a setting comes from. At its default it is named by its option, if it has one."""
    from qtgen.settings import load_settings

    try:
        origin = load_settings(Path.cwd(), os.environ, {}).origins[setting]
    except SettingsError:
        origin = "default"
    if origin == "default":
        return f"the setting `{setting}`" if setting in _WITHOUT_OPTION else option
    return origin.removeprefix("environment ") if origin.startswith("environment ") else f"{origin}: `{setting}`"


def install_hint(extra: str) -> str:
    """Return how to install an extra, in words that hold for a package index and for a wheel file."""
    return f"run `pip install 'qtgen[{extra}]'` (from a wheel file: `pip install 'PATH/qtgen-VERSION.whl[{extra}]'`)"
