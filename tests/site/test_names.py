"""Names that differ only in case, among the files and folders of a site."""

import pytest

from qtgen.site.names import CaseIndex, CaseTwin


def twins(*batches: tuple[str, list[str]]) -> list[CaseTwin]:
    index = CaseIndex()
    for folder, names in batches:
        index.add(folder, names)
    return [*index.twins()]


def test_files_of_one_folder() -> None:
    found = twins(("site/biology/", ["What-is-x.md", "a.md"]), ("site/biology/", ["what-is-X.md", "what-is-x.md"]))
    assert found == [
        CaseTwin(0, "What-is-x.md", "what-is-X.md", False),
        CaseTwin(2, "what-is-X.md", "What-is-x.md", False),
        CaseTwin(3, "what-is-x.md", "What-is-x.md", False),
    ]


def test_folders_at_any_depth_are_reported_once_each() -> None:
    found = twins(("Site/Biology/", ["b.md", "c.md"]), ("Site/biology/", ["a.md"]), ("Site/biology/cells/", ["x.md"]))
    assert found == [
        CaseTwin(0, "Site/Biology/", "Site/biology/", True),
        CaseTwin(2, "Site/biology/", "Site/Biology/", True),
    ]


@pytest.mark.parametrize(
    "batches",
    [
        [("site/biology/", ["x.md"]), ("site/physics/", ["X.md"])],
        [("/home/Site/a/", ["A.md", "b.md"]), ("/home/Site/b/", ["a.md"])],
        [("", ["a.md", "B.md"])],
        [],
    ],
)
def test_names_that_do_not_collide(batches: list[tuple[str, list[str]]]) -> None:
    assert twins(*batches) == []
