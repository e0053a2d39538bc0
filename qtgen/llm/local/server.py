"""A language model on this machine: llama.cpp behind an OpenAI-compatible endpoint on a free loopback port."""

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qtgen._util.cpus import usable_cpus
from qtgen._util.extras import require
from qtgen.errors import ProviderUnusable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.local.download import MODEL_NAME, fetch, find
from qtgen.llm.local.identity import file_identity
from qtgen.llm.types import STANDARD_STYLE, PromptStyle

# Tokens of context for each request in flight: the longest prompt, its answer, and the faults in a repair request.
CONTEXT = 6_144
# A small model repeats itself. These parameters prevent it (measured, see docs/explanation/benchmarks.md).
SAMPLING = {"repeat_penalty": 1.1, "repeat_last_n": 256, "seed": 7}
TIMEOUT = 600.0
# The model's threads meet at a barrier several hundred times per token. OpenMP lets a thread that waits there spin. If
# a busy CPU does not run the other thread, it spins for a whole time slice: two threads on two busy CPUs produce only 1
# to 2 tokens per second. With these variables, a thread sleeps after a short spin (measured by benchmarks/threads.py).
# A user's own values override them.
_WAITING = {"GOMP_SPINCOUNT": "100", "OMP_WAIT_POLICY": "passive"}
_GRACE = 5  # seconds that the server has to end by itself
_logger = logging.getLogger(__name__)


def endpoint(
    model: Path | None,
    address: str = "http://127.0.0.1",
    timeout: float = TIMEOUT,
    *,
    style: PromptStyle = STANDARD_STYLE,
) -> Endpoint:
    """Return the endpoint of a GGUF file, or of the embedded model. It costs nothing, and it accepts grammars.

    The ledger tells files of one name apart by their contents. The embedded model has one content, and no identity.
    """
    return Endpoint(
        "local",
        MODEL_NAME if model is None else model.stem,
        f"{address}/v1",
        timeout=timeout,
        extra=SAMPLING,
        style=style,
        sends_grammar=True,
        identity="" if model is None else file_identity(model),
        price_input=0.0,
        price_output=0.0,
    )


@contextlib.contextmanager
def serve(
    model: Path | None, *, slots: int, threads: int | None = None, timeout: float = TIMEOUT
) -> Iterator[Endpoint]:
    """Run a model until the block ends.

    Args:
        model: A GGUF file, or None for the embedded model, which is fetched if it is not on this machine.
        slots: The most requests in flight.
        threads: Threads of the model, by default as many as there are CPUs that the process may use.
        timeout: Seconds to wait for one response.

    Raises ProviderUnusable with the remedy.
    """
    require("a local model", "local", "xllamacpp")
    file = model or find(os.environ) or fetch(os.environ)
    if not file.is_file():
        raise ProviderUnusable(f"no such model file: {file}", setting="local_model", remedy="name a GGUF file")
    name = MODEL_NAME if model is None else file.stem
    arguments = [str(file), name, str(slots), str(CONTEXT), str(threads or usable_cpus())]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "qtgen.llm.local._child", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            env={**_WAITING, **os.environ},
        )  # fmt: skip
        try:
            address = _address(server, file, log)
            _logger.info("the local model %s listens at %s", name, address)
            yield endpoint(model, address, timeout)
        finally:
            _end(server)


def _address(server: subprocess.Popen[str], file: Path, log: IO[str]) -> str:
    """Return the address that the server prints once it listens. Raises ProviderUnusable if it ends instead."""
    line = server.stdout.readline().strip() if server.stdout else ""
    if line:
        return line
    server.wait()
    log.seek(0)
    output = [text for text in log.read().splitlines() if text.strip()]
    reason = output[-1] if output else "it printed no reason"
    if "xllamacpp" in reason and "Error" in reason:
        raise ProviderUnusable(f"no local model can run on this machine: {reason}")
    raise ProviderUnusable(
        f"{file} cannot be run as a model ({reason})",
        setting="local_model",
        remedy="check that it is a whole GGUF file",
    )


def _end(server: subprocess.Popen[str]) -> None:
    """End the server: it ends by itself when its standard input is closed, or is killed."""
    for pipe in (server.stdin, server.stdout):
        if pipe:
            pipe.close()
    try:
        server.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        _logger.warning("the local model's server did not end by itself and was killed")
        server.kill()
        server.wait()
