"""The valid page that the examples of the rules change, and a second page that makes it a site."""

import re

from qtgen.validation.rules.types import Example

EXAMPLE_PATH = "outputs/biology/what-is-osmosis.md"

EXAMPLE_PAGE = """\
---
_schema: default
id: 7
date: 2026-01-31
title: >-
    What is osmosis?
article_title: >-
    What is osmosis?
date_format: MMM DD, YYYY
post_on_text: Posted on
seo:
  title: QuickTakes | Biology
  page_description: >-
    Osmosis is the passage of water through a membrane towards the side that holds more solute.
  page_keywords: >-
    osmosis, membrane, solute, water, diffusion
author: QuickTakes
question: >-
    What is osmosis?
answer: >-
    Osmosis moves water through a membrane that holds the solute back.\\n\\n1. **Gradient**: Water moves towards the side with more solute, because there its own concentration is lower.\\n\\n2. **Membrane**: The pores let water pass and hold back larger particles such as sugar and most ions.\\n\\nIn summary, osmosis evens out concentrations by moving water instead of solute.
subject: Biology
file_name: what-is-osmosis.md
url: /learn/biology/questions/what-is-osmosis
score: -1.0
related_article1:
    id: 8
    title: >-
        What is diffusion?
    subject: Biology
    url: /learn/biology/questions/what-is-diffusion
---

&nbsp;"""


NEIGHBOUR_PATH = "outputs/biology/what-is-diffusion.md"

_SWAPPED = {"7": "8", "8": "7", "smosis": "iffusion", "iffusion": "smosis", "O": "D", "o": "d", "D": "O", "d": "o"}

# The page that the example page links to, and that links back. It is the same page with osmosis and diffusion swapped.
NEIGHBOUR_PAGE = re.sub(
    "([OoDd])(smosis|iffusion)|7|8",
    lambda match: "".join(_SWAPPED[part] for part in (match.groups() if match.group(1) else [match.group()])),
    EXAMPLE_PAGE,
)


def apply_example(example: Example) -> tuple[str, bytes]:
    """Return the path and the bytes of the page that an example describes."""
    raw = example.raw if example.raw is not None else EXAMPLE_PAGE.replace(example.old, example.new).encode()
    return example.path or EXAMPLE_PATH, raw


def example_site(example: Example) -> list[tuple[str, bytes]]:
    """Return the paths and bytes of both pages of the example site."""
    return [apply_example(example), (NEIGHBOUR_PATH, NEIGHBOUR_PAGE.replace(*example.neighbour).encode())]
