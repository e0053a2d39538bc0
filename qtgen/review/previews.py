"""Whether the site's own renderer is built, which previews pages exactly. Without it, the server renders them."""

from qtgen.review.templating import STATIC


def has_bundle() -> bool:
    """Return whether the renderer is built."""
    return (STATIC / "preview").is_dir()
