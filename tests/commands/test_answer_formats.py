"""`generate` and `regenerate` with each answer format: the same answer makes the same page."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import POINTS, points_json
from support.endpoint import FakeEndpoint, Reply, fake_endpoint
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, changed_lines, page_path, write_site
from support.rewriting import DESCRIPTION, seo_json

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Run = Callable[..., tuple[int, str, str]]
PAGE = Path("outputs/biology/what-is-osmosis.md")
POINTS_MARKDOWN = "\n\n".join(
    [
        POINTS["introduction"],
        *(f"{n}. **{point['heading']}**: {point['explanation']}" for n, point in enumerate(POINTS["points"], 1)),
        f"In summary, {POINTS['summary']}",
        f"Description: {POINTS['page_description']}",
        f"Keywords: {', '.join(POINTS['page_keywords'])}",
    ]
)
SEO_MARKDOWN = f"Description: {SHORT_DESCRIPTION}\n\nKeywords: osmosis, membrane, solute, water, pressure"
FORMATS = ("json_schema", "json_object", "markdown")


def format_of(request: dict[str, Any]) -> str:
    return str(request.get("response_format", {}).get("type", "markdown"))


def answer(request: dict[str, Any]) -> Reply:
    """Answer in the format of the request, with search texts alone if the prompt has an answer."""
    is_seo = "<answer>" in request["messages"][-1]["content"]
    if format_of(request) == "markdown":
        return Reply(SEO_MARKDOWN if is_seo else POINTS_MARKDOWN)
    return Reply(seo_json() if is_seo else points_json(summary=f"In summary, {POINTS['summary']}"))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    with fake_endpoint(answer) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        yield running


def generate(qtgen: Run, *options: str) -> bytes:
    """Generate the page about osmosis again, and return it."""
    Path("q.csv").write_text("question,subject\nWhat is osmosis?,Biology\n")
    PAGE.unlink(missing_ok=True)
    code, _, err = qtgen("generate", "q.csv", "--recreate", *options)
    assert code == 0, err
    return PAGE.read_bytes()


def last_provenance(out: str = "outputs") -> dict[str, Any]:
    [file] = Path(out).rglob("provenance.jsonl")
    record: dict[str, Any] = json.loads(file.read_text().splitlines()[-1])
    return record


def test_the_same_answer_makes_the_same_page_in_each_format(qtgen: Run, endpoint: FakeEndpoint) -> None:
    pages, records = {}, {}
    for name in FORMATS:
        pages[name] = generate(qtgen, "--answer-format", name)
        records[name] = last_provenance()
    assert pages["json_schema"] == pages["json_object"] == pages["markdown"]
    assert [format_of(request) for request in endpoint.requests] == list(FORMATS), "no answer was taken from the ledger"
    assert {name: record["format"] for name, record in records.items()} == {name: name for name in FORMATS}
    for field in ("wording_digest", "schema_digest", "text_digests"):
        assert len({json.dumps(record[field]) for record in records.values()}) == 1
    assert len({record["prompt_digest"] for record in records.values()}) == 3
    assert qtgen("validate", "outputs")[0] == 0


def test_a_page_is_not_stale_in_another_format(qtgen: Run, endpoint: FakeEndpoint) -> None:
    generate(qtgen)
    check = ("regenerate", "outputs", "--out", "outputs", "--check")
    assert [qtgen(*check, "--answer-format", name)[0] for name in FORMATS] == [0, 0, 0]
    assert qtgen(*check, "--temperature", "0.9")[0] == 1, "but it is with another temperature"


def test_each_format_has_its_own_prompt(qtgen: Run, endpoint: FakeEndpoint) -> None:
    for name in FORMATS:
        generate(qtgen, "--answer-format", name)
    schema, json_object, markdown = (request["messages"][0]["content"] for request in endpoint.requests)
    assert "JSON" not in schema
    assert '"required":["introduction"' in json_object
    assert "In summary, <summary>" in markdown
    assert len({request["messages"][1]["content"] for request in endpoint.requests}) == 1
    assert not any("grammar" in request for request in endpoint.requests)


def test_a_grammar_is_sent_if_it_is_set(qtgen: Run, endpoint: FakeEndpoint) -> None:
    Path("qtgen.toml").write_text('answer_format = "markdown"\ngrammar = true\n')
    generate(qtgen)
    assert endpoint.requests[0]["grammar"].startswith("root ::= introduction")


def test_short_prompts_can_be_used_with_any_endpoint(qtgen: Run, endpoint: FakeEndpoint) -> None:
    page = generate(qtgen).decode()
    Path("qtgen.toml").write_text("short_prompts = true\n")
    short = generate(qtgen).decode()
    assert "diffusion" in page.partition("page_keywords")[2]
    assert short == page.replace("diffusion", "gradient"), "the page does not contain the term"
    assert [message["role"] for message in endpoint.requests[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert last_provenance()["prompt"] == "explain-short"


def test_a_fault_of_markdown_is_repaired(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter([POINTS_MARKDOWN.replace("1. **Gradient**: ", "1. "), POINTS_MARKDOWN])
    with fake_endpoint(lambda _: Reply(next(texts))) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        generate(qtgen, "--answer-format", "markdown")
    assert "has no heading; begin each point with a heading in bold" in endpoint.requests[1]["messages"][-1]["content"]


def test_json_is_read_although_markdown_was_asked_for(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_endpoint(lambda _: Reply(points_json())) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        generate(qtgen, "--answer-format", "markdown")
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_search_texts_are_regenerated_in_each_format(qtgen: Run, endpoint: FakeEndpoint, name: str) -> None:
    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    code, out, err = qtgen("regenerate", "site", "--only", "seo", "--answer-format", name, "--json")
    assert code == 0, err
    assert json.loads(out)["status"] == "written"
    assert changed_lines(before[page_path()], Path(page_path()).read_bytes()) == [SHORT_DESCRIPTION]
    assert [format_of(request) for request in endpoint.requests] == [name]


@pytest.mark.parametrize(("accepted", "status"), [("json_object", 400), ("markdown", 501)])
def test_regenerate_falls_back_to_a_format_that_the_endpoint_accepts(
    qtgen: Run, monkeypatch: pytest.MonkeyPatch, accepted: str, status: int
) -> None:
    def picky(request: dict[str, Any]) -> Reply:
        name = format_of(request)
        return answer(request) if name == accepted else Reply(f"{name} is not supported", status=status)

    before = write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
    with fake_endpoint(picky) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        code, out, err = qtgen("regenerate", "site", "--only", "seo", "--json")
    assert code == 0, err
    assert json.loads(out)["attempts"] == 1
    assert changed_lines(before[page_path()], Path(page_path()).read_bytes()) == [SHORT_DESCRIPTION]
    assert [format_of(request) for request in endpoint.requests] == list(FORMATS[: FORMATS.index(accepted) + 1])


@pytest.mark.parametrize("accepted", ["json_object", "markdown"])
def test_generate_falls_back_to_a_format_that_the_endpoint_accepts(
    qtgen: Run, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, accepted: str
) -> None:
    def picky(request: dict[str, Any]) -> Reply:
        name = format_of(request)
        return answer(request) if name == accepted else Reply(f"{name} is not supported", status=400)

    expected = generate(qtgen)
    with fake_endpoint(picky) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.address)
        assert generate(qtgen) == expected
    assert last_provenance()["format"] == accepted
