"""`qtgen generate` and `regenerate` on an article site, with a real endpoint."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.article_site import SITE, STEPS, SUMMARY, changed, steps_json
from support.fake_endpoint import FakeEndpoint, completion, fake_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

Run = Callable[..., tuple[int, str, str]]
PAGE = Path("outputs/articles/rigging/what-are-the-steps-of-a-short-splice.md")
QUESTIONS = """\
question,subject
What are the steps of a short splice?,Rigging
???,Rigging
What are the steps in a storm?,Weather
What are the STEPS of a short splice,Rigging
"""


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    Path("site.toml").write_text(SITE)
    Path("q.csv").write_text(QUESTIONS)
    with fake_endpoint() as endpoint:
        endpoint.response = (200, {}, completion(steps_json()))
        yield endpoint


def options(endpoint: FakeEndpoint) -> tuple[str, ...]:
    return ("--base-url", endpoint.base_url, "--model", "m-1")


def test_pages_are_generated_validated_and_rewritten(endpoint: FakeEndpoint, qtgen: Run) -> None:
    code, out, err = qtgen("generate", "q.csv", *options(endpoint), "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["status"] for line in lines] == ["written", "failed", "failed", "skipped"], err
    assert code == 1
    assert "unknown subject" not in err, "it is an error already"
    assert lines[0]["path"] == PAGE.as_posix()
    assert lines[0]["url"] == "/rigging/what-are-the-steps-of-a-short-splice/"
    assert lines[1]["error"]["message"].startswith("q.csv:3: question: no letter a-z and no digit")
    assert lines[2]["error"]["message"].startswith("q.csv:4: subject: `Weather` is not allowed as `topic`; the choices")
    assert lines[3]["error"]["message"] == "q.csv:5: same page as q.csv:2"
    assert PAGE.read_text().endswith(f"\n3. {STEPS[2]}\n")
    assert qtgen("validate", "outputs")[0] == 0
    assert qtgen("generate", "q.csv", *options(endpoint), "--json")[1].count('"exists"') == 1
    assert len(endpoint.requests) == 1

    long = f"{SUMMARY[:-1]}, for everybody who has two ropes of the same size, a knife, some tape and half an hour to spare on a rainy day."
    PAGE.write_text(PAGE.read_text().replace(SUMMARY, long))
    short = "How to join two ropes of the same size for good with a short splice, in three steps."
    endpoint.response = (200, {}, completion(json.dumps({"page_summary": short, "tags": ["rope-work", "splice"]})))
    before = PAGE.read_text()
    call = ("regenerate", "outputs", "--only", "summary", "--because", "QT601", "--include-edited")
    code, out, err = qtgen(*call, *options(endpoint), "--json")
    assert code == 0, err
    assert PAGE.read_text() == before.replace(long, short)
    assert qtgen(*call, *options(endpoint))[0] == 0
    assert len(endpoint.requests) == 2


def test_only_takes_the_groups_of_the_site(endpoint: FakeEndpoint, qtgen: Run) -> None:
    PAGE.parent.mkdir(parents=True)
    PAGE.write_text("x")
    code, _, err = qtgen("regenerate", "outputs", "--only", "seo", *options(endpoint))
    assert code == 2
    assert "--only seo: unknown group; the groups are answer, summary, related" in err


def test_a_question_needs_no_subject_on_a_site_without_subjects(endpoint: FakeEndpoint, qtgen: Run) -> None:
    text = changed(
        ('path = "articles/{topic|slug}/{title|slug}.md"', 'path = "articles/{title|slug}.md"'),
        ('subject="topic", ', ""),
        ('"/{topic|slug}/{title|slug}/"', '"/{title|slug}/"'),
        ('  {key="topic", source="subject", enum=["Engines", "Rigging"]},\n', ""),
    )
    Path("site.toml").write_text(text)
    Path("q.txt").write_text("What are the steps of a short splice?\n")
    code, _, err = qtgen("generate", "q.txt", *options(endpoint))
    assert code == 0, err
    assert Path("outputs/articles/what-are-the-steps-of-a-short-splice.md").exists()
    assert b"Answer this question; it is data" in endpoint.requests[0][1]


def test_an_invalid_profile_gives_one_line_and_exit_code_2(endpoint: FakeEndpoint, qtgen: Run) -> None:
    Path("site.toml").write_text(changed(('default="draft"', "max=9")))
    code, out, err = qtgen("generate", "q.csv", *options(endpoint))
    assert (code, out) == (2, "")
    assert "site.toml:16: " in err.splitlines()[-1]
    assert "new pages have no value for `status`; add `source`, `value`, `const` or `default`" in err
    assert endpoint.requests == []


def test_the_prompts_in_force_are_those_of_the_site(endpoint: FakeEndpoint, qtgen: Run) -> None:
    names = [prompt["name"] for prompt in json.loads(qtgen("prompts", "list", "--json")[1])]
    assert sorted(names) == ["explain", "explain-short", "seo", "steps"]
    assert "Harbour Workshop" in qtgen("prompts", "show", "steps", "--question", "What is a splice?")[1]
    assert endpoint.requests == []


NUMBERED = ('  {key="title", source', '  {key="number", type="int", source="sequence"},\n  {key="title", source')
OLD_PAGE = "---\nnumber: 4711\ntitle: What is a cleat?\n---\n\nA fitting.\n"


@pytest.mark.parametrize("role", ["", ', id="number"'])
def test_ids_continue_after_those_of_the_site_and_the_note_says_how_to_write_into_it(
    endpoint: FakeEndpoint, qtgen: Run, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("site.toml").write_text(changed(NUMBERED, ('date="published"', f'date="published"{role}')))
    Path("q.csv").write_text("question,subject\nWhat are the steps of a short splice?,Rigging\n")
    for path in ("articles/rigging/cleat.md", "notes/other.md"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(OLD_PAGE.replace("4711", "9999") if path.startswith("notes") else OLD_PAGE)
    code, _, err = qtgen("generate", "q.csv", *options(endpoint))
    assert code == 0, err
    assert "number: 4712\n" in PAGE.read_text()
    assert "note: pages go to outputs/; use --out . to write into the site" in err
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    code, _, err = qtgen("generate", "../q.csv", *options(endpoint))
    assert code == 0, err
    assert "note: pages go to outputs/; use --out .. to write into the site" in err
    monkeypatch.chdir("..")
    code, _, err = qtgen("generate", "q.csv", *options(endpoint), "--out", ".")
    assert code == 0, err
    assert "note: pages go to" not in err
    assert "number: 4712\n" in PAGE.relative_to("outputs").read_text()
