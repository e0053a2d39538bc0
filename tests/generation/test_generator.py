"""Writing a new page: what makes an answer a page, and its provenance."""

import asyncio
import json
from dataclasses import replace

import pytest

from qtgen.generation.answer_check import AnswerCheck
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import NewPage, check_fixed, generate_page
from qtgen.generation.plan import Job
from qtgen.generation.provenance import group_digests
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.types import STANDARD_STYLE
from qtgen.page import splice
from qtgen.page.profile import default_profile
from qtgen.validation.rules import REGISTRY, PageFile, check_page
from qtgen.validation.rules.example import EXAMPLE_PAGE
from qtgen.validation.rules.settings import BannedPhrase, RuleSettings
from qtgen.validation.selection import choose_rules
from support import TODAY, Scripted, points_about, points_json
from support.default_tables import read_text

JOB = Job(
    Question("What is osmosis?", "Biology", context="A text.", source="q.csv:2"),
    7,
    TODAY,
    "outputs/biology/what-is-osmosis.md",
    "/learn/biology/questions/what-is-osmosis",
)


WITHOUT_CONTEXT = replace(JOB, question=Question("What is osmosis?", "Biology"))


def generate(config: GenerationConfig, *script: str | Exception, job: Job = JOB) -> tuple[Outcome, Scripted]:
    provider = Scripted(*script)
    return asyncio.run(generate_page(job, config, [provider])), provider


def test_an_accepted_answer_becomes_a_page_without_findings(config: GenerationConfig) -> None:
    outcome, _ = generate(config, points_json())
    assert (outcome.status, outcome.attempts, outcome.error) == (Status.WRITTEN, 1, None)
    assert outcome.draft
    page = read_text(outcome.draft.text)
    assert page.canonical
    assert check_page(PageFile(JOB.path, page), REGISTRY.values()) == []
    assert page.values["id"] == 7
    assert page.values["date"] == TODAY
    assert page.values["score"] == -1.0
    assert page.values["seo.page_keywords"] == "osmosis, membrane, solute, water, diffusion"


def test_the_provenance_describes_the_request_and_the_texts(config: GenerationConfig) -> None:
    outcome, provider = generate(config, "nonsense", points_json())
    assert outcome.draft
    provenance = outcome.draft.provenance
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["url"] == JOB.url
    assert provenance["date"] == "2026-01-31"
    assert provenance["prompt_digest"] == provider.asked[0].digest
    assert (provenance["attempts"], provenance["request_id"]) == (2, "request-2")
    assert provenance["usage"] == {"prompt_tokens": 200, "completion_tokens": 100, "cached_tokens": 0, "cost_usd": 0.5}
    assert provenance["groups"] == ["answer", "seo"]
    assert provenance["context_digest"]
    assert provenance["text_digests"] == group_digests(read_text(outcome.draft.text), ["answer", "seo"])


def check(task: NewPage, completion: str) -> AnswerCheck:
    return task.check(task.prompt(STANDARD_STYLE), completion)


def test_an_error_in_the_page_is_a_fault(config: GenerationConfig) -> None:
    checked = check(NewPage(replace(JOB, path="outputs/physics/what-is-osmosis.md"), config), points_json())
    assert checked.text is None
    assert [diagnostic.code for diagnostic in checked.diagnostics] == ["QT304"]
    assert checked.faults == tuple(diagnostic.message for diagnostic in checked.diagnostics)


def test_a_text_that_no_page_can_contain_is_a_fault(config: GenerationConfig) -> None:
    collision = points_json(
        introduction="The gradient $\\nosuch f$ points to the steepest ascent of a function, always and everywhere."
    )
    checked = check(NewPage(JOB, config), collision)
    assert (checked.text, checked.diagnostics) == (None, ())
    assert "the site would tear" in checked.faults[0]


def test_half_a_surrogate_pair_is_a_fault(config: GenerationConfig) -> None:
    torn = points_json(introduction="Osmosis \ud83d moves water through a membrane that holds the solute back, always.")
    outcome, provider = generate(config, torn, points_json())
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    assert "a character is torn" in provider.asked[1].messages[-1].content


LOWER_CASE = points_json(
    points=[
        {"heading": heading, "explanation": f"The cell is one of {count}. and then it moves water. so there is more."}
        for count, heading in enumerate(("Gradient", "Membrane", "Pressure", "Balance"), 2)
    ]
)
REPEATING = points_json(
    points=[
        {"heading": heading, "explanation": "The membrane lets the water pass and holds the solute back. " * 3}
        for heading in ("Gradient", "Membrane", "Pressure", "Balance")
    ]
)


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (points_about("gravity"), "QT609", "not about its question"),
        (LOWER_CASE, "QT610", "not coherent text"),
        (REPEATING, "QT610", "not coherent text"),
        (points_json(summary="Osmosis, in a nutshell, evens out concentrations of solute."), "QT612", "in a nutshell"),
    ],
    ids=["off topic", "lower case", "repeating", "banned phrase"],
)
def test_a_text_that_nobody_should_read_goes_back_to_the_model(
    config: GenerationConfig, answer: str, code: str, message: str
) -> None:
    config = replace(config, rule_settings=RuleSettings((BannedPhrase("in a nutshell"),)))
    outcome, provider = generate(config, answer, points_json(), job=WITHOUT_CONTEXT)
    assert (outcome.status, outcome.attempts) == (Status.WRITTEN, 2)
    assert message in provider.asked[1].messages[-1].content
    assert [diagnostic.code for diagnostic in check(NewPage(WITHOUT_CONTEXT, config), answer).diagnostics] == [code]
    without_repairs = generate(replace(config, repairs=0), answer, job=WITHOUT_CONTEXT)[0]
    assert without_repairs.status is (Status.WRITTEN if code == "QT609" else Status.FAILED)


@pytest.mark.parametrize("code", ["QT609", "QT610"])
def test_an_ignored_rule_neither_rejects_nor_warns(config: GenerationConfig, code: str) -> None:
    answer = points_about("gravity") if code == "QT609" else LOWER_CASE
    checked = check(
        NewPage(WITHOUT_CONTEXT, replace(config, rules=choose_rules(ignore=[code], profile=default_profile()))), answer
    )
    assert (checked.faults, checked.diagnostics) == ((), ())


def test_a_concern_is_repaired_once_or_written_with_its_warning(config: GenerationConfig) -> None:
    broken = points_json(
        summary="Osmosis evens out concentrations by moving water, so H~2~O goes to the side with more salt."
    )
    checked = check(NewPage(WITHOUT_CONTEXT, config), broken)
    assert (checked.faults, [diagnostic.code for diagnostic in checked.diagnostics]) == ((), ["QT510"])
    outcome, provider = generate(config, broken, points_json(), job=WITHOUT_CONTEXT)
    assert (outcome.attempts, outcome.diagnostics) == (2, ())
    assert "strikes through" in provider.asked[1].messages[-1].content
    kept, _ = generate(config, broken, broken, broken, job=WITHOUT_CONTEXT)
    assert kept.status is Status.WRITTEN
    assert [warning.code for warning in kept.diagnostics] == ["QT510"]


FILLER = " ".join(
    f"Osmosis moves water through the membrane in step {number}, towards the side with more solute."
    for number in range(5)
)


def freeform(answer: str) -> str:
    return json.dumps({
        "answer": f"{answer}\n\n{FILLER}",
        "page_description": "Osmosis is the passage of water through a membrane towards the side with more solute.",
        "page_keywords": ["osmosis", "membrane", "solute", "water", "diffusion"],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        ("We have\n\n$$\ne^{i\\pi}+1=0\n$$\n\nas known.", r"We have\n\n$$\ne^{i\pi}+1=0\n$$\n\nas known."),
        ("We have\n\n$$\nu_{n+1} = a\n$$", r"We have\n\n$$\nu_{n+1} = a\n$$"),
        ("$$\na +\ne\n$$", r"$$\na +\n e\n$$"),
        ("So\n\n\\[\na = b\n+ c\n\\]\n\nIt is **so**.", r"So\n\n$$\na = b\n+ c\n$$\n\nIt is **so**."),
        ("So \\[ \\begin{align} a &= b \\end{align} \\] is.", r"So\n$$\n\begin{align} a &= b \end{align}\n$$\nis."),
        ("So\n\n$$a = b\n$$\n\nAnd the **rest**.", r"So\n\n$$\na = b\n$$\n\nAnd the **rest**."),
        ("So\n\n$$\na = b\n$$ where $a$ is.", r"So\n\n$$\na = b\n$$\nwhere $a$ is."),
        ("So \\\\( a = b \\\\) holds.", "So $a = b$ holds."),
        ("It costs $5 for one and $10 for two.", r"It costs \$5 for one and \$10 for two."),
        ("| f | v |\n| --- | --- |\n| $|x|$ | 3 |", r"| f | v |\n| --- | --- |\n| $\vert x\vert$ | 3 |"),
    ],
)
def test_a_sound_answer_is_written_at_once_as_the_site_renders_it(
    config: GenerationConfig, answer: str, written: str
) -> None:
    outcome, _ = generate(replace(config, prompt="derive"), freeform(answer), job=WITHOUT_CONTEXT)
    assert (outcome.status, outcome.attempts, outcome.diagnostics) == (Status.WRITTEN, 1, ())
    assert outcome.draft
    assert str(read_text(outcome.draft.text).values["answer"]).startswith(written + r"\n\nOsmosis")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("We have $\\frac{1}{2$ here.", "never closed"),
        ("We have $a & b$ here.", "outside an environment"),
        ("$$ where the text goes on and on.\n\nMore **bold**.", "`$$` is opened and never closed"),
        ("$$\na = b\n\n## Next\n\n**Bold** words.\n\n$$", "`$$` is opened and never closed"),
    ],
)
def test_math_that_breaks_the_page_is_never_written(config: GenerationConfig, answer: str, fault: str) -> None:
    config = replace(config, prompt="derive", repairs=1)
    outcome, provider = generate(config, freeform(answer), freeform(answer), job=WITHOUT_CONTEXT)
    assert (outcome.status, outcome.attempts, outcome.draft) == (Status.FAILED, 2, None)
    assert fault in provider.asked[1].messages[-1].content


def test_errors_with_safe_fixes_are_fixed(config: GenerationConfig) -> None:
    page = read_text(splice(read_text(EXAMPLE_PAGE), {"answer": r"Where \(x^2\) and $a \neq b$. " + FILLER}))
    file, diagnostics = check_fixed(PageFile(JOB.path, page), config, {"answer"})
    assert str(file.page.values["answer"]).startswith("Where $x^2$ and $a ≠ b$.")
    assert not {diagnostic.code for diagnostic in diagnostics} & {"QT501", "QT502"}
    untouched, found = check_fixed(PageFile(JOB.path, page), config, {"seo.page_keywords"})
    assert untouched.page is page
    assert {diagnostic.code for diagnostic in found} >= {"QT501", "QT502"}
