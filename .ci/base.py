"""Install the wheel without extras into a fresh environment, try its commands and measure its size.

Usage: python .ci/base.py DIST
"""

import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qtgen.validation.rules.example import EXAMPLE_PAGE

LIMIT_MB = 40
ROOT = Path(__file__).resolve().parents[1]
PAGE = "biology/what-is-osmosis.md"

# Arguments, and words of the output.
WORKING = [
    (["--help"], "validate"),
    (["validate", "biology"], "1 page checked"),
    (["validate", "--format", "sarif", PAGE], "2.1.0"),
    (["schema"], "$schema"),
    (["schema", "--for", "cloudcannon"], "_inputs"),
    (["explain"], "QT608"),
    (["explain", "QT101"], "invalid-yaml"),
    (["init", "project"], "created"),
]
# Arguments, and the extra that the message must name.
NEEDING = [
    (["generate", "questions.csv"], "generate"),
    (["regenerate", PAGE], "generate"),
    (["costs"], "generate"),
    (["prompts", "list"], "generate"),
    (["link", PAGE], "links"),
    (["pack", "biology", "site.pack"], "pack"),
    (["unpack", "site.pack", "copy"], "pack"),
    (["eval", "run", "core"], "evals"),
]


def main(dist: Path) -> int:
    wheels = sorted(dist.glob("qtgen-*.whl"))
    if not wheels:
        print(f"{dist}: no wheel; run `make wheel`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        environment = Path(temporary, "venv")
        packages = install(wheels[-1], environment)
        size = measure(packages)
        faults = list(try_commands(environment / "bin" / "qtgen", Path(temporary, "project")))
        if not (packages / "qtgen" / "py.typed").is_file():
            faults.append("the wheel has no py.typed")
        if not (packages / "qtgen" / "review" / "web" / "static" / "preview" / "licenses.txt").is_file():
            faults.append("the wheel has no preview of the site; run `make bundle`")
    print(f"base install on Python {sys.version_info[0]}.{sys.version_info[1]}: {size:.1f} MB (limit {LIMIT_MB} MB)")
    if size > LIMIT_MB:
        faults.append(f"the base install takes {size:.1f} MB, more than {LIMIT_MB} MB")
    for fault in faults:
        print(f"base: {fault}", file=sys.stderr)
    return 1 if faults else 0


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel into an environment that holds neither pip nor setuptools; return its packages' folder."""
    venv.create(environment, with_pip=False, symlinks=True)
    python, constraints = environment / "bin" / "python", ROOT / "constraints.txt"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*command, "-c", str(constraints), str(wheel)], check=True)
    return environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def measure(folder: Path) -> float:
    """Return the disk usage of a folder in MB, byte code included."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if not path.is_symlink()) / 1e6


def try_commands(qtgen: Path, project: Path) -> Iterator[str]:
    """Yield a sentence for each command that does not do what the base install promises."""
    page = project / PAGE
    page.parent.mkdir(parents=True)
    page.write_text(EXAMPLE_PAGE, encoding="utf-8")
    for arguments, words in WORKING:
        done = run(qtgen, project, arguments)
        if done.returncode != 0 or words not in done.stdout + done.stderr:
            yield f"`qtgen {' '.join(arguments)}` exits with {done.returncode}: {done.stderr.strip()}"
    for arguments, extra in NEEDING:
        done = run(qtgen, project, arguments)
        if done.returncode != 2 or f"`{extra}` extra" not in done.stderr or done.stderr.count("\n") != 1:
            yield f"`qtgen {' '.join(arguments)}` does not ask for the extra `{extra}`: {done.stderr.strip()}"
    page.write_text(EXAMPLE_PAGE.replace("---\n", "---\r\n", 1), encoding="utf-8")
    run(qtgen, project, ["validate", "--fix", PAGE])
    if "\r" in page.read_text(encoding="utf-8"):
        yield "`qtgen validate --fix` does not fix a carriage return"
    yield from try_watch(qtgen, project, page)


def try_watch(qtgen: Path, project: Path, page: Path) -> Iterator[str]:
    """Yield a sentence unless `validate --watch` reports a change and ends with Ctrl-C."""
    with tempfile.TemporaryFile("w+") as log:
        watcher = subprocess.Popen([qtgen, "validate", "--watch", "biology"], cwd=project, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and "QT103" not in _text(log):
                page.write_text(EXAMPLE_PAGE.replace("id: 7\n", "id: 7\nid: 7\n"), encoding="utf-8")
                time.sleep(0.5)
            watcher.send_signal(signal.SIGINT)
            watcher.wait(10)
        finally:
            watcher.kill()
        if "QT103" not in _text(log):
            yield f"`qtgen validate --watch` does not report a change: {_text(log).strip()}"


def _text(log: IO[str]) -> str:
    log.seek(0)
    return log.read()


def run(qtgen: Path, project: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([qtgen, *arguments], cwd=project, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
