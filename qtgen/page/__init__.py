"""The page: read it with positions, emit it byte for byte, splice it with proof."""

from qtgen.page.answer_text import decode, encode
from qtgen.page.document import Page, Position, Problem, Span, Style, Value
from qtgen.page.emit import emit
from qtgen.page.read import read, read_text, too_large, unreadable
from qtgen.page.slug import file_name, seo_title, slug, url
from qtgen.page.splice import edits_for, splice

__all__ = [
    "Page",
    "Position",
    "Problem",
    "Span",
    "Style",
    "Value",
    "decode",
    "edits_for",
    "emit",
    "encode",
    "file_name",
    "read",
    "read_text",
    "seo_title",
    "slug",
    "splice",
    "too_large",
    "unreadable",
    "url",
]
