"""Read and write the files of a pack through fsspec: in a local folder, or at a URL such as `s3://bucket/site`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qtgen._util.credentials import masked_address
from qtgen.errors import OutputError, QtgenError, UsageError
from qtgen.site.locations import Location, is_url


def join_url(url: str, name: str) -> str:
    """Return the URL of a file in the folder at `url`. A chained URL (`zip://a::file.zip`) keeps its other parts."""
    head, separator, rest = url.partition("::")
    return f"{head}{'' if head.endswith('/') else '/'}{name}{separator}{rest}"


@dataclass(frozen=True, slots=True)
class Store:
    """A folder that holds, or will hold, a pack.

    Args:
        url: Its path or URL.
        files: The fsspec file system.
        root: The folder's path in the file system.
    """

    url: str
    files: Any
    root: str

    def place_of(self, name: str = "") -> str:
        """Return the path or URL of a file in the folder, without a password in it, for messages."""
        url = join_url(self.url, name) if name else self.url
        return masked_address(url) if "@" in url or "?" in url else url

    def names(self) -> list[str]:
        """Return the names of the files and folders. Return none if the folder does not exist."""
        with self._as_usage_error():
            try:
                paths = self.files.ls(self._path(), detail=False)
            except FileNotFoundError:
                return []
            except NotADirectoryError:
                raise UsageError("not a folder", path=self.place_of()) from None
        return sorted(name for path in paths if (name := str(path).rstrip("/").rpartition("/")[2]))

    def has(self, name: str) -> bool:
        """Return whether the folder has a file of this name."""
        with self._as_usage_error():
            return bool(self.files.exists(self._path(name)))

    def read(self, name: str) -> bytes:
        """Return the contents of a file. Raises OSError."""
        try:
            return bytes(self.files.cat_file(self._path(name)))
        except (OSError, QtgenError):
            raise
        except Exception as error:  # noqa: BLE001 - drivers raise errors of their own
            raise OSError(_reason(error)) from None

    def write(self, name: str, contents: bytes) -> None:
        """Write a file, and the folder if it does not exist. Raises OutputError."""
        with self._as_output_error(name):
            self.files.makedirs(self._path(), exist_ok=True)
            self.files.pipe_file(self._path(name), contents)

    def remove(self, name: str) -> None:
        """Remove a file. Raises OutputError."""
        with self._as_output_error(name):
            self.files.rm_file(self._path(name))

    def _path(self, name: str = "") -> str:
        return f"{self.root}/{name}" if name else self.root or "/"

    @contextmanager
    def _as_usage_error(self) -> Iterator[None]:
        try:
            yield
        except QtgenError:
            raise
        except Exception as error:  # noqa: BLE001 - drivers raise errors of their own
            raise UsageError(f"cannot be read: {_reason(error)}", path=self.place_of()) from None

    @contextmanager
    def _as_output_error(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - drivers raise errors of their own
            raise OutputError(_reason(error), path=self.place_of(name)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, NotImplementedError):
        return "this protocol does not support that"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def open_store(location: Location) -> Store:
    """Return the folder at a path or a URL, which need not exist.

    Raises:
        UsageError: The driver of the URL's protocol is not installed, or the URL is wrong.
    """
    url = location if isinstance(location, str) else location.as_posix()
    return Store(url, *_file_system(url))


def open_file(url: str) -> bytes:
    """Return the contents of the file at a path or a URL. Raises OSError, and UsageError as `open_store` does."""
    files, path = _file_system(url)
    return Store(url, files, path).read("")


def _file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    if not is_url(url):
        return LocalFileSystem(auto_mkdir=False), url.removesuffix("/") or "/"
    place = masked_address(url) if "@" in url or "?" in url else url
    try:
        files, path = url_to_fs(url)
        files.invalidate_cache()
    except ImportError as error:
        raise UsageError(f"the driver of this protocol is not installed: {error}", path=place) from None
    except ValueError as error:
        message = str(error)[:1].lower() + str(error)[1:]
        raise UsageError(message, path=place, remedy="use a folder, or a URL that fsspec knows") from None
    except Exception as error:  # noqa: BLE001 - drivers raise errors of their own
        raise UsageError(f"cannot be opened: {_reason(error)}", path=place) from None
    return files, str(path).removesuffix("/")
