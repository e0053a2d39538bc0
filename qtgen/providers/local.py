"""A language model inside this process: llama.cpp behind an OpenAI-compatible endpoint on a free loopback port."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from qtgen.errors import ProviderUnusable
from qtgen.providers.embedded import MODEL_NAME, fetch, find
from qtgen.providers.endpoint import Endpoint

# Tokens of context for each request in flight: the longest prompt, its answer, and the faults when asked again.
CONTEXT = 6_144
# A small model repeats itself; these are what kept it from it (measured, see docs/benchmarks.md).
SAMPLING = {"repeat_penalty": 1.1, "repeat_last_n": 256, "seed": 7}
_QUIET = -1


def endpoint(model: Path | None, address: str = "http://127.0.0.1", timeout: float = 600.0) -> Endpoint:
    """What requests to the local model look like; it costs nothing."""
    name = MODEL_NAME if model is None else model.stem
    base_url = f"{address}/v1"
    return Endpoint("local", name, base_url, timeout=timeout, extra=SAMPLING, price_input=0.0, price_output=0.0)


@contextlib.contextmanager
def serve(model: Path | None, *, slots: int, threads: int | None = None, timeout: float = 600.0) -> Iterator[Endpoint]:
    """Run the model until the block ends. model None: the embedded one, fetched if it is not on this machine.

    slots: requests in flight at once. Raises ProviderUnusable with the remedy.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ProviderUnusable(f"no local models on this machine: xllamacpp cannot be loaded ({error})") from None
    file = model or find(os.environ) or fetch(os.environ)
    if not file.is_file():
        raise ProviderUnusable(f"{file}: no such model file; QTGEN_LOCAL_MODEL must name a GGUF file")
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.model_alias = {MODEL_NAME if model is None else file.stem}
    params.n_ctx = CONTEXT * slots
    params.n_parallel = slots
    params.port = 0
    params.cpuparams.n_threads = threads or os.cpu_count() or 1
    params.verbosity = _QUIET
    try:
        server = xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise ProviderUnusable(f"{file}: cannot be run as a model ({error})") from None
    try:
        yield endpoint(model, server.listening_address, timeout)
    finally:
        del server  # stops its threads and closes its port
