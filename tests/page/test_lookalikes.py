"""The generators of look-alike sites, tested without qtgen."""

import datetime as dt
import random
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from support import ROOT
from support.lookalikes import LOOKALIKES, Lookalike, PlantedFault, SitePage
from support.lookalikes.conformance import problems, values_of
from support.lookalikes.front_matter import block_list, double, flow_list, folded, single, wrapped
from support.lookalikes.lines import entries
from support.lookalikes.words import Phrases, slug

SEEDS = (1, 2, 3)
WITHOUT_KEY = ("missing-key", "missing-conditional")
ITEM = re.compile(r" *- ")

each_site = pytest.mark.parametrize("site", LOOKALIKES.values(), ids=LOOKALIKES)
each_seed = pytest.mark.parametrize("seed", SEEDS)


def by_path(pages: list[SitePage]) -> dict[str, SitePage]:
    return {page.path: page for page in pages}


def kinds(site: Lookalike) -> set[str]:
    _, planted = site.plant(site.generate(1, 300), 1, 30)
    return {fault.kind for fault in planted}


def test_names() -> None:
    assert list(LOOKALIKES) == [
        "short_keys", "proposals", "help_pages", "reference", "products", "documents", "workshop",
    ]  # fmt: skip
    assert all(site.name == name for name, site in LOOKALIKES.items())


@each_site
class TestPages:
    def test_a_seed_always_gives_the_same_pages(self, site: Lookalike) -> None:
        assert site.generate(7, 60) == site.generate(7, 60)

    def test_another_seed_gives_other_pages(self, site: Lookalike) -> None:
        assert not {page.text for page in site.generate(1, 60)} & {page.text for page in site.generate(2, 60)}

    @pytest.mark.parametrize("count", [0, 1, 2, 7, 300, 1500])
    def test_as_many_pages_as_wanted_and_all_different(self, site: Lookalike, count: int) -> None:
        pages = site.generate(1, count)
        assert len(pages) == len(by_path(pages)) == len({page.text for page in pages}) == count

    @each_seed
    def test_clean_pages_conform_to_the_site_toml(self, site: Lookalike, seed: int) -> None:
        assert problems(site.site_toml, site.generate(seed, 300)) == []

    def test_every_field_value_and_layout_is_in_use(self, site: Lookalike) -> None:
        """A key or a value that no page has would not be an exact description."""
        profile = tomllib.loads(site.site_toml)
        text = "\n".join(page.text for page in site.generate(1, 300))
        for layout in profile["layout"]:
            for field in layout["fields"]:
                assert re.search(rf"^{field['key']}:", text, re.M), field["key"]
                assert all(re.search(rf"\b{re.escape(value)}\b", text) for value in field.get("enum", [])), field["key"]

    def test_lines_of_keys_are_those_of_the_parser(self, site: Lookalike) -> None:
        for page in site.generate(1, 100):
            node = yaml.compose(page.text.split("---\n", 2)[1], yaml.CSafeLoader)
            assert [(entry.path, entry.first) for entry in entries(page.text.split("\n"))] == keys_below(node, "")

    def test_bodies_read_well(self, site: Lookalike) -> None:
        for page in site.generate(1, 300):
            body = page.text.split("---\n", 2)[2]
            assert not re.search(r"[{}]| {2}|\.\.|\ban? an? |\bthe the ", body.replace("\n    ", "\n")), body
            assert page.path.startswith("pt/") or not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiouh]", body), body
            assert body == f"\n{body.strip()}\n"


def keys_below(node: yaml.Node | None, prefix: str) -> list[tuple[str, int]]:
    """Return the keys of a map of PyYAML and their lines in the file."""
    found: list[tuple[str, int]] = []
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += keys_below(item, prefix)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found.append((prefix + key.value, key.start_mark.line + 1))
            found += keys_below(value, f"{prefix}{key.value}.")
    return found


@each_site
class TestFaults:
    def test_a_seed_always_gives_the_same_faults(self, site: Lookalike) -> None:
        pages = site.generate(1, 300)
        assert site.plant(pages, 5, 20) == site.plant(pages, 5, 20)
        assert site.plant(pages, 5, 20) != site.plant(pages, 6, 20)

    def test_clean_pages_stay_as_they_were(self, site: Lookalike) -> None:
        pages = site.generate(1, 100)
        before = list(pages)
        changed, planted = site.plant(pages, 1, 12)
        assert pages == before
        assert [page.path for page in changed] == [page.path for page in pages]
        assert len(planted) == len({fault.path for fault in planted}) == 12
        different = {page.path for page, old in zip(changed, pages, strict=True) if page != old}
        assert different == {fault.path for fault in planted}

    @each_seed
    def test_faults_are_at_their_lines(self, site: Lookalike, seed: int) -> None:
        clean = by_path(site.generate(seed, 300))
        pages, planted = site.plant(list(clean.values()), seed, 40)
        for fault in planted:
            line = by_path(pages)[fault.path].text.split("\n")[fault.line - 1]
            name = fault.key.rpartition(".")[2]
            if fault.kind in WITHOUT_KEY:
                assert f"{name}:" not in line
                assert line == "---" or re.match(r" *(- +)?[\w-]+:", line)
            else:
                assert f"{name}:" in line or ITEM.match(line), (fault, line)

    @each_seed
    def test_exactly_the_planted_faults_disagree_with_the_site_toml(self, site: Lookalike, seed: int) -> None:
        pages, planted = site.plant(site.generate(seed, 300), seed, 40)
        found = problems(site.site_toml, pages)
        at = {(problem.path, problem.key) for problem in found}
        assert [fault for fault in planted if (fault.path, fault.key) not in at] == []
        copies = {fault.key for fault in planted if fault.kind == "duplicate-value"}
        faulty = {fault.path for fault in planted}
        assert [problem for problem in found if problem.path not in faulty and problem.key not in copies] == []

    def test_faults_come_in_turn(self, site: Lookalike) -> None:
        _, planted = site.plant(site.generate(1, 300), 1, 15)
        assert len({(fault.kind, fault.key) for fault in planted}) >= 13

    def test_too_many_faults(self, site: Lookalike) -> None:
        with pytest.raises(ValueError, match="generate more pages"):
            site.plant(site.generate(1, 10), 1, 11)


def test_all_kinds_of_faults_occur() -> None:
    common = {"missing-key", "misspelled-key", "wrong-type", "bad-enum", "duplicate-value", "out-of-order"}
    found = {name: kinds(site) for name, site in LOOKALIKES.items()}
    assert all(common <= kinds for kinds in found.values())
    assert set().union(*found.values()) == common | {
        "wrong-constant", "broken-template", "dangling-reference", "missing-conditional", "disallowed-key",
    }  # fmt: skip


def pages_of(name: str) -> list[dict[str, object]]:
    return [values_of(page) for page in LOOKALIKES[name].generate(1, 300)]


def test_short_keys_quote_what_yaml_would_misread() -> None:
    pages = LOOKALIKES["short_keys"].generate(1, 300)
    titles = [str(values_of(page)["title"]) for page in pages]
    misread = [title for title in titles if not isinstance(yaml.safe_load(title), str)]
    assert {"on", "no", "null"} <= set(misread)
    assert any(re.fullmatch(r"\d+\.\d0", title) for title in misread)
    assert any(isinstance(yaml.safe_load(title), dt.date) for title in misread)
    assert len(misread) > 50
    assert all(f'"{values["title"]}"' in str(values["gist"]) for values in map(values_of, pages))
    styles = {page.text.split("\n")[1][len("title: ")][:1] for page in pages}
    assert {"'", '"'} < styles


def test_proposals_have_two_orders_and_references() -> None:
    pages = pages_of("proposals")
    orders = {tuple(key for key in page if key in ("number", "title", "author", "status")) for page in pages}
    assert orders == {("number", "title", "author", "status"), ("title", "number", "status", "author")}
    references = [str(page["requires"]).split(", ") for page in pages if "requires" in page]
    assert {len(numbers) for numbers in references} == {1, 2, 3}
    withdrawn = [page for page in pages if page["status"] == "Withdrawn"]
    assert withdrawn == [page for page in pages if "withdrawal-reason" in page]
    assert len(withdrawn) > 20


def test_help_pages_are_in_four_languages() -> None:
    pages = LOOKALIKES["help_pages"].generate(1, 300)
    texts = {
        code: "".join(page.text for page in pages if page.path.startswith(code)) for code in ("en", "de", "fr", "pt")
    }
    assert texts["en"].isascii()
    assert all(letter in texts["de"] for letter in "äöüß")
    assert all(letter in texts["fr"] for letter in "éèàœ")
    assert all(letter in texts["pt"] for letter in "ãçõá")


def test_reference_pages_have_maps_three_deep() -> None:
    pages = pages_of("reference")
    assert all(isinstance(page["spec"]["since"]["version"], str) for page in pages)  # type: ignore[index]
    assert {len(page["tags"]) for page in pages} == {1, 2, 3, 4}  # type: ignore[arg-type]


def test_products_have_unions_and_comments() -> None:
    pages = LOOKALIKES["products"].generate(1, 300)
    assert {type(values_of(page)["eol"]) for page in pages} == {bool, dt.date}
    assert sum(bool(re.search(r"^ *eol: \S+ +# \w", page.text, re.M)) for page in pages) > 60
    assert {len(values_of(page)["releases"]) for page in pages} == {1, 2, 3, 4}


def test_documents_have_comments_wrapped_text_and_tabs() -> None:
    pages = LOOKALIKES["documents"].generate(1, 300)
    wanted = (r"^summary: \w.*\n  \w", r"^summary: >-\n", r"^\t\w+\t", r"^# \w", r"^\w+:  +\w")
    assert all(sum(bool(re.search(pattern, page.text, re.M)) for page in pages) > 60 for pattern in wanted)


def test_workshop_bodies_have_a_goal_and_steps() -> None:
    for page in LOOKALIKES["workshop"].generate(1, 300):
        goal, steps = page.text.split("---\n", 2)[2].strip().split("\n\n")
        assert 60 <= len(goal) <= 280
        numbered = [re.fullmatch(r"(\d)\. (.{20,300})", line) for line in steps.split("\n")]
        assert [int(match[1]) for match in numbered if match] == list(range(1, len(numbered) + 1))
        assert 3 <= len(numbered) <= 9


def test_a_fault_of_a_referenced_page_does_not_change_its_references() -> None:
    """A page that others refer to must not lose the value that they refer to."""
    for site in LOOKALIKES.values():
        layouts = tomllib.loads(site.site_toml)["layout"]
        targets = {field["ref"] for layout in layouts for field in layout["fields"] if "ref" in field}
        _, planted = site.plant(site.generate(1, 300), 1, 40)
        assert not {fault.key for fault in planted} & targets


def test_exhausted_words() -> None:
    phrases, taken = Phrases(("{a} {b}",), {"a": ["old", "new"], "b": ["lamp"]}), set[str]()
    rng = random.Random(1)
    assert {phrases.new(rng, taken), phrases.new(rng, taken)} == {"old lamp", "new lamp"}
    with pytest.raises(ValueError, match="generate fewer pages"):
        phrases.new(rng, taken)


@pytest.mark.parametrize("text", ['say "on"', "it's", "C:\\x", "plain words", "# none", "a: b", "é ☃", '"', "'"])
def test_quoted_values_are_read_back(text: str) -> None:
    lines = [f"double: {double(text)}", f"single: {single(text)}", *folded("folded", f"One {text} two", 9)]
    assert yaml.safe_load("\n".join(lines)) == {"double": text, "single": text, "folded": f"One {text} two"}


def test_lists_and_wrapped_text_are_read_back() -> None:
    lines = [
        *wrapped("wrapped", "One plain text of several lines", 14),
        *block_list("block", "ab", 0),
        flow_list("flow", "cd"),
    ]
    assert len(lines) > 6
    expected = {"wrapped": "One plain text of several lines", "block": ["a", "b"], "flow": ["c", "d"]}
    assert yaml.safe_load("\n".join(lines)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("Über das Menü", "uber-das-menu"), ("1.10", "110"), ("l’été  à  midi", "lete-a-midi")]
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


class TestCommandLine:
    def run(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.support.lookalikes", *map(str, args)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def test_writes_a_site(self, tmp_path: Path) -> None:
        done = self.run("proposals", tmp_path / "site", "--count", "40", "--seed", "3", "--faults", "5")
        assert done.returncode == 0, done.stderr
        site = LOOKALIKES["proposals"]
        pages, planted = site.plant(site.generate(3, 40), 3, 5)
        assert {page.path: page.text for page in pages} == {
            path.relative_to(tmp_path / "site").as_posix(): path.read_bytes().decode()
            for path in (tmp_path / "site").rglob("*.md")
        }
        assert (tmp_path / "site/site.toml").read_text(encoding="utf-8") == site.site_toml
        assert done.stdout.splitlines() == [self.line(tmp_path / "site", fault) for fault in planted]

    @staticmethod
    def line(folder: Path, fault: PlantedFault) -> str:
        return f"{folder / fault.path}:{fault.line}: {fault.kind}: {fault.key}"

    def test_refuses_a_folder_with_files(self, tmp_path: Path) -> None:
        (tmp_path / "notes.md").write_text("mine")
        done = self.run("products", tmp_path)
        assert done.returncode == 2
        assert "is not an empty folder" in done.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["notes.md"]
