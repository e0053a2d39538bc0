"""Explicit versions: what users keep (baselines, caches, recordings) is invalidated by behaviour, never by an edit."""

from typing import Any

import pytest
from pydantic import BaseModel

from qtgen._util.json_schema import strict_schema
from qtgen.evaluation.judging import judges
from qtgen.evaluation.judging.judges import ClaimVerdicts, PairChoice, RubricMarks
from qtgen.evaluation.metrics import SCORER
from qtgen.evaluation.scoring import Sample, score_sample
from qtgen.generation import answers
from qtgen.page.profile import default_profile
from qtgen.site.index import page_facts
from qtgen.site.sentences import page_sentences
from qtgen.validation.rules import REGISTRY, RULES_VERSION, PageFile, SiteRule, check_page, rules_of
from qtgen.validation.rules.example import apply_example, example_site_of, resolve_example
from qtgen.validation.rules.settings import RuleSettings
from qtgen.validation.workers import check_file
from support.default_tables import read
from support.golden import check_golden

_REFERENCE = (
    "Light is scattered by the molecules of the air. Short waves are scattered about 9 times as strongly as long ones.\n\n"
    "1. **At noon**: the way through the air is 10 km long.\n2. **At sunset**: red light is left, since blue light went "
    "astray.\n\nIn summary, the sky is blue because of scattering."
)
_CANDIDATES = {
    "the reference": _REFERENCE,
    "paraphrase": "Air molecules scatter sunlight. Blue light, with its short waves, is scattered far more than red light.",
    "contradiction": "Light is not scattered by the air. Long waves are scattered about 4 times as strongly as short ones.",
    "off topic": "The Treaty of Westphalia ended the Thirty Years' War in 1648 and changed the map of Europe.",
    "repetition": "The sky is blue because of scattering. " * 6,
    "table": "| Aspect | Noon | Sunset |\n| --- | --- | --- |\n| Colour | blue | red |\n| Way | 10 km | 300 km |",
    "maths": "The strength of scattering falls as $1/\\lambda^4$, so $450$ nm light is scattered $5$ times more.",
    "empty": "",
}

_JUDGE_FORMS: dict[str, type[BaseModel]] = {"Rubric": RubricMarks, "Claims": ClaimVerdicts, "Choice": PairChoice}


def test_scores_change_only_with_the_scorer_version() -> None:
    scored: dict[str, Any] = {}
    for name, candidate in _CANDIDATES.items():
        sample = Sample(
            name,
            "Why is the sky blue?",
            (_REFERENCE,),
            candidate,
            must=("Short waves are scattered more than long ones.",),
            nice=("Blue light is scattered strongly.",),
        )
        result = score_sample(sample).as_dict()
        error = result["error"] and result["error"]["kind"]
        metrics = {key: value if value is None else round(value, 5) for key, value in result["metrics"].items()}
        score = result["score"] and round(result["score"], 5)
        scored[name] = {**result, "score": score, "metrics": metrics, "error": error}
    check_golden("scores", SCORER, scored, constant="`version` in metrics/overall.toml")


def test_findings_and_facts_change_only_with_the_rules_version() -> None:
    rules, site = rules_of(default_profile()), example_site_of(default_profile())
    examples = [example for rule in rules for example in (rule.bad, rule.good)]
    pages = [(*apply_example(example, site), resolve_example(example, site).settings) for example in examples]
    behaviour: list[dict[str, Any]] = [
        {
            "path": path,
            "findings": [diagnostic.as_dict() for diagnostic in check_page(PageFile(path, read(raw)), rules, settings)],
            "facts": page_facts(read(raw)).hex(),
            "sentences": page_sentences(read(raw)).hex(),
        }
        for path, raw, settings in pages
    ]
    codes: list[list[Any]] = [[rule.code, rule.name, rule.severity, isinstance(rule, SiteRule)] for rule in rules]
    behaviour.append({"codes": codes})
    check_golden("findings", str(RULES_VERSION), behaviour, constant="RULES_VERSION")


def test_what_the_cache_holds_of_a_page_is_what_the_rules_find() -> None:
    path, raw = apply_example(REGISTRY["QT205"].bad, example_site_of(default_profile()))
    settings = RuleSettings(compare_sentences=True)
    facts_of_page, diagnostics, sentences = check_file(path, -1, {path: raw}, settings, profile=default_profile())
    assert facts_of_page == page_facts(read(raw))
    assert sentences == page_sentences(read(raw))
    assert "QT205" in [found.code for found in diagnostics]


def test_judge_schemas_change_only_with_the_judge_version() -> None:
    schemas = {name: strict_schema(form) for name, form in _JUDGE_FORMS.items()}
    check_golden("judge-schemas", str(judges.VERSION), schemas, constant="VERSION in evaluation/judging/judges.py")


@pytest.mark.parametrize(
    "schema",
    [
        *answers.schemas_of(default_profile()).values(),
        *(strict_schema(form) for form in _JUDGE_FORMS.values()),
    ],
)
def test_requests_carry_no_text_of_docstrings(schema: dict[str, Any]) -> None:
    def keys(node: Any) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(keys, node)) if node else set()
        if not isinstance(node, dict):
            return set()
        properties = node.get("properties", {})
        inner = [value for key, value in node.items() if key != "properties"]
        return {key for key in node if key != "properties"} | keys(inner) | keys(list(properties.values()))

    assert not keys(schema) & {"title", "description", "default"}
