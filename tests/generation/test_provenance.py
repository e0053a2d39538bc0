"""Reading the provenance of pages."""

import json

from qtgen.generation.provenance import group_digests, read_provenance
from qtgen.page import splice
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import LAYOUT, read_text


def test_the_last_line_of_a_group_counts_and_a_truncated_one_is_skipped() -> None:
    lines = [
        b'{"url": "/u", "date": "2025-01-01"}\n',
        b'{"url": "/u", "date": "2025-02-01", "groups": ["seo"]}\n',
        b'{"url": "/u", "da\n',
        b"\n",
    ]
    made = read_provenance(lines, LAYOUT).records["/u"]
    assert (made["answer"].date, made["seo"].date) == ("2025-01-01", "2025-02-01")


def test_a_record_whose_text_was_never_written_is_discarded() -> None:
    """A run that is killed between the record and the page leaves the old text."""
    page = read_text(EXAMPLE_PAGE)
    first = {"url": "/u", "date": "2025-01-01", "text_digests": group_digests(page, ["answer", "seo"])}
    second = {"url": "/u", "date": "2025-02-01", "groups": ["seo"], "replaced_digests": group_digests(page, ["seo"])}
    index = read_provenance([json.dumps(line).encode() for line in (first, second)], LAYOUT)
    index.discard_unfinished(lambda _: page)
    assert index.records["/u"]["seo"].date == "2025-01-01"
    alone = read_provenance([json.dumps(second).encode()], LAYOUT)
    alone.discard_unfinished(lambda _: page)
    assert alone.records["/u"] == {}
    written = read_provenance([json.dumps(line).encode() for line in (first, second)], LAYOUT)
    written.discard_unfinished(lambda _: read_text(splice(page, {"seo.page_keywords": "a, b, c, d, e"})))
    assert written.records["/u"]["seo"].date == "2025-02-01"
