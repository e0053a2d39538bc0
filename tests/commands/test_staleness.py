"""Which pages with provenance `regenerate` reports as missing."""

from pathlib import Path

import pytest

from qtgen.commands._staleness import _missing_pages
from qtgen.generation.output import OutputFolder
from qtgen.page.compile import default_layout, main_layout
from qtgen.page.profile import load_profile
from qtgen.site.discovery import iter_batches
from support import ROOT


def missing(keys: list[str], folder: str, layout: object) -> list[str]:
    batches = list(iter_batches([Path(folder)]))
    return _missing_pages(keys, batches, OutputFolder(Path("outputs")), layout)  # type: ignore[arg-type]


def touch(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("")


@pytest.mark.parametrize("subject", ["biology", "computer-science"])
def test_pages_of_the_checked_folders_are_missing(subject: str) -> None:
    touch(f"content/{subject}/one.md")
    keys = [f"/learn/{subject}/questions/two", "/learn/physics/questions/three"]
    assert missing(keys, "content", default_layout()) == keys[:1]
    touch(f"outputs/{subject}/two.md")  # it is in the output folder
    assert missing(keys, "content", default_layout()) == []


def test_a_folder_can_have_the_subject_as_its_name() -> None:
    touch("content/Biology/one.md")
    keys = ["/learn/biology/questions/two"]
    assert missing(keys, "content", default_layout()) == keys


def test_pages_in_nested_folders() -> None:
    layout = main_layout(load_profile(ROOT / "tests" / "fixtures" / "sites" / "workshop" / "site.toml"))
    touch("articles/engines/one.md")
    touch("other/rigging/one.md")
    keys = ["/engines/two/", "/rigging/two/", "/engines/three/four/"]
    assert missing(keys, "articles", layout) == keys[:1]
    assert missing(keys, "other", layout) == [], "its folder is not the one that the layout gives"
