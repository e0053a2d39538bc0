"""Packs: the pages of a folder as Parquet shards, for machines that share no files."""

from qtgen.site.pack.format import ShardRef
from qtgen.site.pack.reader import Pack, PackedSite, open_pack
from qtgen.site.pack.shards import read_shard
from qtgen.site.pack.unpack import UnpackReport, unpack_pages
from qtgen.site.pack.writer import NotPacked, PackReport, pack_folder

__all__ = [
    "NotPacked",
    "Pack",
    "PackReport",
    "PackedSite",
    "ShardRef",
    "UnpackReport",
    "open_pack",
    "pack_folder",
    "read_shard",
    "unpack_pages",
]
