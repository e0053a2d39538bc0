"""Harbour Workshop on the disk: the profile of an article site, with generated articles."""

from pathlib import Path

from qtgen.page.profile import Profile, load_profile
from support.lookalikes import LOOKALIKES, SitePage

SITE_TOML = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"


def write_workshop(root: Path, count: int = 6) -> tuple[Profile, list[SitePage]]:
    """Write a `site.toml`, its folder of prompts, and articles below `root`. Return the profile and the articles."""
    pages = LOOKALIKES["workshop"].generate(21, count)
    for page in pages:
        path = root / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8")
    (root / "prompts" / "workshop").mkdir(parents=True)
    (root / "site.toml").write_bytes(SITE_TOML.read_bytes())
    return load_profile(root / "site.toml"), pages
