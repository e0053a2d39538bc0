"""Where the page with a key should be."""

from pathlib import Path

import pytest

from qtgen.page.compile import default_layout, main_layout
from qtgen.page.layout import Layout
from qtgen.page.profile import parse_profile

SITE = """\
format = 1
name = "Site"
[[layout]]
path = "{path}"
roles = {{key="key", question="title", subject="topic"}}
fields = [
  {{key="title"}},
  {{key="topic"}},
  {{key="key"{value}}},
]
"""


def layout_of(path: str, key: str | None) -> Layout:
    text = SITE.format(path=path, value="" if key is None else f', value="{key}"')
    return main_layout(parse_profile(text.encode(), Path("/site/site.toml")))


def test_the_default_site() -> None:
    layout = default_layout()
    assert layout.path_of_key("/learn/computer-science/questions/what-is-a-heap") == (
        "computer-science/what-is-a-heap.md"
    )
    assert layout.path_of_key("/learn/biology") is None


@pytest.mark.parametrize(
    ("path", "key", "text", "expected"),
    [
        ("a/{topic|slug}/{title|slug}.md", "/{topic|slug}/{title|slug}/", "/ropes/splice-a-rope/", "a/ropes/splice-a-rope.md"),
        ("{title|slug}.md", "{title|slug}", "splice-a-rope", "splice-a-rope.md"),
        ("{title|slug}.md", "/{title|slug}/{title|slug}", "/a/a", "a.md"),
        ("{title|slug}.md", "/{title|slug}/{title|slug}", "/a/b", None),
        ("{title|slug}.md", "/{topic|slug}-{title|slug}", "/a-b", "b.md"),
        ("{title|slug}.md", "/{topic|slug}-{title|slug}", "/a-b-c", None),  # it can be read in two ways
        ("{title|slug}.md", "/{topic|slug}/", "/ropes/", None),  # the key does not name the title
        ("{title|slug}.md", "/{title|lower}/", "/ropes/", None),  # it names it in another form
        ("{title|slug}.md", None, "/ropes/", None),  # nothing says how keys are made
    ],
)  # fmt: skip
def test_other_sites(path: str, key: str | None, text: str, expected: str | None) -> None:
    assert layout_of(path, key).path_of_key(text) == expected
