"""Small suites for tests: two references of a shipped suite, and pages that answer them."""

import shutil
from pathlib import Path

from support import ROOT

_NAMES = ("how-does-classical-conditioning-work", "what-makes-a-number-prime")


def make_small_suite(folder: Path) -> tuple[Path, Path]:
    """Write a suite with two references, and pages whose answers lack every third line. Return both folders."""
    suite, pages, source = folder / "evals" / "small", folder / "pages", ROOT / "evals" / "smoke" / "references"
    (suite / "references").mkdir(parents=True)
    pages.mkdir()
    (suite / "suite.toml").write_text("[gate]\nmetrics = ['score', 'coverage']\n")
    for name in _NAMES:
        for file in source.glob(f"{name}.*"):
            shutil.copy(file, suite / "references")
        head, *answer = (source / f"{name}.md").read_text(encoding="utf-8").split("\\n\\n")
        kept = [part for number, part in enumerate(answer) if number % 3 != 1 or number == len(answer) - 1]
        (pages / f"{name}.md").write_text("\\n\\n".join([head, *kept]), encoding="utf-8")
    return suite, pages
