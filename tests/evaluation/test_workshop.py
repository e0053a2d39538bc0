"""An evaluation of a site whose answers are bodies, and whose fields have other names than those of the default."""

import json
from html import unescape
from pathlib import Path

import pytest

from qtgen.cli import run
from qtgen.evaluation import evaluate
from qtgen.evaluation.suites.candidates import find_candidates, job_for
from qtgen.evaluation.suites.suite import load_suite
from qtgen.page import read_as, splice
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile, parse_profile
from support.workshop_site import SITE_TOML, write_workshop

SUITE = Path("evals/articles")
METRICS = '["coverage", "description_quality", "keyword_quality", "page_health"]'


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Return the profile of a site with a suite of four of its articles as references."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qtgen.toml").touch()
    profile, pages = write_workshop(Path("site"), 4)
    (SUITE / "references").mkdir(parents=True)
    (SUITE / "suite.toml").write_text(f'metrics = {METRICS}\n[gate]\nmetrics = ["score"]\n')
    for page in pages:
        (SUITE / "references" / Path(page.path).name).write_text(page.text)
    return profile


def test_references_are_read_by_the_roles_of_the_site(profile: Profile) -> None:
    suite = load_suite(SUITE, profile)
    assert [reference.error for reference in suite.references] == [None] * 4
    reference = suite.references[0]
    assert reference.question.subject in ("Engines", "Rigging")
    assert "\n1. " in reference.answer  # with the line breaks of the body
    job = job_for(reference)
    folder = reference.question.subject.lower()
    assert job.path == f"articles/{folder}/{reference.id}.md"
    assert job.url == f"/{folder}/{reference.id}/"


def test_the_error_about_a_reference_without_an_answer_contains_the_field(profile: Profile) -> None:
    path = sorted((SUITE / "references").glob("*.md"))[0]
    path.write_text("---\n".join(path.read_text().split("---\n")[:2]) + "---\n")
    errors = [reference.error for reference in load_suite(SUITE, profile).references if reference.error]
    assert [error.message for error in errors] == [f"{path}: `body` is missing or empty"]


def test_equal_pages_score_1_and_have_the_metrics_of_their_fields(profile: Profile) -> None:
    report = evaluate(SUITE, pages=Path("site"), site=profile)
    assert [item.error for item in report.items] == [None] * 4
    assert report.metrics["score"].mean == pytest.approx(1.0, abs=0.02)
    for item in report.items:
        assert "\n1. " in item.candidate
        assert item.notes.get("page_health", "") in ("", "QT609")  # some generated bodies name no word of their title
        assert (item.metrics["description_quality"] or 0) > 0.3
        assert item.metrics["keyword_quality"] is not None


def test_metrics_use_the_bounds_of_the_site(profile: Profile) -> None:
    """The length of a description is judged by the `max` of the site's summary."""
    path = next(Path("site/articles").rglob("*.md"))
    page = read_as(path.read_bytes(), main_layout(profile))
    before = {item.id: item for item in evaluate(SUITE, pages=Path("site/articles"), site=profile).items}[path.stem]
    path.write_text(splice(page, {"summary": f"{page.text_of('summary')}, {'and so on, ' * 15}until it is done"}))
    after = {item.id: item for item in evaluate(SUITE, pages=Path("site/articles"), site=profile).items}[path.stem]
    assert (after.metrics["description_quality"] or 1) < 0.7 * (before.metrics["description_quality"] or 0)
    assert (after.metrics["page_health"] or 1) < 1


def test_a_site_without_descriptions_leaves_their_metric_out(profile: Profile) -> None:
    lines = SITE_TOML.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(('  {key="summary"', '  {key="tags"'))]
    small = parse_profile("\n".join(kept).encode(), Path("site/site.toml").absolute())
    report = evaluate(SUITE, pages=Path("site"), site=small)
    assert {item.metrics["description_quality"] for item in report.items} == {None}
    assert {item.metrics["keyword_quality"] for item in report.items} == {None}
    assert report.metrics["score"].mean == pytest.approx(1.0, abs=0.02)


def test_a_page_is_found_in_the_folder_of_its_subject(profile: Profile) -> None:
    suite = load_suite(SUITE, profile)
    page = Path("site") / job_for(suite.references[0]).path
    other = Path("site/drafts") / page.name
    other.parent.mkdir()
    other.write_text("a draft")
    assert find_candidates(suite, Path("site"))[0].path == page
    assert find_candidates(suite, Path("site/articles"))[0].path == page
    page.unlink()
    (Path("site/old") / page.name).parent.mkdir()
    (Path("site/old") / page.name).write_text("an old page")
    candidate = find_candidates(suite, Path("site"))[0]
    assert candidate.error is not None
    assert candidate.error.kind == "ambiguous-page"


def test_equal_questions_of_two_references_are_refused(profile: Profile) -> None:
    first = sorted((SUITE / "references").glob("*.md"))[0]
    (SUITE / "references" / "again.md").write_text(first.read_text())
    with pytest.raises(Exception, match="ask the same question about the same subject"):
        load_suite(SUITE, profile)


def test_eval_run_takes_the_site(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    del profile
    arguments = ["eval", "run", str(SUITE), "--pages", "site", "--site", "site/site.toml"]
    assert run([*arguments, "--json", "-", "--html", "report.html"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [item["error"] for item in report["items"]] == [None] * 4
    assert min(item["score"] for item in report["items"]) > 0.9
    assert report["items"][0]["question"] in unescape(Path("report.html").read_text())


def test_another_answer_scores_less(profile: Profile) -> None:
    layout = main_layout(profile)
    for path in Path("site/articles").rglob("*.md"):
        page = read_as(path.read_bytes(), layout)
        path.write_text(splice(page, {"body": "Paint the hull.\n\n1. Buy paint.\n2. Sand the old paint off by hand."}))
    report = evaluate(SUITE, pages=Path("site"), site=profile)
    assert max(item.score or 0.0 for item in report.items) < 0.6
    assert report.items[0].candidate.startswith("Paint the hull.")
