"""Infer the layouts of sites that look like real ones: every planted fault is reported, and no clean page is."""

import random
import re
from pathlib import Path

import pytest

from qtgen.page.profile import parse_profile
from qtgen.site.inference.infer import Inferred
from qtgen.site.inference.observe import generic
from qtgen.validation.api import validate
from qtgen.validation.diagnostics import Diagnostic
from support.inference import SITE, adopted, inferred
from support.lookalikes import LOOKALIKES, Lookalike, PlantedFault, SitePage
from support.lookalikes.conformance import problems

SEEDS = (1, 2, 3)
PAGES, FAULTS = 300, 24

each_site = pytest.mark.parametrize("site", LOOKALIKES.values(), ids=LOOKALIKES)


def infer_pages(pages: list[SitePage]) -> Inferred:
    return inferred({page.path: page.text for page in pages})


def reported(result: Inferred, fault: PlantedFault) -> bool:
    """Return whether a finding has the fault's page and key. Of keys that changed places, either may have moved."""
    path = str(SITE / fault.path)
    return path in {page.path for page in result.unusable} or any(
        result.files[place.page] == path
        and (generic(place.path) == fault.key or (fault.kind, finding.kind) == ("out-of-order", "order"))
        for finding in result.findings
        for place in finding.against
    )


@each_site
def test_planted_faults_are_reported(site: Lookalike) -> None:
    missed, count = [], 0
    for seed in SEEDS:
        pages, planted = site.plant(site.generate(seed, PAGES), seed, FAULTS)
        result = infer_pages(pages)
        missed += [(seed, fault) for fault in planted if not reported(result, fault)]
        count += len(planted)
    assert len(missed) <= 0.05 * count, missed


@each_site
@pytest.mark.parametrize("faults", [0, FAULTS])
def test_clean_unseen_pages_conform(site: Lookalike, faults: int) -> None:
    for seed in SEEDS:
        pages = site.generate(seed, PAGES)
        random.Random(seed).shuffle(pages)
        seen, unseen = pages[: PAGES * 4 // 5], pages[PAGES * 4 // 5 :]
        result = infer_pages(site.plant(seen, seed, faults)[0])
        found = problems(result.text, unseen)
        assert len({problem.path for problem in found}) <= 0.01 * len(unseen), found


@each_site
def test_the_layout_of_clean_pages_is_that_of_the_generator(site: Lookalike) -> None:
    """Keys in order, required keys, types, constants and templates are those of the file that belongs to the site."""
    result = infer_pages(site.generate(1, PAGES))
    assert result.conforming == PAGES
    expected = parse_profile(site.site_toml.encode(), SITE / "site.toml").file.layout
    layouts = parse_profile(result.text.encode(), SITE / "site.toml").file.layout
    assert len(layouts) == len(expected)
    for layout in expected:
        own = next(other for other in layouts if (other.when, other.files) == (layout.when, layout.files))
        assert [spec.key for spec in own.fields] == [spec.key for spec in layout.fields]
        assert own.path == re.sub(r"\{language\}", "{language|slug}", layout.path)
        for spec, want in zip(own.fields, layout.fields, strict=True):
            assert spec.const == want.const
            assert {*spec.kinds} == {*want.kinds}
            is_required = want.required is not False and want.required_when is None
            assert (spec.required is not False) == is_required, spec.key
            assert (spec.value is None) == (want.value is None), spec.key


def test_candidates_are_comments() -> None:
    result = infer_pages(LOOKALIKES["workshop"].generate(1, PAGES))
    for candidate in (
        '# add: required_when={status="withdrawn"}',
        '# add: only_when={status="withdrawn"}',
        '# add: ref="permalink"',
        "# add: unique=true",
        '# add: enum=["live", "draft", "withdrawn"]',
        "# add: min=",
        '# add: field = "see_also"',
    ):
        assert candidate in result.text


@each_site
def test_candidates_hold_as_they_are_written(site: Lookalike, tmp_path: Path) -> None:
    pages = site.generate(5, PAGES)
    result = infer_pages(pages)
    text = adopted(result.text)
    assert text.count("# adopted") >= 2
    found = check(tmp_path, text, pages, ["QT1", "QT2", "QT3", "QT403", "QT412"])
    assert not [(d.code, d.field, d.message) for d in found][:3]


@each_site
def test_validation_accepts_clean_unseen_pages(site: Lookalike, tmp_path: Path) -> None:
    pages = site.generate(4, PAGES)
    random.Random(4).shuffle(pages)
    seen, unseen = pages[: PAGES * 4 // 5], pages[PAGES * 4 // 5 :]
    found = check(tmp_path, infer_pages(seen).text, unseen, ["QT1", "QT2", "QT3"])
    assert len({diagnostic.path for diagnostic in found}) <= 0.01 * len(unseen), found


def check(root: Path, site_toml: str, pages: list[SitePage], rules: list[str]) -> list[Diagnostic]:
    """Write pages and their `site.toml` to a folder, and return what validation finds."""
    file = root / "site.toml"
    file.write_text(site_toml, encoding="utf-8")
    for page in pages:
        path = root / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8", newline="")
    return list(validate(root, site=file, select=rules, jobs=1))
