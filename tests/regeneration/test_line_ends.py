"""Pages with carriage returns or a byte-order mark are judged after the safe fix, and get it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.provenance import ProvenanceIndex
from qtgen.generation.types import Status
from qtgen.page.compile import default_layout
from qtgen.page.profile import default_profile
from qtgen.regeneration.api import default_filter
from qtgen.regeneration.detect import find_stale
from qtgen.regeneration.page_state import Criteria
from qtgen.regeneration.plan import RewriteSources, plan_jobs
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
from qtgen.regeneration.staleness import StalenessFilter, StalenessReport
from qtgen.site.discovery import iter_batches
from qtgen.validation.run import ValidationOptions
from support import TODAY
from support.default_site import WRITTEN_GROUPS
from support.pages import LONG_DESCRIPTION, UNSPACED_KEYWORDS, page_path, page_text, write_site

DESCRIPTION, KEYWORDS = "seo.page_description", "seo.page_keywords"
FORMS: list[Callable[[bytes], bytes]] = [
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"),
    lambda raw: raw.replace(b"\n", b"\r"),
    lambda raw: raw.replace(b"\n", b"\r\n", 5),
]
every_form = pytest.mark.parametrize("form", FORMS, ids=["crlf", "bom", "both", "cr", "mixed"])


def write(form: Callable[[bytes], bytes], **changes: str) -> None:
    write_site(osmosis=changes)
    path = Path(page_path())
    path.write_bytes(form(path.read_bytes()))


def find(config: GenerationConfig, staleness: StalenessFilter | None = None) -> StalenessReport:
    criteria = Criteria(TODAY, {}, frozenset())
    batches = list(iter_batches([Path("site")]))
    return find_stale(
        batches,
        ValidationOptions((), profile=default_profile()),
        staleness or default_filter(default_layout()),
        criteria,
        ProvenanceIndex(default_layout()),
        config,
    )


def plan(config: GenerationConfig, report: StalenessReport) -> RewriteJob | RewriteResult:
    (planned,) = plan_jobs(report.stale, config, RewriteSources())
    return planned


@every_form
def test_a_page_that_is_otherwise_fresh_needs_no_request(
    config: GenerationConfig, form: Callable[[bytes], bytes]
) -> None:
    write(form)
    report = find(config)
    assert report.unreadable == []
    (page,) = report.stale
    assert (page.reasons, page.is_free, page.errors) == (("QT105",), True, 1)
    result = plan(config, report)
    assert isinstance(result, RewriteResult)
    assert (result.outcome.status, result.job.fixes) == (Status.FIXED, 1)
    draft = result.outcome.draft
    assert draft is not None
    assert (draft.text, draft.before) == (page_text(), Path(page_path()).read_bytes())


@every_form
def test_a_page_is_judged_after_the_fix(config: GenerationConfig, form: Callable[[bytes], bytes]) -> None:
    write(form, **{DESCRIPTION: LONG_DESCRIPTION, KEYWORDS: UNSPACED_KEYWORDS})
    report = find(config)
    (page,) = report.stale
    assert (sorted(page.reasons), page.free) == (["QT105", "QT601", "QT603"], frozenset({"QT105", "QT603"}))
    job = plan(config, report)
    assert isinstance(job, RewriteJob)
    assert (job.fields, job.fixes) == (frozenset({DESCRIPTION}), 2)
    assert "\r" not in job.page.text
    assert not job.page.text.startswith("\ufeff")


def test_line_ends_are_no_reason_if_another_one_is_named(config: GenerationConfig) -> None:
    write(FORMS[0])
    assert find(config, StalenessFilter([], frozenset({"QT601"}), groups=frozenset(WRITTEN_GROUPS))).stale == []
    write(FORMS[0], **{DESCRIPTION: LONG_DESCRIPTION})
    report = find(config, StalenessFilter([], frozenset({"QT601"}), groups=frozenset(WRITTEN_GROUPS)))
    assert [page.reasons for page in report.stale] == [("QT601",)]


def test_a_page_that_does_not_parse_after_the_fix_is_unreadable(config: GenerationConfig) -> None:
    write(lambda raw: raw.replace(b"\n", b"\r\n").replace(b"Biology", b"Bio\x07logy"))
    report = find(config)
    assert (report.unreadable, report.stale) == ([page_path()], [])
