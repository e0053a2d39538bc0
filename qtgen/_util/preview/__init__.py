"""Render Markdown on the server, approximately as the site does: GitHub's Markdown, with formulas as MathML.

The HTML contains no script, no style, no address that a browser would load, and no link that navigates. Styles are in
`preview.css`.
"""

from qtgen._util.preview.render import palette_css, preview_css, render_markdown

__all__ = ["palette_css", "preview_css", "render_markdown"]
