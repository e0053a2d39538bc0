"""The format of packs: Parquet shards of pages, and a manifest that lists the shards and is written last."""

import json
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from qtgen.errors import UsageError
from qtgen.site.locations import MANIFEST_NAME

VERSION = 1
COLUMNS = ("path", "contents", "sha256", "same_as")
"""The columns of a shard. All are binary, because a path can be invalid text."""

SHARD_BYTES = 32 << 20
SHARD_PAGES = 20_000
GROUP_BYTES = 1 << 20
GROUP_PAGES = 1_000
"""A shard, and a row group in it, is complete when it has this many pages or bytes of contents."""

PAGE_BYTES = 1 << 30
"""The size of the largest file that a shard can hold."""

_SHARD_NAME = r"^pages-[0-9]{5,9}\.parquet$"
_PACK_AGAIN = "pack the folder again"


class PackedPage(NamedTuple):
    """A row of a shard.

    Args:
        path: The path of the page in its folder. Bytes that are not UTF-8 are surrogates, as in `os.fsdecode`.
        contents: The bytes of the file.
        same_as: The path of another page in the folder, if this one is a symbolic link to it.
    """

    path: str
    contents: bytes
    same_as: str | None = None


class ShardRef(NamedTuple):
    """The location of a shard, and its facts from the manifest."""

    url: str
    pages: int
    sha256: str


def _check_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be a text")
    return value


class ShardEntry(BaseModel):
    """The entry of a shard in the manifest."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=_SHARD_NAME)
    pages: int = Field(gt=0)
    bytes: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The manifest of a pack.

    Attributes:
        version: The version of the format.
        folder: The packed folder, as reports show it. It precedes the paths of the pages.
        pages: The number of all pages.
        bytes: The size of their contents.
        shards: All shards, in the order of the paths of their pages.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal["qtgen-pack"] = "qtgen-pack"
    version: int = VERSION
    folder: Annotated[str, PlainValidator(_check_text)]  # pydantic's text excludes names that are not UTF-8
    pages: int = Field(ge=0)
    bytes: int = Field(ge=0)
    shards: tuple[ShardEntry, ...]


def is_pack_file(name: str) -> bool:
    """Return whether a file of this name belongs to a pack."""
    return name == MANIFEST_NAME or (name.startswith("pages-") and name.endswith(".parquet"))


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the bytes of the manifest."""
    fields = {**manifest.model_dump(exclude={"folder"}), "folder": manifest.folder}
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


def decode_manifest(raw: bytes, place: str) -> Manifest:
    """Return the manifest. Raises UsageError if it is damaged, or was written by a newer version.

    Args:
        place: Where the manifest is, for messages.
    """
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a manifest ({error})", path=place, remedy=_PACK_AGAIN) from None
    version = fields.get("version") if isinstance(fields, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise UsageError(
            f"the pack has format version {version}, and this qtgen reads up to {VERSION}",
            path=place,
            remedy="install a newer qtgen",
        )
    try:
        manifest = Manifest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or None
        raise UsageError(
            f"damaged: {first['msg'][:1].lower()}{first['msg'][1:]}", path=place, field=field, remedy=_PACK_AGAIN
        ) from None
    if manifest.pages != sum(shard.pages for shard in manifest.shards):
        raise UsageError("damaged: the shards do not add up to `pages`", path=place, remedy=_PACK_AGAIN)
    return manifest


def encode_path(path: str) -> bytes:
    """Return the bytes of a path in a shard."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(raw: bytes) -> str:
    """Return the path that has these bytes."""
    return raw.decode("utf-8", "surrogateescape")
