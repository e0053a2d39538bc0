"""Estimate the tokens per page of qtgen's one structured request and of three plain requests.

    python benchmarks/tokens.py

The three requests ask for the answer, then for its description, then for its keywords. Both ways are estimated at four
bytes per token, for an answer of the site's median length (2,537 characters). The part of a request that is the same
for all pages is shown apart, because endpoints cache it.
"""

import json

from qtgen.generation.config import load_library
from qtgen.generation.types import Question
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.page import default_profile
from qtgen.page.compile import default_layout
from qtgen.settings import Settings

FIELDS = default_layout().fields
ANSWER = 2_537  # characters, like the next two
DESCRIPTION = int(FIELDS["seo.page_description"].spec.max or 0)
KEYWORDS = int(FIELDS["seo.page_keywords"].spec.ask or 0) * 18
JSON_SYNTAX = 250  # characters of keys, quotes and brackets in a structured response
REQUEST_OVERHEAD = 40  # tokens of a plain request besides its texts
QUESTION = Question("How does the structure of a cell membrane decide what passes through it?", "Biology")
PLAIN_PROMPTS = (
    "You write answers for a site where students look up single questions. Answer in markdown, with numbered points.",
    "You write meta descriptions. Write one sentence of at most 122 characters for this question and its answer.",
    "You write SEO keywords. List twelve, separated by commas, for this question and its answer.",
)


def tokens(text: str | bytes) -> int:
    return len(text if isinstance(text, bytes) else text.encode()) // 4


def main() -> None:
    prompt = load_library(Settings(), default_profile()).render(QUESTION)
    sent = tokens(make_request(prompt, Endpoint("openai", "m")).body)
    cacheable = tokens(prompt.messages[0].content) + tokens(json.dumps(prompt.schema))
    received = (ANSWER + DESCRIPTION + KEYWORDS + JSON_SYNTAX) // 4
    print("| way | requests | sent | the same for all pages | received |\n|---|---|---|---|---|")
    print(f"| qtgen, one structured request | 1 | {sent:,} | {cacheable:,} | {received:,} |")
    question = tokens(QUESTION.text) + REQUEST_OVERHEAD
    answers_sent = 2 * (ANSWER // 4)  # with the requests for the description and for the keywords
    sent = sum(tokens(system) + question for system in PLAIN_PROMPTS) + answers_sent
    received = (ANSWER + DESCRIPTION + KEYWORDS) // 4
    print(f"| three plain requests | 3 | {sent:,} | {sum(map(tokens, PLAIN_PROMPTS)):,} | {received:,} |")


if __name__ == "__main__":
    main()
