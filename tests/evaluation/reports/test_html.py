"""The report as one HTML file: it is complete, it loads nothing, and it shows every text as text."""

import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen._util.text import replace_surrogates
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports import charts
from qtgen.evaluation.reports.html import render
from support.eval_reports import HOSTILE, SIXTY, VARIANTS, make_item, make_report, poisoned_report

STYLE = Path(charts.__file__).with_name("report.css").read_text(encoding="utf-8")
SCRIPT = Path(charts.__file__).with_name("report.js").read_text(encoding="utf-8")
TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)


class Reader(HTMLParser):
    """The elements of a document with their attributes, the text of each `.text`, and the scripts and styles."""

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
    """Return whether only the file's own script runs, and nothing is loaded."""
    reader = Reader(document)
    names = [name for _, attributes in reader.elements for name in attributes]
    targets = [target for _, attributes in reader.elements for name in ("href", "src", "xlink:href", "action", "data", "srcset", "poster") if (target := attributes.get(name))]  # fmt: skip
    tags = [tag for tag, _ in reader.elements]
    return (
        reader.code == {"script": SCRIPT, "style": STYLE}
        and (tags.count("script"), tags.count("style")) == (1, 1)
        and not {"img", "link", "iframe", "object", "embed", "base", "audio", "video", "use", "image"} & set(tags)
        and not any(name.startswith("on") or name == "style" for name in names)
        and all(target.startswith("#") for target in targets)
    )


@pytest.mark.parametrize("report", [*VARIANTS.values(), poisoned_report(HOSTILE)], ids=[*VARIANTS, "hostile"])
def test_it_loads_nothing_and_runs_only_its_own_script(report: EvalReport) -> None:
    assert is_harmless(render(report))
    assert not re.search(r"https?://|url\(|@import|innerHTML|eval\(", SCRIPT + STYLE)


@settings(max_examples=30)
@given(TEXTS)
def test_every_text_is_shown_as_text(text: str) -> None:
    document = render(poisoned_report(text)).encode("utf-8").decode("utf-8")
    assert is_harmless(document)
    assert set(Reader(document).texts) == {replace_surrogates(text)} - {""}


def test_it_is_complete() -> None:
    document = render(SIXTY)
    assert document.index("Worse than the baseline") < document.index("<main>")
    for text in (
        "evals/core/baseline.json",
        "2026-11-25 03:00 UTC",
        "ρ = ",
        "marker3",
        "no price for this model",
        "old.json",
    ):
        assert text in document
    reader = Reader(document)
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    linked = {attributes["href"] for tag, attributes in reader.elements if tag == "a"}
    assert {target[1:] for target in linked if target and "=" not in target} <= set(ids)
    scores = [float(attributes["data-score"] or 0) for _, attributes in reader.elements if "data-score" in attributes]
    assert len(scores) == 57
    assert scores == sorted(scores)
    assert [attributes["data-state"] for tag, attributes in reader.elements if tag == "details"][-3:] == ["failed"] * 3


def test_every_answer_is_in_the_file_once() -> None:
    sizes = {}
    for count in (60, 400):
        report = make_report([make_item(n, 600) for n in range(count)])
        document = render(report)
        sizes[count] = len(document.encode("utf-8")) / len(report.to_json().encode("utf-8"))
        assert document.count("marker17.") == 1
        assert count == 400 or len(document.encode("utf-8")) < 2_000_000
    assert sizes[400] < sizes[60] < 1.6


def test_colours_have_enough_contrast() -> None:
    """WCAG 2.2, 1.4.3: a contrast ratio of 4.5 for text, in the light and in the dark theme."""
    themes = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in STYLE.split("prefers-color-scheme: dark")]
    assert len(themes) == 2
    for theme, ground in itertools.product(themes, ("paper", "card", "ins", "del")):
        for ink in (
            ("ink", "soft") if ground in ("ins", "del") else ("ink", "soft", "bad", "good", "unsure", "even", "mark")
        ):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
        assert contrast(theme["bad"], theme["bad-fill"]) >= 4.5


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
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
    hostile = replace(SIXTY.items[0], question=HOSTILE, candidate=HOSTILE, subject=HOSTILE)
    report = replace(SIXTY, items=(hostile, *SIXTY.items[1:]))
    file = tmp_path / "report.html"
    file.write_text(render(report), encoding="utf-8")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=2000"]
    result = subprocess.run(
        [chromium, *flags, f"--user-data-dir={tmp_path / 'profile'}", f"{file.as_uri()}{fragment}"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    dom = Reader(result.stdout.decode("utf-8"))
    items = [attributes for tag, attributes in dom.elements if tag == "details"]
    text = result.stdout.decode("utf-8")
    assert "Worse than the baseline:" in text
    assert f">{shown} of 60 items</output>" in text
    assert sum("hidden" not in attributes for attributes in items) == shown
    assert ["open" in attributes for attributes in items] == [fragment == "#i60" and n == 59 for n in range(60)]
    assert "<title>Worse than the baseline · evaluation of core</title>" in text, "hostile text was executed"
