"""The page layout of a site as data: `site.toml` becomes one frozen `Profile`.

`site_file.py` has the tables of the file. `compile.py` turns a profile into the tables that read and write pages.
"""

import datetime as dt
import hashlib
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from qtgen.page.site_file import (
    BODY_FIELD,
    FILE_NAME,
    FORMAT,
    BodySpec,
    CloudCannon,
    FieldSpec,
    Generate,
    Kind,
    LayoutSpec,
    Links,
    Part,
    Renderer,
    Roles,
    Scalar,
    Shape,
    SiteFile,
    Slug,
)

if TYPE_CHECKING:
    from qtgen.page.layout import Layout

__all__ = [
    "BODY_FIELD",
    "FILE_NAME",
    "FORMAT",
    "BodySpec",
    "CloudCannon",
    "FieldSpec",
    "Generate",
    "Kind",
    "LayoutSpec",
    "Links",
    "Part",
    "Profile",
    "Renderer",
    "Roles",
    "Scalar",
    "Shape",
    "SiteFile",
    "Slug",
    "dates_as_texts",
    "default_profile",
    "find_profile",
    "load_profile",
    "parse_profile",
]


class Profile:
    """The layout of a site: what `site.toml` says, and where the file is.

    It is compared by its bytes and its place, and it is pickled as these. Each process compiles it once.

    Attributes:
        file: What the file says.
        raw: The bytes of the file.
        path: The file, or None for the default profile.
        digest: The first 16 hexadecimal digits of the SHA-256 of the bytes.
        layouts: What `compile.layouts_of` keeps here.
    """

    __slots__ = ("_hash", "digest", "file", "layouts", "path", "raw")

    def __init__(self, file: SiteFile, raw: bytes, path: Path | None) -> None:
        self.file, self.raw, self.path = file, raw, path
        self.layouts: tuple[Layout, ...] | None = None
        self.digest = hashlib.sha256(raw).hexdigest()[:16]
        self._hash = hash((raw, path))

    @property
    def root(self) -> Path | None:
        """The folder that the paths of pages are relative to; None for the default profile."""
        return self.path.parent if self.path else None

    @property
    def is_default(self) -> bool:
        """Whether it is the profile that ships with qtgen."""
        return self.path is None

    @property
    def cache_key(self) -> str:
        """What a cache of pages is valid for; empty for the default profile.

        If there are several layouts, the folder of the file decides which pages have which layout.
        """
        if self.is_default:
            return ""
        return self.digest if len(self.file.layout) == 1 else f"{self.digest} {self.root}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and (self.raw, self.path) == (other.raw, other.path)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return parse_profile, (self.raw, self.path)


@lru_cache(maxsize=64)
def parse_profile(raw: bytes, path: Path | None) -> Profile:
    """Return the profile in the bytes of a `site.toml`. Raises SettingsError with the file and the line.

    Args:
        path: The file, whose folder is the root of the site; None for the profile that ships with qtgen.
    """
    try:
        table = tomllib.loads(raw.decode())
        profile = Profile(msgspec.convert(dates_as_texts(table), SiteFile), raw, path)
    except (ValueError, msgspec.ValidationError):
        from qtgen.page.profile_errors import explain_invalid_file

        raise explain_invalid_file(raw, path) from None
    if path is not None:  # the tests check the default profile
        from qtgen.page.profile_check import check_profile

        check_profile(profile)
    return profile


def dates_as_texts(node: Any) -> Any:
    """Return a value of the file with texts instead of dates."""
    if isinstance(node, dict):
        return {key: dates_as_texts(value) for key, value in node.items()}
    if isinstance(node, list):
        return [dates_as_texts(value) for value in node]
    return node.isoformat() if isinstance(node, dt.date | dt.time) else node


def load_profile(path: Path) -> Profile:
    """Read a `site.toml`. Raises SettingsError with the file and the line."""
    from qtgen.errors import SettingsError

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror or error}", path=path) from None
    return parse_profile(raw, path.absolute())


@cache
def default_profile() -> Profile:
    """Return the profile that ships with qtgen."""
    return parse_profile(Path(__file__).with_name("default_site.toml").read_bytes(), None)


def find_profile(start: Path) -> Path | None:
    """Return the nearest `site.toml`, in `start` or above it, or None."""
    folders = [start.absolute(), *start.absolute().parents]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
