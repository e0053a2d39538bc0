"""Read a pack: its pages in order, and single pages by their path as if they were files of a folder."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from qtgen.errors import DamagedPack, QtgenError, UsageError
from qtgen.site.discovery import PageBatch
from qtgen.site.locations import MANIFEST_NAME, Location, shard_name
from qtgen.site.pack.format import SHARD_BYTES, Manifest, PackedPage, ShardRef, decode_manifest
from qtgen.site.pack.shards import OnDamage, OpenShard, load_shard, out_of_order
from qtgen.site.pack.storage import join_url, open_store

_OPEN_SHARDS = 2  # shards that stay open
_KEPT_BYTES = SHARD_BYTES  # bytes of contents that are kept for later look-ups


class Group(NamedTuple):
    """The intact pages of a row group."""

    shard: int
    group: int
    pages: list[PackedPage]


class Pack:
    """A pack, of which only the manifest is in memory."""

    def __init__(self, url: str, manifest: Manifest) -> None:
        self.url = url
        self.manifest = manifest
        self.shards = [ShardRef(join_url(url, shard.name), shard.pages, shard.sha256) for shard in manifest.shards]
        """Where the shards are. `read_shard` reads one, in any process."""

    def groups(self, on_damage: OnDamage) -> Iterator[Group]:
        """Yield the pages of each row group, in order. Memory is bounded by a shard.

        Args:
            on_damage: Called with each shard and page that cannot be used.
        """
        last = ""
        for number, ref in enumerate(self.shards):
            try:
                shard = load_shard(ref, on_damage)
            except DamagedPack as error:
                on_damage(error)
                continue
            for group in range(shard.groups):
                pages = []
                for page in shard.pages(group, on_damage):
                    if page.path > last:
                        last = page.path
                        pages.append(page)
                    else:
                        on_damage(out_of_order(ref.url, page.path))
                if pages:
                    yield Group(number, group, pages)


def open_pack(location: Location) -> Pack:
    """Open the pack in a folder or at a URL.

    Raises:
        UsageError: There is no pack, it is unfinished, its manifest is damaged, or a driver is not installed.
    """
    store = open_store(location)
    place = store.place_of(MANIFEST_NAME)
    try:
        raw = store.read(MANIFEST_NAME)
    except FileNotFoundError:
        if store.has(shard_name(0)):
            raise UsageError(
                f"there is no {MANIFEST_NAME}, so packing was interrupted",
                path=store.place_of(),
                remedy="pack the folder again",
            ) from None
        raise UsageError(f"not a pack: there is no {MANIFEST_NAME}", path=store.place_of()) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", path=place) from None
    return Pack(store.url, decode_manifest(raw, place))


class PackedSite(Mapping[str, bytes]):
    """The pages of a pack under the paths that they have in their folder, as reports show them.

    `batches` lists them. After that, their contents can be looked up by path. The parts that were read
    last are kept in memory, up to the size of a shard. Other parts are read again.

    Args:
        on_damage: Called with each part of the pack that cannot be used.
        with_links: Whether pages that are symbolic links to other pages of the pack are listed.
    """

    def __init__(self, pack: Pack, on_damage: OnDamage, *, with_links: bool = True) -> None:
        self._pack = pack
        self._on_damage = on_damage
        self._prefix = f"{pack.manifest.folder.rstrip('/')}/"
        self._with_links = with_links
        self._hidden: set[str] = set()
        self._firsts: list[str] = []  # the first path of each row group that was listed
        self._places: list[tuple[int, int]] = []
        self._kept: OrderedDict[tuple[int, int], tuple[dict[str, bytes], int]] = OrderedDict()
        self._kept_bytes = 0
        self._open: OrderedDict[int, OpenShard] = OrderedDict()

    @property
    def location(self) -> str:
        """Where the pack is."""
        return self._pack.url

    def batches(self) -> Iterator[PageBatch]:
        """Yield the pages in batches, as `iter_batches` does for the folder."""
        for group in self._groups():
            yield from self._batches_of([page for page in group.pages if self._with_links or page.same_as is None])

    def hide(self, paths: Iterable[str]) -> None:
        """Exclude these paths from look-ups, because their files take precedence over the pack."""
        self._hidden.update(paths)

    def _groups(self) -> Iterator[Group]:
        self._firsts, self._places = [], []
        is_empty = True
        for group in self._pack.groups(self._on_damage):
            is_empty = False
            self._firsts.append(group.pages[0].path)
            self._places.append((group.shard, group.group))
            self._keep((group.shard, group.group), group.pages)
            yield group
        if is_empty:
            self._on_damage(DamagedPack("no page of this pack can be used", path=self._pack.url))

    def _batches_of(self, pages: list[PackedPage]) -> Iterator[PageBatch]:
        paths = (self._prefix + page.path for page in pages)
        for folder, paths_of_folder in groupby(paths, lambda path: path.rpartition("/")[0] + "/"):
            names = [path.rpartition("/")[2] for path in paths_of_folder]
            yield PageBatch(folder, names, [(-1, 0)] * len(names))

    def __getitem__(self, path: str) -> bytes:
        if not path.startswith(self._prefix) or path in self._hidden:
            raise KeyError(path)
        name = path.removeprefix(self._prefix)
        number = bisect_right(self._firsts, name) - 1
        if number < 0:
            raise KeyError(path)
        return self._contents(self._places[number])[name]

    def __contains__(self, path: object) -> bool:
        with suppress(KeyError):
            return isinstance(path, str) and self[path] is not None
        return False

    def __iter__(self) -> Iterator[str]:
        return (path for batch in self.batches() for path in batch.paths())

    def __len__(self) -> int:
        return self._pack.manifest.pages

    def _contents(self, place: tuple[int, int]) -> dict[str, bytes]:
        if place not in self._kept:
            shard, group = place
            self._keep(place, self._shard(shard).pages(group, _ignore))
        self._kept.move_to_end(place)
        return self._kept[place][0]

    def _keep(self, place: tuple[int, int], pages: list[PackedPage]) -> None:
        if place in self._kept:
            return
        contents: dict[str, bytes] = {}
        for page in pages:  # if a path is repeated, the first one was listed
            contents.setdefault(page.path, page.contents)
        size = sum(map(len, contents.values()))
        self._kept[place] = contents, size
        self._kept_bytes += size
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, (_, size) = self._kept.popitem(last=False)
            self._kept_bytes -= size

    def _shard(self, number: int) -> OpenShard:
        if number not in self._open:
            try:
                self._open[number] = load_shard(self._pack.shards[number], _ignore)
            except DamagedPack as error:  # the shard was readable when its pages were listed
                remedy = "do not change the pack during a run"
                raise QtgenError(error.message, path=error.path, remedy=remedy) from None
            if len(self._open) > _OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open.move_to_end(number)
        return self._open[number]


def _ignore(_: DamagedPack) -> None:
    """Do nothing: damage was reported when the pages were listed."""
