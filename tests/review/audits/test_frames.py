from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.provenance import group_digests
from qtgen.page.profile import default_profile
from qtgen.review.audits.audits import Limits, digests_from_files, make_plan, read_frame
from support.audits import NOW
from support.default_site import WRITTEN_GROUPS
from support.default_tables import read
from support.pages import make_page, page_path, page_text, write_site


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_frame_holds_the_pages_by_url() -> None:
    written = write_site(water={"score": 0.7}, air={"score": -1.0}, fire={})
    frame = read_frame([Path("site")], Path("site"), default_profile())
    assert [page.path for page in frame.pages] == [f"biology/what-is-{name}.md" for name in ("air", "fire", "water")]
    assert frame.pages[0].digests == group_digests(read(written[page_path("air")]), WRITTEN_GROUPS)
    assert [page.features.get("score") for page in frame.pages][::2] == [None, 0.7]
    assert frame.excluded == ()


def test_features_are_added_by_url() -> None:
    write_site(water={"score": 0.7})
    url = make_page("water").text_of("url") or ""
    frame = read_frame([Path("site")], Path("site"), default_profile()).with_features(
        {url: {"errors": 2.0}, "/other": {"errors": 1.0}}
    )
    assert frame.pages[0].features == {"errors": 2.0, "score": 0.7}


def test_pages_that_no_reader_can_find_are_excluded_with_a_reason() -> None:
    write_site(water={}, air={})
    site = Path("site/biology")
    (site / "copy.md").write_bytes((site / "what-is-water.md").read_bytes())
    (site / "empty.md").write_bytes(b"")
    (site / "huge.md").write_bytes(b"x" * (2 << 20))
    (site / "no-front-matter.md").write_text("Hello")
    (site / "no-answer.md").write_text(page_text("earth", answer=None))
    (site / "no-url.md").write_text(page_text("fire").replace("url: ", "address: ", 1))
    frame = read_frame([Path("site")], Path("out"), default_profile())
    assert len(frame.pages) == 2
    reasons = {Path(path).name: reason for path, reason in frame.excluded}
    assert all(path.startswith("../site/biology/") for path, _ in frame.excluded)
    assert reasons["empty.md"] == "The page cannot be read: the file is empty. Fix the file."
    assert "maximum" in reasons["huge.md"]
    assert "front matter" in reasons["no-front-matter.md"]
    assert reasons["no-url.md"] == "The page has no `url`. Add one to its front matter."
    assert reasons["no-answer.md"].startswith("The page has no `answer`.")
    same = "`biology/copy.md` has the same `url`. Change the `url` of one of them."
    assert reasons["what-is-water.md"] == same


def test_a_folder_without_pages_is_an_error() -> None:
    Path("site").mkdir()
    with pytest.raises(UsageError, match="no pages"):
        read_frame([Path("site")], Path("out"), default_profile())


def test_the_digests_of_a_plan_come_from_the_files() -> None:
    write_site(water={}, air={}, fire={}, earth={})
    frame = read_frame([Path("site")], Path("out"), default_profile())
    plan = make_plan("spring", frame, DecisionLog(), at=NOW, seed=1, limits=Limits(0.5))
    Path(page_path("air")).write_text(page_text("air", answer="Another text"))
    Path(page_path("fire")).unlink()
    Path(page_path("earth")).write_text(page_text("soil"))
    digests_of = digests_from_files(plan, Path("out"), default_profile())
    states = {}
    for page in plan.pages:
        now = digests_of(page.url)
        states[page.path.rpartition("-")[2]] = now if now is None else dict(now) == plan.digests_of(page)
    assert states == {"water.md": True, "air.md": False, "fire.md": None, "earth.md": None}
    assert digests_of("/not/in/the/plan") is None
