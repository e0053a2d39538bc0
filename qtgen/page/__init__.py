"""The page: read it with the position of every value, emit it byte for byte, and splice changes into it with proof."""

from qtgen.page.answer_text import decode_answer, encode_answer
from qtgen.page.compile import layouts_of, main_layout
from qtgen.page.document import Page, Position, Problem, Span, Style, Value
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.page.emitter import emit
from qtgen.page.layout import Layout
from qtgen.page.naming import windows_fault
from qtgen.page.profile import Profile, default_profile, load_profile
from qtgen.page.reader import MAX_BYTES, normalize_lines, oversized_page, read, read_as, read_text, unreadable_page
from qtgen.page.splicer import Changes, splice, splice_edits

__all__ = [
    "MAX_BYTES",
    "Changes",
    "Layout",
    "Page",
    "Position",
    "Problem",
    "Profile",
    "Span",
    "Style",
    "TextEdit",
    "Value",
    "apply_edits",
    "decode_answer",
    "default_profile",
    "emit",
    "encode_answer",
    "layouts_of",
    "load_profile",
    "main_layout",
    "normalize_lines",
    "oversized_page",
    "read",
    "read_as",
    "read_text",
    "splice",
    "splice_edits",
    "unreadable_page",
    "windows_fault",
]
