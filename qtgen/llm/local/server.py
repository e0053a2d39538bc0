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
from qtgen.errors import ModelNotFetched, ProviderUnusable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.local.download import fetch, find, read_record
from qtgen.llm.local.identity import file_identity
from qtgen.llm.local.table import LocalModel, select_model
from qtgen.llm.types import STANDARD_STYLE, PromptStyle

TIMEOUT = 600.0
# The model's threads meet at a barrier several hundred times per token. OpenMP lets a thread that waits there spin. If
# the other thread does not run because the CPUs are busy, it spins for a whole time slice, and two threads produce only
# 1 to 5 tokens per second. With these variables, a thread sleeps after a short spin (see benchmarks/threads.py).
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
    """Return the endpoint of a model that the setting `local_model` selects, by default the embedded one.

    It is free and accepts grammars.

    The ledger distinguishes files of the same name by their contents. The embedded model needs no identity, because its
    file never differs. Raises SettingsError if there is no such model.
    """
    selected = select_model(model)
    return Endpoint(
        "local",
        selected.name,
        f"{address}/v1",
        timeout=timeout,
        extra=selected.request,
        style=style,
        sends_grammar=True,
        identity=_identity(selected),
        price_input=0.0,
        price_output=0.0,
    )


@contextlib.contextmanager
def serve(
    model: Path | None, *, slots: int, threads: int | None = None, timeout: float = TIMEOUT
) -> Iterator[Endpoint]:
    """Run a model until the block ends.

    Args:
        model: A name in the table of models, a GGUF file, or None for the embedded model. The embedded model is
            fetched if it is not on this machine.
        slots: Maximum number of requests in flight.
        threads: Number of threads of the model. The default is the number of CPUs that the process may use.
        timeout: Seconds to wait for one response.

    Raises ProviderUnusable, ModelError and SettingsError.
    """
    require("a local model", "local", "xllamacpp")
    selected = select_model(model)
    file = _file(selected)
    arguments = [str(file), selected.name, str(slots), str(selected.context), str(threads or usable_cpus())]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "qtgen.llm.local._child", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            env={**_WAITING, **os.environ},
        )  # fmt: skip
        try:
            address = _address(server, file, log)
            _logger.info("the local model %s listens at %s", selected.name, address)
            yield endpoint(model, address, timeout)
        finally:
            _end(server)


def _file(model: LocalModel) -> Path:
    """Return the model's file. The embedded model is fetched if it is not on this machine."""
    if model.entry is None:
        if model.file is None or not model.file.is_file():
            message = f"no such model file: {model.file}"
            raise ProviderUnusable(message, setting="local_model", remedy="name a GGUF file or a known model")
        return model.file
    found = find(os.environ, model.name)
    if found is None and not model.is_embedded:
        raise ModelNotFetched(model.name)
    return found or fetch(os.environ)


def _identity(model: LocalModel) -> str:
    """Return what distinguishes the model's file from others of the same name."""
    if model.file is not None:
        return file_identity(model.file)
    if model.entry is None or model.is_embedded:
        return ""
    if model.entry.sha256:
        return model.entry.sha256[:16]
    record = read_record(os.environ, model.name)
    return record.sha256[:16] if record else ""


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
