"""Further headers and query parameters of each request, with secrets taken from the environment.

In `qtgen.toml`:

    [headers]
    X-Team = "editors"
    X-Gateway-Key = "$GATEWAY_KEY"
    Authorization = "Bearer ${GATEWAY_TOKEN}"

The references are resolved only when a connection is opened, so a secret is never part of `Settings` or `Endpoint`.
"""

from collections.abc import Mapping
from string import Template

from qtgen.errors import SettingsError


def resolve(headers: Mapping[str, str], environ: Mapping[str, str], table: str = "headers") -> dict[str, str]:
    """Return the headers, or the values of another table of qtgen.toml.

    Each `$NAME` and `${NAME}` is replaced by that environment variable; `$$` is a dollar sign. Raises SettingsError,
    which names the header and never its value.
    """
    return {name: _resolved(f"{table}.{name}", value, environ) for name, value in headers.items()}


def _resolved(field: str, value: str, environ: Mapping[str, str]) -> str:
    try:
        resolved = Template(value).substitute(environ).strip()
    except KeyError as error:
        variable = str(error.args[0])
        raise SettingsError(
            f"the environment variable {variable} is not set", path="qtgen.toml", field=field, remedy=f"set {variable}"
        ) from None
    except ValueError:
        raise SettingsError(
            "a dollar sign must begin the name of an environment variable",
            path="qtgen.toml",
            field=field,
            remedy="write `$$` for a dollar sign",
        ) from None
    if not resolved.isascii() or not resolved.isprintable():
        raise SettingsError("its value contains a character that no header can hold", path="qtgen.toml", field=field)
    return resolved
