"""Markdown as the site's renderer reads it: blocks, code, math and emphasis, with their places in the text."""

from qtgen.page.markdown.document import Document, expand_line_breaks, find_segments, mask_segments, parse, segment_at
from qtgen.page.markdown.types import Block, Emphasis, ListItem, Run, Segment

__all__ = [
    "Block",
    "Document",
    "Emphasis",
    "ListItem",
    "Run",
    "Segment",
    "expand_line_breaks",
    "find_segments",
    "mask_segments",
    "parse",
    "segment_at",
]
