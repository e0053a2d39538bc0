"""What reviewers read for the fields and the groups of a layout."""

from pathlib import Path

from qtgen.page.compile import default_layout, main_layout
from qtgen.page.profile import load_profile
from qtgen.review.fields import editable_fields, group_label_of

WORKSHOP = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"


def test_a_field_and_the_map_of_a_group_have_labels() -> None:
    layout = default_layout()
    assert [field.label for field in editable_fields(layout)] == ["Answer", "Description", "Keywords"]
    assert [group_label_of(layout, group) for group in layout.groups] == ["Answer", "Search fields", "related"]


def test_without_labels_reviewers_read_the_keys() -> None:
    layout = main_layout(load_profile(WORKSHOP))
    assert [field.label for field in editable_fields(layout)] == ["body", "summary", "tags"]
    assert [group_label_of(layout, group) for group in layout.groups] == ["Answer", "summary", "related"]
