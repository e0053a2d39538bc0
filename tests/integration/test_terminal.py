"""Nothing that a page, a question, a file name or an endpoint contains reaches the terminal as a control character."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qtgen.validation.rules.example import EXAMPLE_PAGE
from support import points_json
from support.fake_endpoint import completion, fake_endpoint
from support.validation import Run

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\r\u202eevil\u2066\u200f"
"""Renames the window, clears the screen, colors text, goes back to the start of the line, and turns text around."""
ESCAPED = r"\e]0;owned\a\e[2J\x9b31m\x7f\r\u202eevil\u2066\u200f"
"""The same in double quotes of YAML, where it is text like any other."""
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HOSTILE_NAME = f"site/biology/what{HOSTILE.replace('/', '')}.md"


def put(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode())


@pytest.fixture(autouse=True)
def _project() -> None:
    quoted = EXAMPLE_PAGE.replace("title: >-\n    What is osmosis?", f'title: "What is {ESCAPED}?"')
    put(HOSTILE_NAME, quoted)
    put("site/biology/raw.md", EXAMPLE_PAGE.replace("Osmosis moves", f"Osmosis {HOSTILE} moves"))
    put("site/biology/keys.md", EXAMPLE_PAGE.replace("author:", f'"auth{ESCAPED}or":'))
    put("site/biology/link.md", EXAMPLE_PAGE.replace("questions/what-is-diffusion", f"questions/{ESCAPED}"))
    link = EXAMPLE_PAGE.replace("/learn/biology/questions/what-is-diffusion", f'"/learn/x/questions/{ESCAPED}"')
    put(f"site/{HOSTILE}/link.md", link.replace("subject: Biology\nfile", f'subject: "Bio{ESCAPED}"\nfile'))
    put("site/biology/crlf.md", EXAMPLE_PAGE.replace("\n", "\r\n").replace("QuickTakes | Biology", "Biology"))
    put("site/biology/body.md", EXAMPLE_PAGE + f"{HOSTILE}\n")
    put("q.jsonl", json.dumps({"question": f"What is {HOSTILE} heat?", "subject": "Physics"}) + "\n")
    put("columns.csv", f"question,aut{HOSTILE.replace(chr(13), '')}or\nWhy?,x\n")
    put("dates.csv", f"question,subject,date\nWhy?,Physics,{HOSTILE.replace(chr(13), '')}\n")
    put("subjects.csv", f"question,subject\nWhy?,Phy{HOSTILE.replace(chr(13), '')}sics\n")
    sample = {"id": HOSTILE, "question": HOSTILE, "reference": HOSTILE, "candidate": HOSTILE}
    put("samples.jsonl", json.dumps(sample) + "\n{" + HOSTILE.replace("\r", "") + "\n")


def assert_harmless(result: tuple[int, str, str], codes: tuple[int, ...] = (0, 1, 2)) -> None:
    code, out, err = result
    assert code in codes, err
    assert out + err
    for text in (out, err):
        found = CONTROL.search(text)
        assert found is None, f"{found!r} in {text[max(0, found.start() - 80) : found.end() + 40]!r}"


COMMANDS: list[list[str]] = [
    *(["validate", "site", "--format", form] for form in ("text", "json", "github", "gitlab", "sarif", "junit")),
    ["validate", "site", "-vv"],
    ["validate", "site", "--statistics"],
    ["validate", "site", "--diff", "--unsafe"],
    ["validate", "site", "--fix", "--unsafe"],
    ["validate", HOSTILE, "site"],
    ["validate", HOSTILE],
    ["validate", "site", "--select", HOSTILE],
    ["validate", "site", "--format", HOSTILE],
    ["validate", "site", "--corpus", HOSTILE],
    ["validate", "site", f"--{HOSTILE}"],
    ["link", "site", "--check"],
    ["link", "site", "--check", "--json"],
    ["link", "site", "--diff", "--no-cache"],
    ["link", "site", "--dry-run", "--no-cache"],
    ["link", "site", "--json", "--no-cache"],
    ["link", "site", "--embeddings", HOSTILE],
    ["regenerate", "site", "--check"],
    ["regenerate", "site", "--check", "--json"],
    ["regenerate", "site", "--dry-run", "--provider", "local"],
    ["regenerate", "site", "--because", HOSTILE],
    ["regenerate", "site", "--check", "--questions", "dates.csv"],
    ["generate", "q.jsonl", "columns.csv", "--dry-run", "--provider", "local"],
    ["generate", "dates.csv", "--dry-run", "--provider", "local"],
    ["generate", "subjects.csv", "--dry-run", "--provider", "local"],
    ["generate", HOSTILE],
    ["generate", "q.jsonl", "--prompt", HOSTILE],
    ["generate", "q.jsonl", "--provider", HOSTILE],
    ["generate", "q.jsonl", "--corpus", "site", "--on-duplicate", "fail", "--dry-run", "--provider", "local"],
    ["prompts", "show", "explain", "--question", HOSTILE, "--context", HOSTILE],
    ["prompts", "show", "explain", "--question", HOSTILE, "--context", HOSTILE, "--json"],
    ["prompts", "show", HOSTILE, "--question", "x"],
    ["explain", HOSTILE],
    ["completion", HOSTILE],
    ["models", "use", HOSTILE],
    ["models", "fetch", HOSTILE],
    ["costs", "--by", HOSTILE],
    ["eval", "score", "samples.jsonl"],
    ["eval", "score", "samples.jsonl", "--metrics", HOSTILE],
    ["eval", "run", HOSTILE],
    ["eval", "compare", HOSTILE, HOSTILE],
    ["eval", "power", HOSTILE],
    [HOSTILE],
]


def short(arguments: list[str]) -> str:
    return ascii(" ".join(arguments))[1:60]


@pytest.mark.parametrize("arguments", COMMANDS, ids=short)
def test_a_command(qtgen: Run, arguments: list[str]) -> None:
    assert_harmless(qtgen(*arguments))


@pytest.mark.parametrize(
    "value",
    [
        f'model = "{"x" * 3}\\u001b[2J"\nnosuch = 1',
        '"a\\u001b[2Jb" = 1',
        'select = ["\\u001b[2J"]',
        'plugins = ["\\u001b[2J.py"]',
    ],
)
def test_settings(qtgen: Run, value: str) -> None:
    put("qtgen.toml", value)
    assert_harmless(qtgen("--show-settings"))
    assert_harmless(qtgen("validate", "site"))


REPLIES: list[Any] = [
    (400, {}, {"error": {"message": f"no {HOSTILE}", "type": HOSTILE, "code": HOSTILE}}),
    (401, {}, {"error": {"message": f"no {HOSTILE}"}}),
    (404, {}, f"<html><title>{HOSTILE}</title>".encode()),
    (200, {}, {**completion(HOSTILE), "model": f"m{HOSTILE}"}),
    (200, {}, completion(points_json().replace("Osmosis", f"Osmosis {json.dumps(HOSTILE)[1:-1]}"))),
    (200, {}, completion(None, "stop", refusal=f"I cannot {HOSTILE}")),
    (200, {}, completion(HOSTILE, HOSTILE)),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply[0]}")
@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "q.jsonl", "--show", "1"],
        ["generate", "q.jsonl", "--json", "-vv"],
        ["regenerate", "site", "--diff"],
        ["regenerate", "site", "--json"],
        ["check-endpoint"],
        ["check-endpoint", "--json"],
    ],
    ids=" ".join,
)
def test_replies_of_an_endpoint(qtgen: Run, monkeypatch: pytest.MonkeyPatch, reply: Any, arguments: list[str]) -> None:
    with fake_endpoint() as endpoint:
        endpoint.response = reply
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        assert_harmless(qtgen(*arguments))
    assert_harmless(qtgen("costs", "--by", "model"))
