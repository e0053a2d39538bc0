"""Measure how long `qtgen init --from` takes and how much memory it needs, as a whole process.

    python benchmarks/inference.py FOLDER…

Each folder holds the pages of a whole site. The processor time is that of all processes, the peak that of the largest
one, and the last column adds the peaks of the workers to it, which is more than the run needs at any moment.
"""

import json
import os
import resource
import subprocess
import sys
import time

_PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from qtgen.site.inference.collect import collect
from qtgen.site.inference.infer import infer
from qtgen.site.inference.places import locate

def peak(who):
    return resource.getrusage(who).ru_maxrss / 1024

folder = Path(sys.argv[1])
start = time.perf_counter()
observations = collect([folder], print)
read = time.perf_counter()
inferred = infer(observations, folder)
done = time.perf_counter()
locate(inferred)
end = time.perf_counter()
print(json.dumps([len(inferred.files), inferred.conforming, read - start, done - read, end - done,
                  peak(resource.RUSAGE_SELF), peak(resource.RUSAGE_CHILDREN)]))
"""


def main(folders: list[str]) -> None:
    names = ("read", "infer", "locate", "whole", "cpu")
    print(f"{'pages':>8}  {'conform':>8}  {'  '.join(f'{name:>8}' for name in names)}  {'MiB':>5}  {'all':>5}")
    for folder in folders:
        start, before = time.perf_counter(), _processor_time()
        command = [sys.executable, "-c", _PROGRAM, folder]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(run.stderr)
        whole, cpu = time.perf_counter() - start, _processor_time() - before
        pages, conforming, *seconds, own, workers = json.loads(run.stdout)
        times = "  ".join(f"{second:>6.1f} s" for second in (*seconds, whole, cpu))
        everything = own + workers * len(os.sched_getaffinity(0))
        print(f"{pages:>8,}  {conforming:>8,}  {times}  {own:>5,.0f}  {everything:>5,.0f}", flush=True)


def _processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:])
