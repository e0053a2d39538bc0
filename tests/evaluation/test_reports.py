"""The reports of an evaluation: one dict in, every format out, hostile text and missing figures included."""

import copy
import itertools
import json
import random
import re
import shutil
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen._util.diff import compare_words
from qtgen._util.text import display_width, money, replace_surrogates
from qtgen.evaluation.reports import FORMATS, charts, common, github

SCHEMAS = Path(__file__).parents[1] / "schemas"
STYLE = Path(charts.__file__).with_name("report.css").read_text(encoding="utf-8")
SCRIPT = Path(charts.__file__).with_name("report.js").read_text(encoding="utf-8")
HOSTILE = (
    "</script></style><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
    "<!-- ]]> --> {{ 7*7 }} {% raw %} &amp; ::error::x | `@all` \x1b[31m\x07\x00 \u202e مرحبا 日本語 𝔘 🧪 \ud800"
)
TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)
WORDS = ["osmosis", "moves", "water", "through", "a", "membrane", "from", "where", "there", "is", "more", "to", "less"]
DIRECTIONS = {"rouge_l": "higher", "strays": "lower", "words": "none"}
Report = dict[str, Any]


def item(number: int, words: int = 120) -> Report:
    source = random.Random(number)
    candidate, reference = (" ".join(source.choices(WORDS, k=count)) for count in (words + number % 13, words))
    figures = {"rouge_l": source.random() if number % 7 else None, "strays": source.random(), "words": float(words)}
    return {
        "id": f"question-{number}", "cluster": f"question-{number}", "question": f"What is osmosis number {number}?",
        "subject": ("Physics", "Biology", "Früh & Spät")[number % 3], "repeat": 1, "score": 0.1 + number % 60 / 80,
        "metrics": figures, "notes": {"rouge_l": f"{number} words in a row"}, "error": None,
        "candidate": f"{candidate}\n\n1. **bold** marker{number}.", "reference": reference,
        "usage": {"prompt_tokens": 100, "completion_tokens": words, "cost_usd": 0.001},
    }  # fmt: skip


def failed(number: int, kind: str = "unreachable") -> Report:
    return item(number) | {
        "score": None, "metrics": {}, "notes": {}, "candidate": "",
        "error": {"kind": kind, "message": "no answer:\n100% of 3 tries"},
    }  # fmt: skip


def summary(items: list[Report], name: str, direction: str) -> Report:
    ok = [one["score"] if name == "score" else one["metrics"].get(name) for one in items if not one["error"]]
    known = [value for value in ok if value is not None]
    mean = fmean(known) if known else None
    low, high = (None, None) if mean is None or len(known) < 2 else (mean * 0.9, mean * 1.1)
    return {
        "mean": mean,
        "low": low,
        "high": high,
        "items": len(known),
        "missing": len(ok) - len(known),
        "direction": direction,
    }


def gate(metrics: Report, items: list[Report], verdict: str) -> Report:
    comparisons = [
        {"metric": name, "direction": metric["direction"], "before": metric["mean"] + 0.02, "after": metric["mean"],
         "difference": -0.02, "low": -0.04, "high": -0.01, "p": 0.01, "p_corrected": 0.03, "smallest_visible": 0.015,
         "items": metric["items"], "clusters": metric["items"], "verdict": verdict}
        for name, metric in metrics.items() if metric["mean"] is not None
    ]  # fmt: skip
    falls = [
        {"id": one["id"], "question": one["question"], "before": 0.9, "after": one["score"], "fall": 0.9 - one["score"]}
        for one in items[:2] if one["score"] is not None
    ]  # fmt: skip
    return {"verdict": verdict, "baseline": "evals/core/baseline.json", "comparisons": comparisons, "falls": falls,
            "tail_limit": 0.25, "reasons": ["score fell by 0.020", "2 items fell by more than 0.25"]}  # fmt: skip


def report(items: list[Report], verdict: str | None = "worse", repeats: int = 1) -> Report:
    metrics = {"score": summary(items, "score", "higher")}
    metrics |= {name: summary(items, name, direction) for name, direction in DIRECTIONS.items()}
    return {
        "version": 1, "suite": "core", "suite_digest": "0123456789abcdef", "scorer": "1-0123456789abcdef", "qtgen": "0.1.0",
        "created": "2026-11-25T03:00:00+00:00", "provider": "local", "model": "SmolLM2", "prompts": {"explain": "0123abcd"},
        "repeats": repeats, "items": items, "metrics": metrics,
        "usage": {"prompt_tokens": 6000, "completion_tokens": 7200, "cost_usd": None},
        "recordings": {"unused": ["old.json"], "missed": []},
        "gate": verdict and gate(metrics, items, verdict),
    }  # fmt: skip


EMPTY = item(1) | {
    "score": 0.0,
    "metrics": {},
    "error": {"kind": "empty-candidate", "message": "no word"},
    "candidate": "",
}
SIXTY = report([*map(item, range(57)), failed(57), failed(58), failed(59, "truncated")])
VARIANTS = {
    "sixty": SIXTY,
    "no gate": report([item(1), item(2)], None),
    "one": report([item(1)], "too few items to tell"),
    "none": report([], None),
    "none with a gate": report([], "too few items to tell"),
    "all failed": report([failed(1), failed(2)], None),
    "no figures": report([item(1) | {"score": None, "metrics": {"rouge_l": None}}, item(2)], "no change shown"),
    "no texts": report([item(1) | {"candidate": "", "reference": "", "question": "", "subject": ""}], "better"),
    "beyond one": report([item(1) | {"score": 250.0}, item(2) | {"score": -3.0}], "better"),
    "empty answer": report([EMPTY, item(2), failed(3)], None),
    "repeats": report([item(1), item(1) | {"repeat": 2, "score": 0.2}], "worse", 2),
}


def poisoned(text: str) -> Report:
    """The text wherever a report has text."""
    told: Report = report([item(1, 5), item(2, 5), failed(3, text)], "worse")
    for number, one in enumerate(told["items"]):
        one |= {
            "id": f"{text}{number}",
            "cluster": text,
            "question": text,
            "subject": text,
            "candidate": text,
            "reference": text,
        }
        one["notes"] = dict.fromkeys(one["metrics"], text)
        one["error"] = one["error"] and {"kind": text, "message": text}
    for fall, one in zip(told["gate"]["falls"], told["items"], strict=False):
        fall |= {"id": one["id"], "question": text}
    told["gate"] |= {"reasons": [text], "baseline": text}
    told["prompts"], told["recordings"] = {text: text}, {"unused": [text], "missed": [text]}
    return told | dict.fromkeys(("suite", "suite_digest", "scorer", "qtgen", "created", "provider", "model"), text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_report_has_every_form(name: str, form: str) -> None:
    text = FORMATS[form](VARIANTS[name])
    assert text.endswith("\n")
    assert "None" not in text
    assert "nan" not in re.findall(r"\w+", text)


# --- text ------------------------------------------------------------------------------------------------------------


def test_the_terminal_is_told_the_verdict_first() -> None:
    lines = FORMATS["text"](SIXTY).splitlines()
    assert lines[0].startswith(
        "Worse than the baseline: mean score 0.470 before, 0.450 now, down 0.020, over 57 items;"
    )
    assert "  - score fell by 0.020" in lines
    assert next(line.split() for line in lines if line.startswith("rouge_l ")) == [
        "rouge_l",
        "higher",
        *figures_of("rouge_l"),
    ]
    assert "2 items fell beyond the limit of 0.250" in lines
    assert "2 items failed: unreachable" in lines
    assert "1 recording unused" in lines
    assert lines[-1] == "6,000 prompt and 7,200 completion tokens; cost unknown"


def figures_of(name: str) -> list[str]:
    metric = SIXTY["metrics"][name]
    return [f"{metric['mean']:.3f}", f"{metric['low']:.3f}", "to", f"{metric['high']:.3f}", str(metric["items"]), "9"]


@given(TEXTS)
def test_no_line_is_wider_than_100_columns_and_none_steers_the_terminal(text: str) -> None:
    told = FORMATS["text"](poisoned(text * 3))
    assert max(map(display_width, told.split("\n"))) <= 100
    assert told.replace("\n", "").isprintable()


def test_the_reason_is_the_metric_that_lies_furthest_on_the_wrong_side() -> None:
    items = [
        item(n) | {"metrics": {"rouge_l": 0.5 + n / 100, "strays": 0.9 if n == 3 else 0.1, "words": 1.0}}
        for n in range(8)
    ]
    weakest = common.weaknesses(report(items))
    assert str(weakest(items[0])) == "rouge_l 0.500: 0 words in a row"
    assert weakest(items[3]) == ("strays", 0.9, "")
    assert common.weaknesses(report(items[:1]))(items[0]) is None


def test_an_error_beside_a_score_explains_it_and_is_no_failure() -> None:
    told = VARIANTS["empty answer"]
    assert "  0.000  question-1\n    empty-candidate: no word" in FORMATS["text"](told)
    assert "1 item failed: unreachable" in FORMATS["text"](told)
    assert [one["id"] for one in common.ranked(told)] == ["question-1", "question-2", "question-3"]
    assert FORMATS["junit"](told).count("<error ") == 1
    assert FORMATS["html"](told).count('data-state="failed"') == 1


# --- JSON ------------------------------------------------------------------------------------------------------------


@given(TEXTS)
def test_json_is_the_report(text: str) -> None:
    told = FORMATS["json"](poisoned(text)).encode("utf-8")
    assert json.loads(told) == json.loads(json.dumps(poisoned(text)))


def test_json_has_no_word_for_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        FORMATS["json"](SIXTY | {"metrics": {"score": {"mean": float("nan")}}})


# --- JUnit -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd", allow="local")


@pytest.mark.parametrize("told", [*VARIANTS.values(), poisoned(HOSTILE)], ids=[*VARIANTS, "hostile"])
def test_junit_keeps_to_the_schema(told: Report, junit_schema: xmlschema.XMLSchema) -> None:
    junit_schema.validate(FORMATS["junit"](told))


def test_junit_fails_what_fell_and_counts_what_did_not_answer_as_errors() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](SIXTY)).find("testsuite")
    assert suite is not None
    assert {**suite.attrib} == {"name": "core", "tests": "61", "failures": "3", "errors": "3", "skipped": "0"}
    failures = {case.get("name"): case.find("failure").get("message") for case in suite.iterfind("testcase[failure]")}  # type: ignore[union-attr]
    assert set(failures) == {"question-0", "question-1", "gate"}
    assert failures["question-0"] == "score fell by 0.800, 0.900 -> 0.100; limit 0.250"
    assert [case.get("name") for case in suite.iterfind("testcase[error]")] == [
        "question-57",
        "question-58",
        "question-59",
    ]


def test_junit_says_that_there_was_nothing_to_compare_with() -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](VARIANTS["no gate"])).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "1")


def test_a_fall_over_several_repeats_fails_once() -> None:
    cases = ElementTree.fromstring(FORMATS["junit"](VARIANTS["repeats"])).iterfind("testsuite/testcase[failure]")
    assert [case.get("name") for case in cases] == ["question-1 #1", "gate"]


# --- GitHub ----------------------------------------------------------------------------------------------------------


def test_annotations() -> None:
    lines = FORMATS["github"](SIXTY).splitlines()
    assert lines[0].startswith("::error title=Evaluation of core::Worse than the baseline: ")
    assert lines[0].endswith("%0Ascore fell by 0.020%0A2 items fell by more than 0.25")
    assert lines[4].startswith("::error title=question-0 fell by 0.800::What is osmosis")
    assert "::error title=2 items failed%3A unreachable::question-57: no answer:%0A100%25 of 3 tries%0A" in lines[1]
    assert lines[3] == "::error title=1 recording unused::old.json"


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        ("worse", "error"),
        ("too few items to tell", "warning"),
        ("no change shown", "notice"),
        ("better", "notice"),
        (None, "notice"),
    ],
)
def test_the_level_of_the_annotation_is_the_verdicts(verdict: str | None, level: str) -> None:
    assert FORMATS["github"](report([item(1)], verdict)).startswith(f"::{level} title=Evaluation of core::")


@given(TEXTS)
def test_text_ends_no_annotation_and_begins_none(text: str) -> None:
    lines = FORMATS["github"](poisoned(text)).encode("utf-8").decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == 6
    for line in lines:
        command, _, rest = line.removeprefix("::").partition("::")
        assert re.fullmatch(r"(error|warning|notice) title=[^:,\r]*", command)
        assert "\r" not in rest


@pytest.mark.parametrize("name", VARIANTS)
def test_the_summary_of_the_job(name: str) -> None:
    told = github.step_summary(VARIANTS[name])
    assert told.startswith("### ")
    assert "None" not in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


@given(TEXTS)
def test_the_summary_shows_text_as_text(text: str) -> None:
    told = github.step_summary(poisoned(text))
    told.encode("utf-8")
    assert set(re.findall(r"</?[a-zA-Z!][^>]*>", told)) <= {
        "<details>", "<details open>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"
    }  # fmt: skip
    assert not re.search(r"[`@\\\[\]$~]", told)


def test_the_summary_of_many_stays_short() -> None:
    many = report([failed(n) | {"error": {"kind": "k", "message": "m" * 1000}} for n in range(500)], None)
    assert len(github.step_summary(many)) < 20_000
    assert "and 490 more" in github.step_summary(many)


# --- HTML ------------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """The elements of a document with their attributes, and the text of each `.text`."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.code: dict[str, str] = {}
        self._inside = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style") or (tag == "div" and dict(attrs).get("class") == "text"):
            self._inside = tag
            self.texts += [""] if tag == "div" else []

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "div":
            self.texts[-1] += data
        elif self._inside:
            self.code[self._inside] = self.code.get(self._inside, "") + data


def is_harmless(document: str) -> bool:
    """Nothing runs but the file's own script, and nothing is loaded."""
    read = Reader(document)
    names = [name for _, attributes in read.elements for name in attributes]
    targets = [target for _, attributes in read.elements for name in ("href", "src", "xlink:href", "action", "data", "srcset", "poster") if (target := attributes.get(name))]  # fmt: skip
    tags = [tag for tag, _ in read.elements]
    return (
        read.code == {"script": SCRIPT, "style": STYLE}
        and (tags.count("script"), tags.count("style")) == (1, 1)
        and not {"img", "link", "iframe", "object", "embed", "base", "audio", "video", "use", "image"} & set(tags)
        and not any(name.startswith("on") or name == "style" for name in names)
        and all(target.startswith("#") for target in targets)
    )


@pytest.mark.parametrize("told", [*VARIANTS.values(), poisoned(HOSTILE)], ids=[*VARIANTS, "hostile"])
def test_html_loads_nothing_and_runs_only_its_own_script(told: Report) -> None:
    assert is_harmless(FORMATS["html"](told))
    assert not re.search(r"https?://|url\(|@import|innerHTML|eval\(", SCRIPT + STYLE)


@settings(max_examples=30)
@given(TEXTS)
def test_html_shows_every_text_as_it_is(text: str) -> None:
    document = FORMATS["html"](poisoned(text)).encode("utf-8").decode("utf-8")
    assert is_harmless(document)
    assert set(Reader(document).texts) == {replace_surrogates(text)} - {""}


def test_html_says_everything() -> None:
    document = FORMATS["html"](SIXTY)
    assert document.index("Worse than the baseline") < document.index("<main>")
    for told in (
        "evals/core/baseline.json",
        "2026-11-25 03:00 UTC",
        "ρ = ",
        "marker3",
        "no price is known",
        "old.json",
    ):
        assert told in document
    read = Reader(document)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    linked = {attributes["href"] for tag, attributes in read.elements if tag == "a"}
    assert {target[1:] for target in linked if target and "=" not in target} <= set(ids)
    scores = [float(attributes["data-score"] or 0) for _, attributes in read.elements if "data-score" in attributes]
    assert len(scores) == 57
    assert scores == sorted(scores)
    assert [attributes["data-state"] for tag, attributes in read.elements if tag == "details"][-3:] == ["failed"] * 3


def test_html_keeps_the_data_once() -> None:
    sizes = {}
    for count in (60, 400):
        told = report([item(n, 600) for n in range(count)])
        document = FORMATS["html"](told)
        sizes[count] = len(document.encode("utf-8")) / len(FORMATS["json"](told).encode("utf-8"))
        assert document.count("marker17.") == 1
        assert count == 400 or len(document.encode("utf-8")) < 2_000_000
    assert sizes[400] < sizes[60] < 1.6


def test_colours_differ_enough_to_be_read() -> None:
    """WCAG 2.2, 1.4.3: a ratio of 4.5 for text, light and dark."""
    themes = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in STYLE.split("prefers-color-scheme: dark")]
    assert len(themes) == 2
    for theme, ground in itertools.product(themes, ("paper", "card", "ins", "del")):
        for ink in (
            ("ink", "soft") if ground in ("ins", "del") else ("ink", "soft", "bad", "good", "unsure", "even", "mark")
        ):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
        assert contrast(theme["bad"], theme["bad-fill"]) >= 4.5


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("#q=marker17.+OSMOSIS", 1),
        ("#q=truncated&show=failed", 1),
        ("#subject=Fr%C3%BCh%20%26%20Sp%C3%A4t&below=0.2", 2),
        ("#i60", 60),
    ],
)
def test_a_browser_runs_it_without_a_server(tmp_path: Path, fragment: str, shown: int) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    told = copy.deepcopy(SIXTY)
    told["items"][0] |= {"question": HOSTILE, "candidate": HOSTILE, "subject": HOSTILE}
    file = tmp_path / "report.html"
    file.write_text(FORMATS["html"](told), encoding="utf-8")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=2000"]
    done = subprocess.run(
        [chromium, *flags, f"--user-data-dir={tmp_path / 'profile'}", f"{file.as_uri()}{fragment}"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    dom = Reader(done.stdout.decode("utf-8"))
    items = [attributes for tag, attributes in dom.elements if tag == "details"]
    text = done.stdout.decode("utf-8")
    assert "Worse than the baseline:" in text
    assert f">{shown} of 60 items</output>" in text
    assert sum("hidden" not in attributes for attributes in items) == shown
    assert ["open" in attributes for attributes in items] == [fragment == "#i60" and n == 59 for n in range(60)]
    assert "<title>Worse than the baseline · evaluation of core</title>" in text, "hostile text ran"


# --- figures ---------------------------------------------------------------------------------------------------------


@given(st.text(max_size=200) | st.lists(st.sampled_from(["a", "b", "c", "\n"]), max_size=60).map(" ".join), st.data())
def test_the_parts_of_a_difference_are_the_text(one: str, data: st.DataObject) -> None:
    other = data.draw(st.permutations(one.split(" ")).map(" ".join) | st.text(max_size=200))
    found = compare_words(one, other)
    assert "".join(part.text for part in found.first) == one
    assert "".join(part.text for part in found.second) == other
    assert 0 <= found.similarity <= 1
    assert all(part.text for part in [*found.first, *found.second])
    assert not any(part.differs for part in compare_words(one, one).first)


def test_a_difference_marks_words_and_not_what_is_common_by_chance() -> None:
    found = compare_words(
        "Water moves through a membrane.\n\nIt is fast.", "Water drifts through a membrane.\n\nIt is fast."
    )
    assert [part.text for part in found.first if part.differs] == ["Water moves"]
    assert found.similarity == 0.75
    assert [part.differs for part in compare_words("to be or not", "what is to come or why").first] == [True]


def test_beside_an_empty_text_nothing_is_marked() -> None:
    assert compare_words("", "a b c") == ([], [("a b c", False)], 0.0)
    assert compare_words("", "") == ([], [], 0.0)


def test_rank_correlation() -> None:
    assert charts.rank_correlation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(0.8207826816681233)  # SciPy's
    assert charts.rank_correlation([1, 2], [1, 2]) is None
    assert charts.rank_correlation([1, 1, 1], [1, 2, 3]) is None


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=50))
def test_a_histogram_counts_every_score_once(figures: list[float]) -> None:
    scale = charts.scale_of(figures)
    bins = charts.histogram(figures, scale)
    assert sum(one.items for one in bins) == len(figures)
    assert all(scale.low <= figure <= scale.high for figure in figures)
    assert all(0 <= one.height <= charts.PLOT for one in bins)


def test_changes_of_figures_between_0_and_1_share_an_axis() -> None:
    def one(metric: str, size: float, of: float = 1.0) -> Mapping[str, float | str]:
        return {"metric": metric, "before": 0.5 * of, "after": (0.5 + size) * of, "difference": size * of,
                "low": 0.0, "high": 2 * size * of, "smallest_visible": size * of}  # fmt: skip

    found = charts.changes([one("small", 0.01), one("large", 0.1), one("words", 0.01, 400.0)])
    assert found["large"].high - 50 == pytest.approx(10 * (found["small"].high - 50), abs=0.1)
    assert found["words"].high == found["large"].high
    assert charts.changes([{**one("still", 0.1), "low": None}]) == {}


def test_figures() -> None:
    assert [common.figure(value) for value in (None, 0.12345, -0.0001, 12.34, 1234.5)] == [
        "-",
        "0.123",
        "0.000",
        "12.3",
        "1,234",
    ]
    assert common.span({"low": -26.04, "high": 2.0}, common.signed) == "-26.0 to +2.0"
    assert [money(usd) for usd in (None, 0.0123, 12.3)] == ["cost unknown", "$0.0123", "$12.30"]
    assert common.when("yesterday") == "yesterday"
