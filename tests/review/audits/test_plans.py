import json
from pathlib import Path

import pytest

from qtgen.errors import OutputError, UsageError
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.audits import make_plan, read_plan, read_plans, save_plan
from qtgen.review.audits.plans import plan_file
from support.audits import NOW, audit, batch


@pytest.fixture
def store(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "out")


def test_a_plan_comes_back_from_its_file(store: OutputFolder) -> None:
    plans = [audit(40, tolerance=0.1), audit(40, "summer", allowed=None, tolerance=0.1)]
    plans.append(make_plan("next", batch(9), DecisionLog(), at=NOW, seed=4))
    for plan in plans:
        path = save_plan(store, plan)
        assert path == store.folder / ".qtgen" / "audits" / f"{plan.name}.json"
        assert read_plan(store, plan.name) == plan
    every = read_plans(store)
    assert every.plans == {plan.name: plan for plan in plans}
    assert every.audits == plans[:2]
    assert every.next == plans[2]
    assert every.problems == []
    assert not [*path.parent.glob("*.tmp*")]


def test_each_page_is_a_line_of_the_file(store: OutputFolder) -> None:
    lines = save_plan(store, audit(40, tolerance=0.1)).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[-4].removesuffix(",")) == json.loads(lines[-3]) or lines[-3].startswith('  ["/learn/')
    assert sum(line.startswith('  ["/learn/') for line in lines) == 40


def test_a_plan_is_never_overwritten(store: OutputFolder) -> None:
    path = save_plan(store, audit(40, tolerance=0.1))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="there is a plan of this name already; choose another name"):
        save_plan(store, audit(40, tolerance=0.2))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"tolerance": 0.1', '"tolerance": 0.2'),
        ('"seed": 1', '"seed": 2'),
        ('"allowed": 0', '"allowed": 5'),
        ('  ["/learn/biology/questions/00003"', '  ["/learn/biology/questions/99999"'),
        ('"excluded": []', '"excluded": [["a.md", "bad"]]'),
        ('"digest": "', '"digest": "0'),
    ],
)
def test_an_edited_plan_is_refused(store: OutputFolder, old: str, new: str) -> None:
    path = save_plan(store, audit(40, tolerance=0.1))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=r"this plan was changed after it was made.*restore it from git") as caught:
        read_plan(store, "spring")
    assert caught.value.path == path


def test_a_renamed_plan_is_refused(store: OutputFolder) -> None:
    path = save_plan(store, audit(40, tolerance=0.1))
    path.rename(path.with_name("autumn.json"))
    with pytest.raises(UsageError, match="was changed"):
        read_plan(store, "autumn")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "not a plan"),
        (b"\xff\xfe", "not a plan"),
        (b"[]", "not a plan"),
        (b'{"v": 1, "name": "spring"}', "not a plan"),
        (b'{"v": 2, "name": "spring"}', "newer qtgen"),
    ],
)
def test_a_damaged_plan_is_one_problem_and_the_others_stay(store: OutputFolder, contents: bytes, message: str) -> None:
    save_plan(store, audit(40, "autumn", tolerance=0.1))
    plan_file(store, "spring").write_bytes(contents)
    every = read_plans(store)
    assert list(every.plans) == ["autumn"]
    assert [message in str(problem) for problem in every.problems] == [True]
    with pytest.raises(UsageError, match=message):
        read_plan(store, "spring")


def test_an_unknown_name_lists_the_known_ones(store: OutputFolder) -> None:
    with pytest.raises(UsageError, match=r"no audit has the name 'spring' .*there are no audits yet"):
        read_plan(store, "spring")
    save_plan(store, audit(40, "autumn", tolerance=0.1))
    with pytest.raises(UsageError, match=r"no audit has the name '../x' .*; there is autumn"):
        read_plan(store, "../x")


def test_a_changed_file_is_read_again(store: OutputFolder) -> None:
    path = save_plan(store, audit(40, tolerance=0.1))
    assert read_plan(store, "spring").seed == 1
    path.unlink()
    save_plan(store, audit(41, tolerance=0.1))
    assert len(read_plan(store, "spring").pages) == 41


def test_a_folder_that_cannot_be_written_is_an_output_error(store: OutputFolder) -> None:
    store.folder.mkdir()
    (store.folder / ".qtgen").write_text("a file")
    with pytest.raises(OutputError):
        save_plan(store, audit(40, tolerance=0.1))
