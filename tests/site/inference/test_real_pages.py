"""Infer the layout of the real pages: that which ships with qtgen."""

from collections.abc import Mapping

import msgspec
import pytest

from qtgen.page.compile import layouts_of
from qtgen.page.document import Page
from qtgen.page.profile import FieldSpec, default_profile, parse_profile
from qtgen.page.reader import read
from qtgen.site.inference.infer import Inferred
from support.inference import SITE, inferred

EVERY = 5  # pages of the sample


@pytest.fixture(scope="module")
def sample(real_pages: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {path: real_pages[path] for path in sorted(real_pages)[::EVERY]}


@pytest.fixture(scope="module")
def result(sample: Mapping[str, bytes]) -> Inferred:
    return inferred(sample)


def test_the_shipped_layout_is_found(result: Inferred) -> None:
    own, shipped = parse_profile(result.text.encode(), SITE / "site.toml").file, default_profile().file
    layout, expected = own.layout[0], shipped.layout[0]
    assert len(own.layout) == 1
    assert msgspec.structs.replace(own.slug, max=shipped.slug.max) == shipped.slug, "no page shows the longest slug"
    assert own.renderer.newline == shipped.renderer.newline
    assert own.renderer.math == shipped.renderer.math
    assert own.links
    assert shipped.links
    assert msgspec.structs.replace(own.links, name=shipped.links.name) == shipped.links, "no page shows the name"
    assert layout.roles == expected.roles
    assert layout.path.endswith(expected.path)
    assert (layout.body, layout.text_indent, layout.booleans) == ("\n&nbsp;", 4, "True")
    assert_same(layout.fields, expected.fields)


def assert_same(own: tuple[FieldSpec, ...], expected: tuple[FieldSpec, ...]) -> None:
    assert [spec.key for spec in own] == [spec.key for spec in expected]
    for spec, shipped in zip(own, expected, strict=True):
        for setting in ("type", "required", "const", "value", "source", "separator", "repeat", "copy", "ref", "indent"):
            assert getattr(spec, setting) == getattr(shipped, setting), f"{spec.key}: {setting}"
        assert spec.style == shipped.style
        assert_same(spec.fields, shipped.fields)


def test_nearly_all_pages_conform(sample: Mapping[str, bytes], result: Inferred) -> None:
    profile = parse_profile(result.text.encode(), SITE / "site.toml")
    layout = layouts_of(profile)[0]
    assert layout.scan is not None  # the fast reader
    bad = [path for path, raw in sample.items() if faults(read(raw, profile, str(SITE / path)), str(path))]
    assert len(bad) <= 0.01 * len(sample)
    assert result.conforming >= 0.99 * len(sample)


def faults(page: Page, path: str) -> list[str]:
    """Return the paths of the fields that disagree with the layout of a page."""
    layout, values = page.layout, page.values
    found = [problem.kind for problem in page.problems]
    found += [
        name
        for name in layout.required_paths(frozenset(page.sections()))
        if name not in values and name not in page.sections()
    ]
    found += [name for name in values if name not in layout.fields]
    ranks = [layout.order[name] for name in values if name in layout.order]
    found += ["order"] if ranks != sorted(ranks) else []
    found += [name for name, value in layout.constants.items() if values.get(name, value) != value]
    found += [name for name in layout.templates if name in values and values[name] != layout.fill(name, values)]
    return found + ([] if layout.page_path(values) == path else ["path"])
