"""The review of an article site: bodies, lists, a subject and a key with names of their own, and no ids or scores."""

import json
import re
import uuid
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from qtgen.page import read_as
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile, load_profile
from qtgen.review.audits.audits import read_frame
from qtgen.review.web.static_site import write_static_site
from support.lookalikes import SitePage
from support.review_app import ReviewApp, open_app
from support.workshop_site import write_workshop


class Site:
    """The app on the articles, and the first one of them."""

    def __init__(self, app: ReviewApp, profile: Profile, page: SitePage) -> None:
        self.app, self.profile, self.path = app, profile, Path("site") / page.path
        self.before = self.path.read_bytes()
        self.layout = main_layout(profile)
        self.url = str(read_as(self.before, self.layout).values["permalink"])

    def values(self) -> dict[str, Any]:
        return dict(read_as(self.path.read_bytes(), self.layout).values)

    def edit(self, **fields: str) -> Any:
        page = self.app.workspace.page(self.url)
        body = {"id": str(uuid.uuid4()), "action": "edit", "url": self.url, "file_digest": page.file_digest}
        return self.app.send("/api/decisions", {**body, "fields": fields, "acceptable": True})

    def changed_lines(self) -> tuple[list[str], list[str]]:
        """Return the lines that only the old, and that only the new text has."""
        old, new = self.before.decode().splitlines(), self.path.read_text().splitlines()
        return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    profile, pages = write_workshop(Path("site"))
    with open_app(paths=["site/articles"], profile=profile) as app:
        yield Site(app, profile, pages[0])


def test_lists_show_titles_keys_and_subjects(site: Site) -> None:
    reply = site.app.get("/pages")
    assert reply.status == 200
    for value in ("title", "permalink", "topic"):
        assert str(site.values()[value]) in unescape(reply.text)
    topics = site.app.workspace.index.facets.subjects
    assert dict(topics) == {"Engines": 3, "Rigging": 3}
    filtered = site.app.get("/pages?subject=Rigging").text
    assert filtered.count('class="c-subject" data-label="Subject">Rigging') == 3


def test_the_page_is_shown_with_its_body_as_markdown(site: Site) -> None:
    reply = site.app.get(f"/review?url={site.url}")
    assert reply.status == 200
    found = re.search(r'id="page-data">(.*?)</script>', reply.text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["sides"]["text"]["markdown"] == site.values()["body"]
    assert list(data["fields"]) == ["body", "summary", "tags"]
    assert "{" not in re.sub(
        r"<script.*?</script>", "", reply.text, flags=re.DOTALL
    )  # no placeholder of a rule is left
    search = site.app.get(f"/review?url={site.url}&tab=search").text
    assert site.values()["summary"] in unescape(search)
    assert "The site prints" not in search  # this site prints nothing before a description
    preview = site.app.get(f"/preview/approximate?url={site.url}")
    assert "<ol>" in preview.text


def test_the_form_has_the_fields_that_a_model_writes(site: Site) -> None:
    text = site.app.get(f"/edit?url={site.url}").text
    labels = re.findall(r'<label for="[\w-]+">([^<]+)</label>', text)
    assert labels[:3] == ["body", "summary", "tags"]
    assert "Write one item on each line. 2 to 6 items." in text
    assert "formulas" not in text
    assert '"description": {"max": 160, "min": 40}' in text
    assert "\n".join(site.values()["tags"]) in text


def test_saving_the_summary_changes_its_line_alone(site: Site) -> None:
    reply = site.edit(summary="A short guide to this work, with a list of the tools that you need")
    assert reply.status == 200, reply.text
    old, new = site.changed_lines()
    assert [line.partition(":")[0] for line in old] == ["summary"]
    assert [line.partition(":")[0] for line in new] == ["summary"]
    assert site.values()["summary"].startswith("A short guide")


def test_saving_the_body_leaves_the_front_matter_alone(site: Site) -> None:
    body = "You check the gauge and note $5.\n\n1. Read it in good light.\n2. Write `a\\nb` into the log.\n3. Close it."
    reply = site.edit(body=body)
    assert reply.status == 200, reply.text
    head, _, _ = site.before.partition(b"\n---\n")
    assert site.path.read_bytes() == head + b"\n---\n\n" + body.encode() + b"\n"
    assert site.app.workspace.log.state(site.url, site.app.workspace.page(site.url).digests).value == "approved"
    undone = site.app.send("/api/decisions", {"id": str(uuid.uuid4()), "action": "undo", "url": site.url})
    assert undone.status == 200, undone.text
    assert site.path.read_bytes() == site.before


def test_saving_a_list_changes_its_line_alone(site: Site) -> None:
    reply = site.edit(tags="spares\n\n  safety \r\nnew-tag\n")
    assert reply.status == 200, reply.text
    old, new = site.changed_lines()
    assert [line.partition(":")[0] for line in (*old, *new)] == ["tags", "tags"]
    assert site.values()["tags"] == ["spares", "safety", "new-tag"]


def test_an_edit_that_breaks_a_rule_of_the_site_is_refused(site: Site) -> None:
    reply = site.app.send("/api/check", {"url": site.url, "fields": {"tags": "Spares\nsafety"}})
    assert reply.json["new_errors"] == 1
    assert reply.json["diagnostics"][0]["code"] == "QT205"
    assert site.edit(tags="Spares\nsafety").status == 400
    refused = site.edit(title="Another title")
    assert (refused.status, "body, summary, tags" in refused.text) == (400, True)
    assert site.path.read_bytes() == site.before


def test_a_finding_of_the_body_has_its_line_there(site: Site) -> None:
    body = f"{site.values()['body']}\n\nThis is <b>raw</b>."
    reply = site.app.send("/api/check", {"url": site.url, "fields": {"body": body}})
    found = [one for one in reply.json["diagnostics"] if one["code"] == "QT507"]
    assert {one["answer_line"] for one in found} == {body.count("\n") + 1}


def test_a_conflict_shows_the_fields_of_the_site(site: Site) -> None:
    page = site.app.workspace.page(site.url)
    other = site.before.replace(b"\n---\n\n", b"\n---\n\nA first paragraph.\n\n")
    site.path.write_bytes(other)
    body = {"id": str(uuid.uuid4()), "action": "edit", "url": site.url, "file_digest": page.file_digest}
    reply = site.app.send("/api/decisions", {**body, "fields": {"body": "Mine."}, "acceptable": True})
    assert reply.status == 409
    assert reply.json["labels"] == {"body": "body", "summary": "summary", "tags": "tags"}
    assert reply.json["now"]["body"].startswith("A first paragraph.")


def test_pages_without_key_or_body_cannot_be_reviewed(site: Site) -> None:
    text = site.before.decode()
    Path("site/articles/engines/x.md").write_text(re.sub(r"permalink: .*\n", "", text))
    Path("site/articles/engines/y.md").write_text(
        text.partition("\n---\n")[0].replace(site.url, "/engines/y/") + "\n---\n"
    )
    Path("site/articles/engines/z.md").write_text(text)
    site.app.workspace.index.refresh()
    excluded = dict(read_frame([Path("site/articles")], Path("out"), site.profile).excluded)
    shown = {Path(path).name: reason for path, reason in excluded.items()}
    assert shown["x.md"] == "The page has no `permalink`. Add one to its front matter."
    assert shown["y.md"] == "The page has no `body`. Write one, or generate the page again."
    assert "has the same `permalink`" in "".join(shown.values())
    problems = unescape(site.app.get("/pages?state=problem").text)
    assert "The page has no <code>permalink</code>" in problems
    assert "has the same <code>permalink</code>" in problems


def test_another_profile_has_another_index(site: Site) -> None:
    before = {path.name for path in Path(".qtgen/cache").glob("review-*.sqlite")}
    toml = Path("site/site.toml")
    toml.write_text(toml.read_text().replace('subject="topic"', 'subject="status"'))
    with open_app(paths=["site/articles"], profile=load_profile(toml)) as app:
        assert set(app.workspace.index.facets.subjects) <= {"draft", "live", "withdrawn"}
    assert {path.name for path in Path(".qtgen/cache").glob("review-*.sqlite")} > before


def test_the_export_identifies_pages_by_their_keys(site: Site) -> None:
    written = write_static_site(site.app.workspace, Path("export"))
    name = site.url.strip("/").rpartition("/")[2]
    page = (Path("export/pages") / f"{name}.html").read_text()
    assert written.pages == 6
    assert site.values()["summary"] in unescape(page)
    assert "<ol>" in page
