"""A language model on this machine: llama.cpp behind an OpenAI-compatible endpoint on a free loopback port."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qtgen._util.extras import require
from qtgen.errors import ProviderUnusable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.local.download import MODEL_NAME, fetch, find

# Tokens of context for each request in flight: the longest prompt, its answer, and the faults when asked again.
CONTEXT = 6_144
# A small model repeats itself; these are what kept it from it (measured, see docs/benchmarks.md).
SAMPLING = {"repeat_penalty": 1.1, "repeat_last_n": 256, "seed": 7}


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
    require("a local model", "local", "xllamacpp")
    file = model or find(os.environ) or fetch(os.environ)
    if not file.is_file():
        raise ProviderUnusable(f"{file}: no such model file; QTGEN_LOCAL_MODEL must name a GGUF file")
    name = MODEL_NAME if model is None else file.stem
    words = [str(file), name, str(slots), str(CONTEXT), str(threads or os.cpu_count() or 1)]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "qtgen.llm.local._child", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield endpoint(model, _address(server, file, log), timeout)
        finally:
            _end(server)


def _address(server: subprocess.Popen[str], file: Path, log: IO[str]) -> str:
    """The line that the server prints once it listens. Raises ProviderUnusable if it ends instead."""
    line = server.stdout.readline().strip() if server.stdout else ""
    if line:
        return line
    server.wait()
    log.seek(0)
    said = [text for text in log.read().splitlines() if text.strip()]
    if any("xllamacpp" in text and "Error" in text for text in said[-1:]):
        raise ProviderUnusable(f"no local models on this machine: {said[-1]}")
    raise ProviderUnusable(
        f"{file}: cannot be run as a model; is it a whole GGUF file? ({said[-1] if said else 'no word'})"
    )


def _end(server: subprocess.Popen[str]) -> None:
    for pipe in (server.stdin, server.stdout):
        if pipe:
            pipe.close()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
