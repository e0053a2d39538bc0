"""Compare `qtgen plan` with real runs, and print its forecasts for 10,000 to 100,000,000 pages.

    python benchmarks/plan.py [compare | table]

The endpoint of the real runs is `../shared/tools/mock_openai.py` on this machine. First, a run without a limit
measures the processor time per page. Each forecast is given what is known of its endpoint: the latency, the limit or
the share of faults. It is not given the result.
"""

import importlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any, NamedTuple

generate: Any = importlib.import_module("generate")  # the script beside this one


class Case(NamedTuple):
    """A real run, and what its forecast is told."""

    name: str
    behaviour: str
    pages: int
    concurrency: int
    options: str


CASES = (
    Case("latency", "lat_ms=2000", 1200, 64, "--latency 2"),
    Case("untold limit", "lat_ms=500&rpm=1500&lie=1", 1000, 64, "--latency 0.5 --endpoint-rpm 1500"),
    Case("--rpm", "lat_ms=500", 900, 64, "--latency 0.5 --rpm 1500"),
    Case("3% status 429", "lat_ms=2000&p429=0.03", 1200, 64, "--latency 2 --rejections 0.03"),
    Case(
        "3% status 429, 3% status 500, 1% dropped, 2% invalid",
        "lat_ms=2000&p429=0.03&p500=0.03&pdrop=0.01&pbad=0.02",
        1200,
        64,
        "--latency 2 --rejections 0.03 --failures 0.04 --faulty 0.02",
    ),
)
ASSUMED = "--latency 8 --tokens 900,700 --faulty 0.05 --concurrency 256 --rpm 10000 --tpm 10000000 --model gpt-4o-mini"


def plan(*options: str) -> Any:
    """Return the JSON object of `qtgen plan` without a ledger."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "qtgen", "plan", *options, "--json"]
        done = subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return json.loads(done.stdout)


def compare() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, str(generate.MOCK), "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.5)  # until it listens
        os.environ |= {"OPENAI_BASE_URL": f"{address}/v1", "QTGEN_IGNORE": "QT609,QT610"}
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            one, many = (generate.measure_generate(pages, 64) for pages in (1, 801))
            processor = (many.cpu_seconds - one.cpu_seconds) / 800
            print(f"processor time: {1000 * processor:.2f} ms per page\n")
            print("| run | real (s) | forecast (s) | real / forecast |\n|---|---|---|---|")
            for case in CASES:
                with urllib.request.urlopen(f"{address}/_ctl?{case.behaviour}", timeout=10) as response:
                    response.read()
                run_case(case, processor)
            os.chdir("/")
    finally:
        server.terminate()
        server.wait()


def run_case(case: Case, processor: float) -> None:
    """Measure a real run beside its forecast, and print a row of the table.

    A run says how long it took without the start of its process, which the forecast takes for a second.
    """
    if "--rpm" in case.options.split():
        os.environ["QTGEN_RPM"] = case.options.split()[-1]
    output = generate.measure_generate(case.pages, case.concurrency).output
    if not (told := re.search(r" in ([\d.]+) s\b", output)):
        sys.exit(output)
    real = 1.0 + float(told[1])
    os.environ.pop("QTGEN_RPM", None)
    known = [*case.options.split(), "--processor", str(processor), "--concurrency", str(case.concurrency)]
    defaults = [] if "--faulty" in known else ["--faulty", "0"]
    seconds = plan("--pages", str(case.pages), "--tokens", "900,700", *defaults, *known)["ways"]["live"]["seconds"]
    expected, low, high = seconds["expected"], seconds["low"], seconds["high"]
    inside = "within the range" if low <= real <= high else "outside the range"
    print(
        f"| {case.name}, {case.pages} pages | {real:.1f} | {expected:.1f} ({low:.1f} to {high:.1f}) | "
        f"{real / expected:.2f}, {inside} |",
        flush=True,
    )


def table() -> None:
    print(
        "| pages | machines | way | time | cost | bottleneck | one more machine saves |\n|---|---|---|---|---|---|---|"
    )
    os.environ["OPENAI_API_KEY"] = "none"
    for pages in (10**4, 10**5, 10**6, 10**7, 10**8):
        for machines in (1, 4):
            planned = plan("--pages", str(pages), "--machines", str(machines), *ASSUMED.split())
            for way, result in planned["ways"].items():
                print_result(pages, machines, way, result)


def print_result(pages: int, machines: int, way: str, result: Any) -> None:
    hours = {name: f"{value / 3600:,.1f}" for name, value in result["seconds"].items()}
    duration = f"{hours['expected']} h ({hours['low']} to {hours['high']})"
    cost = f"${result['cost_usd']['expected']:,.0f}" if result["cost_usd"] else "unknown"
    gain = f"{result['one_more_machine']['saved']:.0%}"
    cells = (f"{pages:,}", str(machines), way, duration, cost, result["bottleneck"], gain)
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["compare", "table"]
    if "compare" in wanted and not generate.MOCK.exists():
        sys.exit(f"{generate.MOCK} is missing")
    if "compare" in wanted:
        compare()
    if "table" in wanted:
        table()
