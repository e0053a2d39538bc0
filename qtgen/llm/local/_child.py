"""The process in which a local model runs: `python -m qtgen.llm.local._child MODEL NAME SLOTS CONTEXT THREADS`.

It prints its address as one line and lives as long as its standard input is open, so it ends with the run that
started it, whatever ends that. A process of its own, because llama.cpp aborts the whole process on a file that is no
model, and its destructor can wait for ever (seen when it was ended right after its start).
"""

import os
import signal
import sys

_QUIET = -1


def main(model: str, name: str, slots: int, context: int, threads: int) -> None:
    import xllamacpp

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run; what is in flight may finish
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
