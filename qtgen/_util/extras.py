"""Check that optional dependencies are installed, and name the extra that installs them."""

from importlib.util import find_spec

from qtgen.errors import MissingExtra


def missing(*modules: str) -> str | None:
    """Return the first of the modules that is not installed, or None. Nothing is imported but parent packages."""
    return next((module for module in modules if not _is_installed(module)), None)


def require(what: str, extra: str, *modules: str) -> None:
    """Raise MissingExtra if one of the modules that `what` needs is not installed.

    Args:
        what: What needs the modules, as the subject of a sentence: "Choosing links".
        extra: The extra that installs them.
    """
    if module := missing(*modules):
        raise MissingExtra(what, extra, module)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that the module belongs to is missing
        return False
