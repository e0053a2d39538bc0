"""Optional dependencies: say which extra installs what is missing."""

from importlib.util import find_spec

from qtgen.errors import MissingExtra


def missing(*modules: str) -> str | None:
    """Return the first of the modules that is not installed, or None."""
    return next((module for module in modules if find_spec(module) is None), None)


def require(what: str, extra: str, *modules: str) -> None:
    """Raise MissingExtra if one of the modules that `what` needs is not installed."""
    if module := missing(*modules):
        raise MissingExtra(what, extra, module)
