"""Reading the provenance of pages."""

import json

from qtgen.generation.provenance import digests_of, origins
from qtgen.page import read_text, splice
from qtgen.validation.rules.example import EXAMPLE_PAGE


def test_the_last_line_of_a_group_counts_and_a_truncated_one_is_skipped() -> None:
    lines = [
        b'{"url": "/u", "date": "2025-01-01"}\n',
        b'{"url": "/u", "date": "2025-02-01", "groups": ["seo"]}\n',
        b'{"url": "/u", "da\n',
        b"\n",
    ]
    made = origins(lines).made["/u"]
    assert (made["answer"].date, made["seo"].date) == ("2025-01-01", "2025-02-01")


def test_a_record_whose_text_was_never_written_is_discarded() -> None:
    """A run that is killed between the record and the page leaves the old text."""
    page = read_text(EXAMPLE_PAGE)
    first = {"url": "/u", "date": "2025-01-01", "text_digests": digests_of(page, ["answer", "seo"])}
    second = {"url": "/u", "date": "2025-02-01", "groups": ["seo"], "replaced_digests": digests_of(page, ["seo"])}
    index = origins([json.dumps(line).encode() for line in (first, second)])
    index.settle(lambda _: page)
    assert index.made["/u"]["seo"].date == "2025-01-01"
    alone = origins([json.dumps(second).encode()])
    alone.settle(lambda _: page)
    assert alone.made["/u"] == {}
    written = origins([json.dumps(line).encode() for line in (first, second)])
    written.settle(lambda _: read_text(splice(page, {"seo.page_keywords": "a, b, c, d, e"})))
    assert written.made["/u"]["seo"].date == "2025-02-01"
