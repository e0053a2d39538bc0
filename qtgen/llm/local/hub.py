"""Fetch a model file from a Hugging Face hub.

`huggingface_hub` handles the protocol, the address, the token, its cache and its environment variables. It discards the
part of an interrupted download. qtgen keeps the part itself, because a model can be several gigabytes.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.errors import ModelError
from qtgen.llm.local.table import HubSource, ModelEntry

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

_SHA256 = re.compile("[0-9a-f]{64}")
_INVALID = "correct or unset the variable"
_CONNECTION = "check the connection, or set HF_ENDPOINT to a mirror, then run the same command again"


@dataclass(frozen=True, slots=True)
class HubFile:
    """What the hub says about a file. `sha256` is None for a file outside large-file storage."""

    url: str
    etag: str
    sha256: str | None
    commit: str | None
    size: int | None


def find_in_hub_cache(entry: ModelEntry, source: HubSource) -> Path | None:
    """Return the file in the cache of `huggingface_hub`, which other programs use too, or None. Raises ModelError."""
    with _as_model_error(entry, source):
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(source.repository, source.file, revision=source.revision)
    return Path(cached) if isinstance(cached, str) else None


def look_up(entry: ModelEntry, source: HubSource, environ: Mapping[str, str]) -> HubFile:
    """Ask the hub for a file's digest and size. Raises ModelError."""
    endpoint = environ.get("HF_ENDPOINT") or None
    with _as_model_error(entry, source):
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        url = hf_hub_url(source.repository, source.file, revision=source.revision, endpoint=endpoint)
        metadata = get_hf_file_metadata(url, endpoint=endpoint)
        if not metadata.etag:
            raise ModelError(f"{url} sends no digest, so it is not a hub", remedy="check HF_ENDPOINT")
    digest = metadata.etag if _SHA256.fullmatch(metadata.etag) else None
    return HubFile(url, metadata.etag, digest, metadata.commit_hash, metadata.size)


def download(entry: ModelEntry, source: HubSource, file: HubFile, folder: Path, *, progress: bool = False) -> Path:
    """Download a file into `folder`, or resume its download if a part is there, and return the path of the file.

    An interrupted download leaves a part, whose name contains the file's ETag. Raises ModelError, and OSError if
    the folder cannot be written.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    if not progress:
        disable_progress_bars()
    part = folder / f"{re.sub('[^A-Za-z0-9]', '', file.etag)[:64]}.part"
    have = part.stat().st_size if part.exists() else 0
    if file.size is not None and have > file.size:
        part.unlink()
        have = 0
    if have == file.size:
        return part
    with part.open("ab") as target, _as_model_error(entry, source):
        http_get(
            file.url, target, resume_size=have, headers=build_hf_headers(), expected_size=file.size,
            displayed_filename=entry.name,
        )  # fmt: skip
    return part


@contextlib.contextmanager
def _as_model_error(entry: ModelEntry, source: HubSource) -> Iterator[None]:
    """Turn the library's errors into ModelError, except OSErrors of the disk."""
    try:
        from huggingface_hub import errors
    except ValueError:  # the library reads its variables when it is imported
        raise _failed(entry, "HF_ENDPOINT is invalid", _INVALID) from None
    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise _failed(entry, "HF_HUB_OFFLINE is set", "unset it, or fetch on another machine") from None
    except errors.HfHubHTTPError as error:
        raise _failed(entry, *_rejection(error, source)) from None
    except errors.HTTPError as error:
        raise _failed(entry, f"the hub cannot be reached: {error}", _CONNECTION) from None
    except ValueError:  # the message may contain the token
        raise _failed(entry, "HF_ENDPOINT or HF_TOKEN is invalid", _INVALID) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _failed(entry, "the hub sent an incomplete file", "run the same command again to resume") from None


def _rejection(error: "HfHubHTTPError", source: HubSource) -> tuple[str, str]:
    """Return why the hub rejected the request, and the remedy."""
    from huggingface_hub import errors

    where = f"{source.repository} at {source.revision[:12]}"
    if isinstance(error, errors.GatedRepoError):
        return f"access to {where} is restricted", "accept its terms on the hub and set HF_TOKEN"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no {where}, or the token is invalid", "check HF_ENDPOINT and HF_TOKEN"
    if isinstance(error, (errors.RevisionNotFoundError, errors.EntryNotFoundError)):
        return f"{where} does not contain {source.file}", "upgrade qtgen, or set `local_model` to a GGUF file"
    return f"the hub responded with status {error.response.status_code}", "run the same command again later"


def _failed(entry: ModelEntry, reason: str, remedy: str) -> ModelError:
    return ModelError(f"the model {entry.name} could not be fetched ({reason})", remedy=remedy)
