"""Files that ship with qtgen: the prompts and the example questions."""

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """A folder that comes with qtgen: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
