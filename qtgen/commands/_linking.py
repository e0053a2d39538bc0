"""From settings to what chooses links: vectors by this machine or an endpoint, kept beside the other caches."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qtgen.errors import SettingsError
from qtgen.settings import Settings, project_folder

if TYPE_CHECKING:
    from qtgen.embeddings.cache import VectorCache

# The matrices are small: threads of the linear algebra would only wait for each other. Said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_NEEDED = ("faiss", "numpy", "scipy", "wordllama")


def missing_extra() -> str:
    """The package that is not installed and that choosing links needs; empty where all are there."""
    return next((name for name in _NEEDED if importlib.util.find_spec(name) is None), "")


def check_extra(what: str) -> None:
    """Raise SettingsError where the extra is missing."""
    if missing := missing_extra():
        raise SettingsError(f"{what} needs the `links` extra ({missing} is missing): pip install 'qtgen[links]'")


@contextmanager
def vectors(settings: Settings, model: str | None = None, *, cached: bool = True) -> "Iterator[VectorCache]":
    """Texts of pages to vectors. model: of an embeddings endpoint. Raises SettingsError."""
    from qtgen.embeddings.cache import VectorCache
    from qtgen.embeddings.pages import EndpointEmbedder, StaticEmbedder
    from qtgen.llm.factory import embeddings

    meaning = EndpointEmbedder(embeddings(settings, model), model, settings.base_url) if model else StaticEmbedder()
    cache = VectorCache(meaning, project_folder() / ".qtgen" / "cache" if cached else None)
    try:
        yield cache
    finally:
        cache.close()
