"""Tokens a page: one structured call, beside the naive recipe of three calls (answer, then description, then keywords).

    python benchmarks/tokens.py

Counted at four bytes a token over the exact requests, for an answer of the site's median length (2,537 characters); of
what is sent, the beginning that is the same for every page is shown apart, for endpoints cache it.
"""

import json

from qtgen.generation.config import library
from qtgen.generation.types import Question
from qtgen.llm.endpoint import Endpoint, request_body
from qtgen.page.fields import DESCRIPTION_MAX, KEYWORDS_REQUESTED
from qtgen.settings import Settings

ANSWER, DESCRIPTION, KEYWORDS = 2_537, DESCRIPTION_MAX, KEYWORDS_REQUESTED * 18  # characters
QUESTION = Question("How does the structure of a cell membrane decide what passes through it?", "Biology")
NAIVE = (
    "You write answers for a site where students look up single questions. Answer in markdown, with numbered points.",
    "You write meta descriptions. Write one sentence of at most 122 characters for this question and its answer.",
    "You write SEO keywords. List twelve, separated by commas, for this question and its answer.",
)


def tokens(text: str | bytes) -> int:
    return len(text if isinstance(text, bytes) else text.encode()) // 4


def main() -> None:
    prompt = library(Settings()).render(QUESTION)
    body = request_body(prompt, Endpoint("openai", "m"))
    schema = tokens(json.dumps(prompt.schema))
    same = tokens(prompt.messages[0].content) + schema
    received = (ANSWER + DESCRIPTION + KEYWORDS + 250) // 4  # 250: the keys and quotes of the JSON
    print("| recipe | calls | sent | of it the same for all pages | received |\n|---|---|---|---|---|")
    print(f"| qtgen, one structured call | 1 | {tokens(body):,} | {same:,} | {received:,} |")
    asked = tokens(QUESTION.text) + 40  # the frame of a request
    sent = sum(tokens(system) + asked for system in NAIVE) + 2 * (ANSWER // 4)
    naive = (ANSWER + DESCRIPTION + KEYWORDS) // 4
    print(f"| naive, three calls | 3 | {sent:,} | {sum(map(tokens, NAIVE)):,} | {naive:,} |")


if __name__ == "__main__":
    main()
