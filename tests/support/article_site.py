"""An article site: another layout than the default one, with real line breaks, lists, a body and a shape of its own."""

import json
from pathlib import Path
from typing import Any

from qtgen.page.profile import Profile, parse_profile

SITE = """\
format = 1
name = "Harbour Workshop"
slug = {keep="a-z0-9 -", space="-", collapse=true, ascii=true}

[[layout]]
files = "articles/**/*.md"
path = "articles/{topic|slug}/{title|slug}.md"
quote = "double"
roles = {key="permalink", question="title", answer="body", subject="topic", date="published"}
fields = [
  {key="title", source="question", max=90, unique=true},
  {key="permalink", value="/{topic|slug}/{title|slug}/"},
  {key="summary", source="model", group="summary", min=40, max=160},
  {key="topic", source="subject", enum=["Engines", "Rigging"]},
  {key="published", type="date", source="today"},
  {key="status", enum=["draft", "live", "withdrawn"], default="draft"},
  {key="withdrawn_because", required_when={status="withdrawn"}, only_when={status="withdrawn"}},
  {key="tags", type="list", style="flow", source="model", group="summary", min=2, max=6, pattern="[a-z][a-z-]+"},
  {key="vessel", type="map", indent=2, required=false, fields=[
    {key="length_m", type="float", min=2, max=60},
    {key="hull", enum=["steel", "wood"]},
  ]},
  {key="see_also", type="list", style="block", required=false, ref="permalink"},
]

[links]
field = "see_also"
max = 4

[renderer]
newline = "real"
math = []
html = "error"

[generate]
shapes = ["points", "steps"]

[[shape]]
name = "steps"
parts = [
  {key="goal", min=60, max=280, markdown="{text}"},
  {key="steps", items=[3, 9], min=20, max=300, markdown="{n}. {text}"},
]

[rules]
QT409 = "off"
"""
GOAL = "A short splice joins two ropes of the same size for good, and it keeps most of the strength of the rope."
STEPS = [
    "Unlay the strands of both ropes for about six turns and tape their ends.",
    "Marry the two ropes so that their strands alternate, and tie them together.",
    "Tuck each strand over one strand and under the next one, three times in all.",
]
SUMMARY = "How to join two ropes of the same size with a short splice, in three steps."
TAGS = ["rope-work", "splice", "rigging"]


def site(text: str = SITE, folder: Path | None = None) -> Profile:
    """Return the profile in the text of a `site.toml`, as if it were in a folder."""
    return parse_profile(text.encode(), (folder or Path.cwd()) / "site.toml")


def changed(*changes: tuple[str, str]) -> str:
    """Return the text of the file with changes. Each one replaces a text that occurs once."""
    text = SITE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def steps_json(**parts: Any) -> str:
    """Return an answer in the shape `steps`."""
    return json.dumps({"goal": GOAL, "steps": STEPS, "page_summary": SUMMARY, "tags": TAGS, **parts})
