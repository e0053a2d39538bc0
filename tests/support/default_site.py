"""What tests need of the default site: its texts, and where its pages go."""

from qtgen.generation.page_texts import PageText, page_texts
from qtgen.generation.parsing import schema_names
from qtgen.generation.places import Places
from qtgen.generation.provenance import written_groups
from qtgen.page import default_profile
from qtgen.page.compile import default_layout
from support import TODAY

PLACES = Places(default_layout(), TODAY)
WRITTEN_GROUPS = written_groups(default_layout())
SCHEMA_NAMES = schema_names(default_profile())


def _text(text: PageText | None) -> PageText:
    assert text
    return text


DESCRIPTION_TEXT = _text(page_texts(default_layout()).description)
KEYWORDS_TEXT = _text(page_texts(default_layout()).keywords)
