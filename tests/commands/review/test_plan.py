"""`qtgen review plan`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.generation.decisions import Action, Decision
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import read_plan, read_plans
from support.pages import page_path, page_text, write_site

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolder:
    monkeypatch.chdir(tmp_path)
    write_site(**{f"page-{number}": {"id": number} for number in range(1, 101)})
    return OutputFolder(Path("outputs"))


def test_a_fixed_plan_says_what_it_asks_and_promises(qtgen: Run, store: OutputFolder) -> None:
    code, out, err = qtgen("review", "plan", "spring", "site", "--tolerance", "0.1", "--seed", "7")
    assert code == 0
    assert out.splitlines() == [
        "Read 23 of 100 pages, in the order of the queue audit:spring.",
        "The batch is accepted if none of them is bad. Reading stops at the first bad page.",
        "A second reviewer judges 10% of them, which shows how far reviewers agree.",
        "A batch with more than 10 bad pages (10% of 100 pages) is accepted with a chance of at most 5%.",
        "A batch that is half as bad (5 bad pages) is accepted with a chance of 26%.",
        "To raise that to 90%, plan with --allow-bad 4, which reads 64 pages.",
    ]
    assert err.splitlines() == [
        "wrote outputs/.qtgen/audits/spring.json; commit it with the pages",
        "read the pages: qtgen review site --queue audit:spring",
        "in a release pipeline, this command exits with 1 unless the batch is accepted: "
        "qtgen review stats spring --require-accepted",
    ]
    plan = read_plan(store, "spring")
    assert (plan.kind, plan.seed, plan.sample, plan.allowed, plan.tolerance) == ("fixed", 7, 23, 0, 0.1)
    assert len(plan.pages) == 100


def test_a_sequential_plan(qtgen: Run, store: OutputFolder) -> None:
    code, out, _ = qtgen("review", "plan", "spring", "site", "--tolerance", "0.1", "--sequential")
    assert code == 0
    assert "until the audit has a result" in out
    assert "accepted with a chance of over 99.9%, after 63 pages on average." in out
    assert read_plan(store, "spring").kind == "sequential"


def test_seeds_differ_unless_they_are_given(qtgen: Run, store: OutputFolder) -> None:
    for name in ("a", "b"):
        assert qtgen("review", "plan", name, "site", "--tolerance", "0.1")[0] == 0
    plans = read_plans(store).plans
    assert plans["a"].seed != plans["b"].seed


def test_the_output_folder_comes_from_the_option_or_the_settings(qtgen: Run) -> None:
    assert qtgen("review", "plan", "spring", "site", "--tolerance", "0.1", "--out", "elsewhere")[0] == 0
    assert Path("elsewhere/.qtgen/audits/spring.json").is_file()
    Path("qtgen.toml").write_text('out = "site"\n')
    assert qtgen("review", "plan", "spring", "site", "--tolerance", "0.1")[0] == 0
    assert json.loads(Path("site/.qtgen/audits/spring.json").read_bytes())["pages"][0][1] == "biology/what-is-page-1.md"


def test_pages_in_their_output_folder_need_no_option(qtgen: Run) -> None:
    Path("site/.qtgen").mkdir()
    Path("site/.qtgen/provenance.jsonl").write_text("")
    code, _, err = qtgen("review", "plan", "spring", "site", "--tolerance", "0.1")
    assert code == 0
    assert Path("site/.qtgen/audits/spring.json").is_file()
    gate = "qtgen review stats spring --require-accepted --out site"
    assert "read the pages: qtgen review site --queue audit:spring\n" in err
    assert err.endswith(f": {gate}\n")
    code, out, err = qtgen(*gate.split()[1:])
    assert code == 1
    assert "spring  Read " in out
    assert "site/.qtgen/decisions.jsonl does not exist; use --out to choose another folder\n" in err


def test_excluded_pages_get_a_line_each(qtgen: Run, store: OutputFolder) -> None:
    Path("site/biology/empty.md").write_bytes(b"")
    Path("site/biology/zz-copy.md").write_text(page_text("page-1"))
    code, out, err = qtgen("review", "plan", "spring", "site", "--tolerance", "0.1")
    assert code == 0
    assert err.splitlines()[:2] == [
        "warning: site/biology/empty.md: not in the plan. The page cannot be read: the file is empty. Fix the file.",
        "warning: site/biology/zz-copy.md: not in the plan. `biology/what-is-page-1.md` has the same `url`. "
        "Change the `url` of one of them.",
    ]
    assert "2 pages are not in the plan, so it says nothing about them." in out
    assert len(read_plan(store, "spring").excluded) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("spring site", "--tolerance: missing; give the share of bad pages to tolerate, such as 0.02"),
        ("spring site --tolerance 0", "--tolerance: 0 is not a share between 0 and 1, such as 0.02 for 2%"),
        ("spring site --tolerance 1", "--tolerance: 1 is not a share between 0 and 1, such as 0.02 for 2%"),
        ("spring site --tolerance nan", "--tolerance: nan is not a share between 0 and 1, such as 0.02 for 2%"),
        ("spring site --tolerance 0.1 --confidence 1", "--confidence: 1 is not between 0.5 and 0.9999"),
        (
            "spring site --tolerance 0.1 --allow-bad 11",
            "--allow-bad: the batch is only good if at most 10 of its 100 pages are bad, so 11 bad pages in the sample "
            "cannot be allowed; allow fewer, or tolerate more",
        ),
        (
            "spring site --tolerance 0.1 --allow-bad 1 --sequential",
            "--sequential excludes --allow-bad, because it decides after every page",
        ),
        ("spring nowhere --tolerance 0.1", "nowhere: no such file or folder"),
        ("next site --tolerance 0.1", "the queue `next` accepts no batch; leave out the limits, or choose a name"),
        ("mine site --tolerance 0.1", "an audit cannot have the name mine, which is reserved; choose another name"),
        (
            "../x site --tolerance 0.1",
            "'../x' is not a name of an audit; use lowercase letters, digits and hyphens, such as spring-2027",
        ),
    ],
)
def test_a_wrong_call_gets_one_line_and_writes_nothing(
    qtgen: Run, store: OutputFolder, arguments: str, message: str
) -> None:
    code, out, err = qtgen("review", "plan", *arguments.split())
    assert (code, out, err) == (2, "", f"qtgen: {message}\n")
    assert not store.folder.exists()


def test_a_plan_of_the_same_name_is_refused(qtgen: Run) -> None:
    assert qtgen("review", "plan", "spring", "site", "--tolerance", "0.1")[0] == 0
    code, _, err = qtgen("review", "plan", "spring", "site", "--tolerance", "0.2")
    assert (code, err) == (
        2,
        "qtgen: outputs/.qtgen/audits/spring.json: there is a plan of this name already; choose another name\n",
    )


def test_the_queue_next_gets_a_plan_without_limits(qtgen: Run, store: OutputFolder) -> None:
    code, out, err = qtgen("review", "plan", "next", "site")
    assert code == 0
    assert err.splitlines()[1:] == [
        "read the pages: qtgen review site --queue next",
        "see the result: qtgen review stats next",
    ]
    assert out.startswith("The queue `next` has 100 pages in a frozen order.")
    plan = read_plans(store).next
    assert plan is not None
    assert plan.tolerance is None
    assert (
        "next.json: there is a plan of this name already; delete the file to draw a new order"
        in qtgen("review", "plan", "next", "site")[2]
    )


def test_predictions_use_findings_and_scores_once_there_are_enough_decisions(qtgen: Run, store: OutputFolder) -> None:
    for number in range(1, 81):
        is_good = number % 2 == 0
        faulty = {} if is_good else {"answer": "short", "score": 0.2}
        Path(page_path(f"page-{number}")).write_text(
            page_text(f"page-{number}", **{"id": number, "score": 0.9, **faulty})
        )
    assert qtgen("review", "plan", "first", "site", "--tolerance", "0.1")[0] == 0
    first = read_plan(store, "first")
    assert (first.features, first.labels) == ((), (0, 0))
    for page in first.pages:
        number = int(page.url.rpartition("-")[2])
        if number <= 80:
            action = Action.REJECT if number % 2 else Action.APPROVE
            store.append_decision(
                Decision(
                    id=str(number), at="2026-11-27T09:30:00.000Z", who="ann", action=action, url=page.url,
                    texts=first.digests_of(page),
                )
            )  # fmt: skip
    code, out, _ = qtgen("review", "plan", "later", "site", "--tolerance", "0.1")
    assert code == 0
    second = read_plan(store, "later")
    assert second.labels == (40, 40)
    assert {"score", "warnings"} <= set(second.features)
    assert f"Predictions use {', '.join(second.features)}, learned from 80 decisions." in out
    predictions = {int(page.url.rpartition("-")[2]): page.prediction for page in second.pages}
    assert predictions[1] < 0.2 < 0.8 < predictions[2]
