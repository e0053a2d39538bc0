"""Types, constants, templates, roles, links and layouts of small sites."""

import pytest

from qtgen.errors import UsageError
from qtgen.site.inference.findings import Standing
from qtgen.site.inference.infer import Inferred, infer
from support.inference import SITE, fields, finding, inferred, numbered, observed, table


class TestTypes:
    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ("{n}", "int"), ("{n}.5", "float"), ("true", "bool"), ("2024-01-02", "date"),
            ("2024-01-02 10:00:00", "datetime"), ("[a, b{n}]", "list"), ("{a: b{n}}", "map"), ("word {n}", "text"),
        ],
    )  # fmt: skip
    def test_a_type(self, value: str, kind: str) -> None:
        row = fields(inferred(numbered(30, f"title: Page {{n}}\nvalue: {value}")))["value"]
        assert row.get("type", "text") == kind

    def test_a_text_that_yaml_reads_as_a_boolean_is_a_fault_of_its_page(self) -> None:
        pages = numbered(300, "title: Page {n}")
        pages["pages/page-9.md"] = pages["pages/page-9.md"].replace("title: Page 9\n", "title: on\n")
        result = inferred(pages)
        assert "type" not in fields(result)["title"]
        found = finding(result, "title", "type")
        assert (found.standing, found.agree, found.against[0].value) == (Standing.ASSERTED, 299, "true (bool)")

    def test_two_frequent_types_are_a_union(self) -> None:
        pages = numbered(40, "title: Page {n}\nend: false") | {
            f"pages/dated-{number}.md": f"---\ntitle: Dated {number}\nend: 2024-01-{number}\n---\n\nText.\n"
            for number in range(10, 31)
        }
        assert fields(inferred(pages))["end"]["type"] == ["bool", "date"]

    def test_whole_numbers_are_numbers(self) -> None:
        pages = numbered(60, "title: Page {n}\nsize: {n}.5")
        for number in range(1, 20):
            path = f"pages/page-{number}.md"
            pages[path] = pages[path].replace(".5", "")
        assert fields(inferred(pages))["size"]["type"] == "float"

    @pytest.mark.parametrize(("faulty", "kind"), [(1, "int"), (4, "int"), (5, ["int", "text"])])
    def test_a_type_with_outliers(self, faulty: int, kind: object) -> None:
        pages = numbered(200, "title: Page {n}\nrank: {n}")
        for number in range(1, faulty + 1):
            path = f"pages/page-{number}.md"
            pages[path] = pages[path].replace(f"rank: {number}", "rank: high")
        result = inferred(pages)
        assert fields(result)["rank"]["type"] == kind
        assert ("type: 196 agree, 4 disagree" in result.text) is (faulty == 4)
        assert ('type="int"  # 195 agree, 5 disagree' in result.text) is (faulty == 5)


OUTLIERS = "title: Page {n}\npermalink: /all/page-{n}/\nversions: [v{n}, w]\npublished: 2024-01-02\nstatus: s{n}\nnote: word {n}"


def dated(count: int) -> dict[str, str]:
    """Return pages of which half are of another day."""
    pages = numbered(count, OUTLIERS)
    return {
        path: text.replace("2024-01-02", "2024-01-03") if number % 2 else text
        for number, (path, text) in enumerate(pages.items())
    }


class TestOutliers:
    """One faulty page of 150 does not change the layout. It is reported."""

    CLEAN = inferred(dated(150))

    @pytest.mark.parametrize(
        ("before", "after", "field", "kind"),
        [
            ("versions: [v9, w]", "versions: 3.9", "versions", "type"),
            ("published: 2024-01-02", "published: 2024-1-2 or so", "published", "type"),
            ("title: Page 9\n", "title: Changed\n", "path", "template"),
            ("permalink: /all/page-9/", "permalink: /al/page-9/", "permalink", "template"),
            ("status: s9\nnote: word 9", "note: word 9\nstatus: s9", "", "order"),
            ("status: s9\n", "", "status", "required"),
        ],
    )
    def test_one_faulty_page(self, before: str, after: str, field: str, kind: str) -> None:
        pages = dated(150)
        assert before in pages["pages/page-9.md"]
        pages["pages/page-9.md"] = pages["pages/page-9.md"].replace(before, after)
        result = inferred(pages)
        assert table(result) == table(self.CLEAN)
        found = finding(result, field, kind)
        assert (found.standing, found.agree) == (Standing.ASSERTED, 149)
        assert [result.files[place.page] for place in found.against] == ["/site/pages/page-9.md"]

    def test_few_pages_have_no_outliers(self) -> None:
        pages = dated(20)
        pages["pages/page-9.md"] = pages["pages/page-9.md"].replace("2024-01-02", "soon")
        assert fields(inferred(pages))["published"]["type"] == ["date", "text"]


class TestValues:
    def test_a_constant(self) -> None:
        rows = fields(inferred(numbered(30, 'title: Page {n}\nlayout: help\nversion: 2\nold: "yes"')))
        assert rows["layout"]["const"] == "help"
        assert rows["version"]["const"] == 2
        assert rows["old"]["const"] == "yes"

    def test_an_optional_flag_is_no_constant(self) -> None:
        pages = numbered(60, "title: Page {n}")
        for number in range(1, 41):
            path = f"pages/page-{number}.md"
            pages[path] = pages[path].replace("\n---\n\n", "\npinned: true\n---\n\n")
        assert fields(inferred(pages))["pinned"] == {"type": "bool", "required": False}

    def test_a_copy_and_templates(self) -> None:
        front = (
            "title: Page {n}\nheading: Page {n}\nnumber: {n}\naddress: /all/page-{n}/\nseo:\n  title: Site | Page {n}"
        )
        result = inferred(numbered(30, front))
        rows = fields(result)
        assert rows["heading"]["value"] == "{title}"
        assert rows["address"]["value"] == "/all/{title|slug}/"
        assert rows["seo.title"]["value"] == "Site | {title}"
        assert table(result)["layout"][0]["path"] == "pages/{title|slug}.md"

    def test_the_name_of_the_file_and_of_its_folder(self) -> None:
        pages = {
            f"{folder}/f{number * 7919 % 1000}.md": f"---\ntitle: Some text {number}\nplace: {folder}/f{number * 7919 % 1000}\n---\n\nText {number}.\n"
            for number in range(60)
            for folder in (("north", "south")[number % 2],)
        }
        result = inferred(pages)
        assert fields(result)["place"]["value"] == "{file.folder}/{file.stem}"
        assert table(result)["layout"][0]["path"] == "{file.folder}/{file.stem}.md"
        assert "no template gives the paths" in result.text

    @pytest.mark.parametrize(
        ("title", "name", "slug"),
        [
            ("A - b {n}", "a-b-{n}", {"collapse": True}),
            ("A - b {n}", "a---b-{n}", {"collapse": False}),
            ("Über b {n}", "uber-b-{n}", {"ascii": True}),
            ("Über b {n}", "ber-b-{n}", {"ascii": False}),
            ("Up b {n}", "up_b_{n}", {"space": "_"}),
        ],
    )
    def test_the_slug_of_the_site(self, title: str, name: str, slug: dict[str, object]) -> None:
        pages = {
            f"{name.replace('{n}', str(number))}.md": f"---\ntitle: {title.replace('{n}', str(number))}\n---\n\nText {number}.\n"
            for number in range(30)
        }
        result = table(inferred(pages))
        assert result["layout"][0]["path"] == "{title|slug}.md"
        assert slug.items() <= result["slug"].items()

    def test_the_same_body_on_every_page(self) -> None:
        layout = table(inferred(numbered(30, "title: Page {n}", "&nbsp;")))["layout"][0]
        assert layout["body"] == "\n&nbsp;\n"
        assert "body" not in table(inferred(numbered(30, "title: Page {n}")))["layout"][0]

    def test_a_separator(self) -> None:
        rows = fields(inferred(numbered(30, "title: Page {n}\nkeywords: one, two {n}, three")))
        assert rows["keywords"]["separator"] == ", "

    def test_styles(self) -> None:
        front = "title: >-\n    Page {n}\nnote: 'a{n}'\nflags: [a, b]\nitems:\n- a{n}"
        result = inferred(numbered(30, front))
        assert {path: row.get("style") for path, row in fields(result).items()} == {
            "title": "folded", "note": "single", "flags": "flow", "items": "block",
        }  # fmt: skip
        assert table(result)["layout"][0]["text_indent"] == 4
        assert table(result)["layout"][0]["quote"] == "single"


def words(count: int, line: str, *values: str) -> Inferred:
    """Return the layout of pages with a line in which `{v}` is each of the values in turn."""
    pages = numbered(count, f"title: Page {{n}}\ntopic: {{t}}\n{line}")
    pages = {path: text.replace("{t}", f"topic{number % 2}") for number, (path, text) in enumerate(pages.items())}
    turns = enumerate(pages.items())
    return inferred({path: text.replace("{v}", values[number % len(values)]) for number, (path, text) in turns})


class TestCandidates:
    @pytest.mark.parametrize(
        ("values", "proposed"),
        [
            (("draft", "live"), True),
            (tuple(f"word{n}" for n in range(12)), True),
            (tuple(f"word{n}" for n in range(13)), False),
            (("Turn it off.", "Turn it on."), False),
            (("v1.2", "v1.3", "2.0"), False),
            (("a rather long text of words", "another quite long text"), False),
            (("one of many words is it", "two of many words is it"), False),
        ],
    )
    def test_an_enum_has_few_short_words(self, values: tuple[str, ...], proposed: bool) -> None:
        text = words(60 * len(values), 'choice: "{v}"', *values).text
        assert ("# add: enum=" in text.partition('{key="choice"')[2]) is proposed

    def test_a_reference_has_several_targets(self) -> None:
        pages = numbered(60, "title: Page {n}\nlive: 'yes'\nnear: Page 7")
        for number in range(1, 30):
            path = f"pages/page-{number}.md"
            pages[path] = pages[path].replace("near: Page 7", "near: Page 8")
        pages["pages/page-50.md"] = pages["pages/page-50.md"].replace("title: Page 50", "title: 'yes'")
        assert "ref=" not in inferred(pages).text

    def test_a_reference_in_one_text_has_a_separator(self) -> None:
        pages = numbered(60, "title: Page {n}\nnumber: {n}\nrequires: {n}0, {n}1")
        for number in range(1, 61):
            path = f"pages/page-{number}.md"
            keys = f"{number % 60 + 1}, {(number + 7) % 60 + 1}" if number % 3 else f'"{number % 60 + 1}"'
            pages[path] = pages[path].replace(f"{number}0, {number}1", keys)
        result = inferred(pages)
        assert '# add: separator=", ", ref="number"' in result.text

    def test_no_limits_of_texts(self) -> None:
        result = words(60, "summary: This is the summary q{n}0\ntags: [a{n}, {v}]\nsize: {n}", "b", "b, c")
        assert fields(result)["summary"]["source"] == "model"
        assert "# add: min=2, max=3" in result.text
        assert "# add: min=1, max=60" in result.text
        assert result.text.count("min=") == 2

    def test_the_items_of_a_long_text_count(self) -> None:
        many = ", ".join(f"keyword{number}" for number in range(40))
        result = words(60, "keywords: a{n}, {v}", "b, c", many)
        assert "# add: min=3, max=41  # 60 agree, 0 disagree" in result.text

    def test_what_replaces_a_setting(self) -> None:
        pages = numbered(200, "title: Page {n}\ntags: [a{n}]")
        for number in range(1, 7):
            path = f"pages/page-{number}.md"
            pages[path] = pages[path].replace(f"tags: [a{number}]", f"tags: a{number}")
        assert '# replace: type="list"  # 194 agree, 6 disagree' in inferred(pages).text


class TestNewPages:
    """Where new pages get their values."""

    @pytest.mark.parametrize(
        ("line", "values", "default"),
        [
            ("layout: {v}", ("wide",) * 9 + ("small",), "wide"),
            ("layout: {v}", ("wide",) * 8 + ("small",) * 2, None),
            ("status: {v}", ("live",) * 9 + ("draft",), None),
            ("author: {v}", ("Ada",) * 9 + ("Bob",), None),
            ("approved_by: {v}", ("Ada",) * 9 + ("Bob",), None),
            ("open: {v}", ("true",) * 9 + ("false",), True),
            ("open: {v}", ("true", "false"), None),
            ("end: {v}", ("2024-01-02",) * 2 + ("false",), None),
            ("end: {v}", ("false",) * 9 + ("2024-01-02",), False),
            ("rank: {v}", ("3",) * 9 + ("4",), 3),
        ],
    )
    def test_a_default(self, line: str, values: tuple[str, ...], default: object) -> None:
        result = words(60, line, *values)
        row = fields(result)[line.partition(":")[0]]
        assert row.get("default") == default
        assert "source" not in row
        assert ("new pages have no source for this value" in result.text) is (default is None)

    def test_the_values_that_pages_have(self) -> None:
        assert '# the pages have "live" (40), "draft" (20)' in words(60, "status: {v}", "live", "live", "draft").text

    @pytest.mark.parametrize(
        ("line", "values"),
        [
            ("writer: Someone Called Number {n}", ("",)),
            ("handled: {v}", tuple(f"Someone Called {name}" for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 2)),
            ("permalink: /some/long/address/{n}x{n}", ("",)),
            ("homepage: https://example.org/p/{n}x{n}", ("",)),
        ],
    )
    def test_no_model_writes_names_and_addresses(self, line: str, values: tuple[str, ...]) -> None:
        result = words(60, line, *values)
        assert fields(result)[line.partition(":")[0]].keys() <= {"required"}
        assert "# add: required=false  # `qtgen generate` leaves out an optional field" in result.text

    def test_a_list_of_maps_has_no_value(self) -> None:
        result = inferred(numbered(30, "title: Page {n}\nreleases:\n- cycle: c{n}\n- cycle: d{n}"))
        assert fields(result)["releases"] == {"type": "list", "style": "block"}
        assert "# add: required=false" in result.text


LINKED = {
    f"p/page-{number}.md": (
        f"---\nid: {number + 100}\ntitle: Page {number}\nurl: /p/page-{number}\n"
        f"near:\n  - id: {(number + 7) % 50 + 100}\n    name: Page {(number + 7) % 50}\n    url: /p/page-{(number + 7) % 50}\n"
        f"---\n\nText {number}.\n"
    )
    for number in range(50)
}


class TestLinks:
    def test_copies_of_the_page_that_a_link_names(self) -> None:
        result = inferred(LINKED)
        rows = fields(result)
        assert rows["near.url"]["ref"] == "url"
        assert rows["near.id"]["copy"] == "id"
        assert rows["near.name"]["copy"] == "title"
        assert table(result)["links"] == {"field": "near", "max": 1}

    def test_a_copy_that_is_out_of_date_is_reported(self) -> None:
        pages = LINKED | {"p/page-3.md": LINKED["p/page-3.md"].replace("name: Page 10", "name: Old")}
        found = finding(inferred(pages), "near.name", "copy")
        assert [(place.path, place.value) for place in found.against] == [("near.0.name", "Old, expected Page 10")]


class TestFewPages:
    PAGES = numbered(8, "title: Page {n}\npermalink: /all/page-{n}/\nheading: Page {n}\nsummary: A summary q{n}0 of it")

    def test_the_templates_of_the_path_and_the_key_are_in_force(self) -> None:
        result = inferred(self.PAGES)
        assert table(result)["layout"][0]["path"] == "pages/{title|slug}.md"
        assert fields(result)["permalink"] == {"required": False, "value": "/all/{title|slug}/"}
        assert "value" not in fields(result)["heading"]
        assert '# add: value="{title}"  # 8 agree, 0 disagree' in result.text
        assert finding(result, "permalink", "template").standing is Standing.ASSERTED
        assert "# There are only 8 pages: nothing is asserted with fewer than 20, except for" in result.text

    def test_a_template_that_a_page_contradicts_is_a_candidate(self) -> None:
        pages = numbered(18, "title: Page {n}")
        pages["pages/page-9.md"] = pages["pages/page-9.md"].replace("title: Page 9\n", "title: Other\n")
        result = inferred(pages)
        assert table(result)["layout"][0]["path"] == "pages/{file.stem}.md"
        assert '# replace: path="pages/{title|slug}.md"  # 17 agree, 1 disagrees' in result.text


def test_the_head_lists_what_is_kept_despite_outliers() -> None:
    pages = dated(150)
    assert "in force although" not in inferred(pages).text
    pages["pages/page-9.md"] = pages["pages/page-9.md"].replace("versions: [v9, w]", "versions: 3.9")
    head = inferred(pages).text.partition("format = 1")[0]
    assert "# 149 of them conform to it." in head
    assert "#   versions: type (149 agree, 1 disagrees)\n" in head


class TestLayouts:
    def test_folders_with_keys_of_their_own(self) -> None:
        pages = {f"posts/page-{n}.md": f"---\ntitle: Page {n}\nauthor: A{n}\n---\n\nText {n}.\n" for n in range(30)}
        pages |= {f"shop/item-{n}.md": f"---\ntitle: Item {n}\nprice: {n}\n---\n\nText {n}.\n" for n in range(40)}
        layouts = table(inferred(pages))["layout"]
        assert {layout["files"]: layout["path"] for layout in layouts} == {
            "posts/**/*.md": "posts/{title|slug}.md", "shop/**/*.md": "shop/{title|slug}.md",
        }  # fmt: skip

    def test_folders_that_are_alike_have_one_layout(self) -> None:
        pages = {f"f{n % 3}/page-{n}.md": f"---\ntitle: Page {n}\nnote: A{n}\n---\n\nText {n}.\n" for n in range(90)}
        assert [layout["files"] for layout in table(inferred(pages))["layout"]] == ["**/*.md"]

    def test_a_key_on_which_other_keys_depend(self) -> None:
        pages = {f"p/a-{n}.md": f"---\nkind: post\ntitle: A {n}\nauthor: A{n}\n---\n\nText {n}.\n" for n in range(30)}
        pages |= {f"p/b-{n}.md": f"---\nkind: item\ntitle: B {n}\nprice: {n}\n---\n\nText {n}.\n" for n in range(30)}
        layouts = table(inferred(pages))["layout"]
        assert sorted(layout["when"]["kind"] for layout in layouts) == ["item", "post"]

    def test_one_status_with_a_key_of_its_own_is_a_condition(self) -> None:
        pages = {
            f"p/a-{n}.md": f"---\ntitle: A {n}\nstatus: {'old' if n % 3 else 'live'}\n{'why: Reason' if n % 3 else 'x: y'}\n---\n\nText {n}.\n".replace(
                "x: y\n", ""
            )
            for n in range(90)
        }
        result = inferred(pages)
        assert len(table(result)["layout"]) == 1
        assert '# add: required_when={status="old"}  # 60 agree, 0 disagree' in result.text


class TestRoles:
    def test_roles(self) -> None:
        front = "id: {n}\ntitle: Page {n}\npermalink: /a/page-{n}\nsection: one\ndate: 2024-01-02\nnoindex: true\nscore: 0.{n}"
        pages = numbered(30, front)
        pages["pages/page-1.md"] = pages["pages/page-1.md"].replace("section: one", "section: two")
        assert table(inferred(pages))["layout"][0]["roles"] == {
            "key": "permalink", "question": "title", "answer": "body", "subject": "section", "id": "id", "date": "date",
            "hidden": "noindex", "score": "score",
        }  # fmt: skip

    def test_a_long_text_is_the_answer(self) -> None:
        answer = "Long answer number {n}. " * 30
        roles = table(inferred(numbered(30, f"title: Page {{n}}\nanswer: {answer}", "&nbsp;")))["layout"][0]["roles"]
        assert roles["answer"] == "answer"

    def test_pages_without_a_title(self) -> None:
        with pytest.raises(UsageError, match="no key of these pages can be their title"):
            inferred(numbered(30, "number: {n}", ""))


class TestPagesThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("raw", "line", "reason"),
        [
            (b"+++\ntitle = 'x'\n+++\n", 1, "TOML front matter"),
            (b"---\r\ntitle: x\r\n---\r\n", 1, "carriage return"),
            (b"---\ntitle: x\ntitle: y\n---\n", 3, "a second time"),
            (b"---\ntitle: &x y\nother: *x\n---\n", 2, "anchor"),
            (b"---\ntitle: [x\n---\n", 3, "flow sequence"),
            (b"---\ntitle: x\n", 1, "no line `---` closes"),
            (b"\n---\ntitle: x\n---\n", 1, "no line `---` opens"),
            (b"\xff", 1, "not UTF-8"),
            (b"---\n---\n", 1, "no keys"),
        ],
    )
    def test_they_are_listed_and_the_others_are_used(self, raw: bytes, line: int, reason: str) -> None:
        result = inferred({**numbered(30, "title: Page {n}"), "pages/bad.md": raw})
        [page] = result.unusable
        assert (page.path, page.line) == ("/site/pages/bad.md", line)
        assert reason in page.reason
        assert len(result.files) == 30

    def test_only_such_pages(self) -> None:
        with pytest.raises(UsageError, match=r"none of the pages can be used \(1\)"):
            inferred({"bad.md": b"---\nx", "readme.md": b"x"})

    @pytest.mark.parametrize("raw", [b"", b"# Read me\n", b"# Read me\r\n", b"\tcode\n"])
    def test_files_without_front_matter_are_left_out(self, raw: bytes) -> None:
        result = inferred({**numbered(30, "title: Page {n}"), "README.md": raw})
        assert (result.left_out, result.unusable) == (["/site/README.md"], [])
        with pytest.raises(UsageError, match=r"none of the files \(\*\.md\) has front matter"):
            inferred({"README.md": raw})

    def test_a_page_outside_the_folder(self) -> None:
        with pytest.raises(UsageError, match=r"is not below /site/inner, the folder of site\.toml"):
            infer(observed(numbered(30, "title: Page {n}")), SITE / "inner")
