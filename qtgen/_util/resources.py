"""The folders that ship with qtgen: prompt templates and examples."""

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """Return a folder that ships with qtgen: it is inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    in_wheel = package / "shipped" / name
    return in_wheel if in_wheel.is_dir() else package.parent / name
