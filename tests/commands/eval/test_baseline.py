"""Baselines of `eval run`: what is compared, and when a run becomes the next one."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.eval_outcomes import github_fails, html_fails, json_fails, junit_fails, summary_fails, text_fails

RunEval = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pages(smoke: Path, tmp_path: Path) -> Path:
    """Copies of the references as pages; the suite compares all items, and has no baseline yet."""
    (smoke / "suite.toml").write_text('[gate]\nmetrics = ["score"]\n')
    (smoke / "baseline.json").unlink()
    return Path(shutil.copytree(smoke / "references", tmp_path / "pages"))


def answers(pages: Path) -> list[Path]:
    return sorted(pages.glob("*.md"))


def rewrite(page: Path, answer: str) -> None:
    """Replace the answer of a page."""
    head, _, rest = page.read_text().partition("\nanswer:")
    following = [line for line in rest.splitlines()[1:] if line and not line.startswith((" ", "\t"))]
    tail = "\n".join(following)
    page.write_text(f"{head}\nanswer: {json.dumps(answer)}\n{tail}\n")


def off_topic(pages: Path) -> None:
    for page in answers(pages):
        rewrite(page, "Boil two eggs for six minutes and serve them on buttered toast with salt.")


def saved(smoke: Path) -> dict[str, Any]:
    return dict(json.loads((smoke / "baseline.json").read_text()))


def test_a_worse_run_becomes_the_baseline_only_if_it_is_accepted(smoke: Path, pages: Path, run_eval: RunEval) -> None:
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--save-baseline", "--require-power")
    assert code == 0, out + err
    assert err.endswith("baseline: evals/smoke/baseline.json\n")
    before = (smoke / "baseline.json").read_bytes()
    off_topic(pages)
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--save-baseline")
    assert code == 1
    assert out.startswith("Worse than the baseline: ")
    assert err == (
        "qtgen: --save-baseline: this run fails, so evals/smoke/baseline.json is unchanged; "
        "--accept replaces it anyway\n"
    )
    assert (smoke / "baseline.json").read_bytes() == before
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--save-baseline", "--accept", "--junit", "x.xml")
    assert code == 0, out + err
    assert out.startswith("Accepted as the new baseline: ")
    assert "score: " in out
    assert not junit_fails(Path("x.xml").read_text())
    baseline = saved(smoke)
    assert (baseline["gate"], baseline["accepted"]) == (None, False)
    assert run_eval("run", "smoke", "--pages", "pages")[0] == 0


def test_a_run_without_a_score_is_never_a_baseline(smoke: Path, pages: Path, run_eval: RunEval) -> None:
    answers(pages)[0].unlink()
    for accept in ([], ["--accept"]):
        code, _, err = run_eval("run", "smoke", "--pages", "pages", "--save-baseline", *accept)
        assert code == 1
        assert "--save-baseline: an item has no score, so evals/smoke/baseline.json is unchanged" in err
    assert not (smoke / "baseline.json").exists()


def test_a_broken_baseline_is_replaced_only_if_that_is_accepted(smoke: Path, pages: Path, run_eval: RunEval) -> None:
    (smoke / "baseline.json").write_text("{")
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--save-baseline")
    assert code == 2
    assert out.startswith("Failed: the baseline cannot be used:")
    assert "baseline.json: not JSON" in err
    assert "--accept replaces it" in err
    assert (smoke / "baseline.json").read_text() == "{"
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline", "--accept")[0] == 0
    assert saved(smoke)["refusal"] is None


def test_an_empty_answer_fails_even_if_the_baseline_has_it(smoke: Path, pages: Path, run_eval: RunEval) -> None:
    rewrite(answers(pages)[0], "***")
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline")[0] == 1
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline", "--accept")[0] == 0
    code, out, _ = run_eval("run", "smoke", "--pages", "pages", "--junit", "x.xml", "--github")
    assert code == 1
    assert "::error title=1 item with an error%3A empty-candidate::" in out
    assert junit_fails(Path("x.xml").read_text())


def test_references_that_changed_are_listed_and_the_others_compared(
    smoke: Path, pages: Path, run_eval: RunEval, tmp_path: Path
) -> None:
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline")[0] == 0
    first, second, third, *others = answers(smoke / "references")
    rewrite(first, "Another answer to this question, which is longer and better than the one before.")
    second.unlink()
    second.with_suffix(".nuggets.toml").unlink(missing_ok=True)
    third.write_bytes(third.read_bytes().replace(b"\n", b"\r\n"))
    (smoke / "references" / "README.md").write_text("# References\n")
    added = smoke / "references" / "why-is-ice-slippery.md"
    text = others[0].read_text()
    title = re.search(r"^title: >-\n +(.+)$", text, re.MULTILINE)
    assert title
    for page in (added, pages / added.name):
        page.write_text(text.replace(title[1], "Why is ice slippery?"))
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--json")
    gate = json.loads(out)["gate"]
    assert code == 0, err
    assert (gate["changed"], gate["added"], gate["removed"]) == ([first.stem], [added.stem], [second.stem])
    assert gate["comparisons"][0]["clusters"] == 6
    off_topic(pages)
    assert run_eval("run", "smoke", "--pages", "pages")[0] == 1


def test_no_reference_in_common_is_a_refusal(smoke: Path, pages: Path, run_eval: RunEval) -> None:
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline")[0] == 0
    for page in answers(smoke / "references"):
        rewrite(page, "Another answer to this question, which is longer and better than the one before.")
    code, out, err = run_eval("run", "smoke", "--pages", "pages", "--github")
    assert code == 2
    assert out.startswith("::error title=Evaluation of smoke::Failed: the baseline cannot be used: ")
    assert "no reference is the same in the baseline and in this run, so there is nothing to compare" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--accept"], "--accept: needs --save-baseline"),
        (
            ["--save-baseline", "--baseline", "b.json"],
            "--save-baseline: compares with the suite's baseline; leave out --baseline",
        ),
    ],
)
def test_options_that_exclude_each_other_are_one_line(
    smoke: Path, run_eval: RunEval, arguments: list[str], message: str
) -> None:
    assert run_eval("run", "smoke", *arguments) == (2, "", f"qtgen: {message}\n")


def break_page(pages: Path) -> None:
    answers(pages)[0].unlink()


def empty_page(pages: Path) -> None:
    rewrite(answers(pages)[0], "***")


def keep(pages: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "arguments", "code"),
    [
        (keep, [], 0),
        (keep, ["--require-power"], 0),
        (off_topic, [], 1),
        (break_page, [], 1),
        (empty_page, [], 1),
        (keep, ["--baseline", "none.json"], 2),
        (off_topic, ["--save-baseline"], 1),
        (off_topic, ["--save-baseline", "--accept"], 0),
        (break_page, ["--save-baseline", "--accept"], 1),
    ],
)
def test_every_output_agrees_with_the_exit_code(
    smoke: Path,
    pages: Path,
    run_eval: RunEval,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    arguments: list[str],
    code: int,
) -> None:
    assert run_eval("run", "smoke", "--pages", "pages", "--save-baseline")[0] == 0
    change(pages)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    outputs = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--report", "text", "r.txt", "--github"]
    found, out, err = run_eval("run", "smoke", "--pages", "pages", *arguments, *outputs)
    assert found == code, out + err
    shown = {
        "json": json_fails(Path("r.json").read_text()),
        "junit": junit_fails(Path("r.xml").read_text()),
        "html": html_fails(Path("r.html").read_text()),
        "text": text_fails(Path("r.txt").read_text()),
        "summary": summary_fails(Path("summary.md").read_text()),
        "github": github_fails(out),
    }
    assert shown == dict.fromkeys(shown, code != 0)


def test_a_gate_that_compares_nothing_is_an_error(smoke: Path, run_eval: RunEval) -> None:
    settings = smoke / "suite.toml"
    settings.write_text(settings.read_text().replace('["score"]', '["judge"]'))
    code, _, err = run_eval("run", "smoke", "--junit", "r.xml")
    assert code == 2
    assert "no reference has judge in both reports, so there is nothing to compare; create a new baseline" in err
    assert 'errors="1"' in Path("r.xml").read_text()
