"""The process in which a local model runs: `python -m qtgen.llm.local._child MODEL NAME SLOTS CONTEXT THREADS`.

It prints its address on one line and lives as long as its standard input is open, so it ends with the run that started
it, however that ends. It is a process of its own because llama.cpp aborts the whole process if a file is no model, and
because its destructor can hang if it is called right after the start.
"""

import os
import signal
import sys

_QUIET = -1


def main(model: str, name: str, slots: int, context: int, threads: int) -> None:
    """Serve a GGUF file until standard input is closed."""
    import xllamacpp

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run: requests in flight may finish
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.port = 0
    params.cpuparams.n_threads = threads
    params.verbosity = _QUIET
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201  # the parent reads it
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(word) for word in sys.argv[3:6]))
