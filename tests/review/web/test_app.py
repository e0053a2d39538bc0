"""The app: its screens, its actions, and how errors reply."""

import html
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from qtgen.errors import OutputError
from qtgen.generation.output import OutputFolder
from qtgen.page import decode_answer, encode_answer
from qtgen.page.compile import default_layout
from qtgen.review.decisions.drafts import Drafts
from qtgen.review.types import FindingCount
from qtgen.review.web.views.page_parts import rule_findings
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules import REGISTRY, Example, SiteRule
from support.asgi import Reply, call
from support.audits import write_audit
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, page_path, write_site
from support.review_app import OLD, SAME_ORIGIN, ReviewApp, open_app
from support.reviews import DESCRIPTION, save_rewrite, url_of

NEW = encode_answer(OLD.replace("movement", "diffusion"))


@pytest.fixture
def review() -> Iterator[ReviewApp]:
    """Three pages, of which one has a rejected rewrite."""
    write_site(osmosis={"answer": encode_answer(OLD), DESCRIPTION: LONG_DESCRIPTION}, mitosis={}, light={"score": 0.7})
    save_rewrite(OutputFolder(Path("out")), {"answer": NEW})
    with open_app() as app:
        yield app


def data_of(reply: Reply, name: str = "page-data") -> dict[str, object]:
    found = re.search(rf'id="{name}">(.*?)</script>', reply.text, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def decisions() -> list[dict[str, object]]:
    file = Path("out/.qtgen/decisions.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_review_screen_shows_page_and_rewrite(review: ReviewApp) -> None:
    reply = review.get(f"/review?url={url_of()}&queue=rewrites")
    assert reply.status == 200
    for text in ("What is osmosis?", "Take new", "Keep old", "QT601", "description-too-long", "1 left"):
        assert text in reply.text
    data = data_of(reply)
    sides = data["sides"]
    assert isinstance(sides, dict)
    assert sides["old"]["markdown"] == OLD
    assert sides["new"]["markdown"] == decode_answer(NEW)
    assert [OLD[one["start"] : one["end"]] for one in sides["old"]["marks"]] == ["movement"]


def test_review_without_a_page_opens_the_first_one_of_the_queue(review: ReviewApp) -> None:
    assert data_of(review.get("/review?queue=rewrites"))["url"] == url_of()


def test_page_without_a_rewrite_has_one_text(review: ReviewApp) -> None:
    reply = review.get(f"/review?url={url_of('light')}")
    assert list(data_of(reply)["sides"]) == ["text"]  # type: ignore[call-overload]
    assert "Approve" in reply.text
    assert "70%" in reply.text


def test_take_changes_the_page_and_opens_the_next_one(review: ReviewApp) -> None:
    reply = review.decide("take", queue="rewrites")
    assert reply.status == 200
    assert read(Path(page_path()).read_bytes()).values["answer"] == NEW
    assert reply.json["next"] == "/review?queue=rewrites&end=1"
    [line] = decisions()
    assert (line["who"], line["action"], line["prefers"]) == ("Ada", "take", "new")
    assert line["seen"] == {"compared": "old"}
    end = review.get(reply.json["next"])
    assert "nothing left" in end.text
    assert review.workspace.page(url_of()).state == "approved"


def test_decision_posted_twice_counts_once(review: ReviewApp) -> None:
    body = review.decision("approve", "light")
    first, second = (review.send("/api/decisions", body) for _ in range(2))
    assert (first.json["is_repeat"], second.json["is_repeat"]) == (False, True)
    assert len(decisions()) == 1


def test_reader_cannot_be_chosen_by_the_client(review: ReviewApp) -> None:
    reply = review.send("/api/decisions", {**review.decision("approve"), "who": "Eve"})
    assert (reply.status, reply.json["error"]) == (400, "`who` is not a field of this request.")


def test_undo_brings_the_rewrite_back_at_once(review: ReviewApp) -> None:
    taken = review.decide("take", queue="rewrites").json["decision"]["id"]
    review.workspace.read_rewrites()  # as the watcher does, which waits before it reads them again
    assert review.decide("undo", undoes=taken).status == 200
    assert data_of(review.get("/review?queue=rewrites"))["url"] == url_of()


def test_the_end_of_a_queue_offers_to_undo(review: ReviewApp) -> None:
    assert "do-undo" not in review.get("/review?queue=returned").text, "nothing was decided"
    review.decide("skip", queue="rewrites")
    end = review.get("/review?queue=returned").text
    assert f'data-url="{url_of()}"' in end
    with open_app(read_only=True) as app:
        assert "do-undo" not in app.get("/review?queue=returned").text


def test_undo_restores_the_page(review: ReviewApp) -> None:
    before = Path(page_path()).read_bytes()
    review.decide("take")
    undo = data_of(review.get(f"/review?url={url_of('light')}"))["undo"]
    assert isinstance(undo, dict)
    assert undo["url"] == url_of()
    reply = review.decide("undo", undoes=undo["id"])
    assert reply.status == 200
    assert Path(page_path()).read_bytes() == before
    assert review.workspace.page(url_of()).state == "open"


def test_edit_saves_and_removes_the_draft(review: ReviewApp) -> None:
    draft = {"url": url_of(), "file_digest": "x", "fields": {DESCRIPTION: "Half a"}}
    assert review.send("/api/drafts", draft, "PUT").json["at"]
    assert "Half a" in review.get(f"/edit?url={url_of()}").text
    text = "Osmosis lets water pass through a membrane towards more solute."
    reply = review.decide("edit", fields={DESCRIPTION: text}, acceptable=True)
    assert reply.status == 200
    assert read(Path(page_path()).read_bytes()).values[DESCRIPTION] == text
    assert review.workspace.drafts.get("Ada", url_of()) is None


def test_edit_is_saved_although_its_draft_stays(review: ReviewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OutputError("Read-only file system", path="draft")

    monkeypatch.setattr(Drafts, "discard", fail)
    text = "Osmosis lets water pass through a membrane towards more solute."
    reply = review.decide("edit", fields={DESCRIPTION: text})
    assert (reply.status, [line["action"] for line in decisions()]) == (200, ["edit"])


def test_draft_without_changes_is_removed(review: ReviewApp) -> None:
    body = {"url": url_of(), "file_digest": "x", "fields": {DESCRIPTION: "Half a"}}
    review.send("/api/drafts", body, "PUT")
    assert review.send("/api/drafts", {**body, "fields": {}}, "PUT").json == {"at": ""}
    assert review.workspace.drafts.get("Ada", url_of()) is None


def test_check_reports_new_errors_by_line_of_the_answer(review: ReviewApp) -> None:
    reply = review.send("/api/check", {"url": url_of(), "fields": {"answer": f"{OLD}\n\n<script>x</script>"}})
    assert reply.status == 200
    errors = [one for one in reply.json["diagnostics"] if one["is_new"]]
    assert {(one["code"], one["severity"], one["answer_line"]) for one in errors} == {("QT507", "error", 5)}
    assert reply.json["new_errors"] == 2
    saved = review.decide("edit", fields={"answer": f"{OLD}\n\n<script>x</script>"})
    assert saved.status == 400
    assert "QT507" in saved.json["error"]


def test_conflict_shows_all_three_texts(review: ReviewApp) -> None:
    review.get(f"/edit?url={url_of()}")
    body = review.decision("edit", fields={DESCRIPTION: "Mine is this."})
    write_site(osmosis={"answer": encode_answer(OLD), DESCRIPTION: "Theirs is that."})
    reply = review.send("/api/decisions", body)
    assert reply.status == 409
    assert reply.json["seen"][DESCRIPTION] == LONG_DESCRIPTION
    assert reply.json["now"][DESCRIPTION] == "Theirs is that."
    assert reply.json["yours"] == {DESCRIPTION: "Mine is this."}
    assert not decisions()
    again = review.send("/api/decisions", {**body, "file_digest": reply.json["file_digest"]})
    assert again.status == 200


def test_other_readers_are_named(review: ReviewApp) -> None:
    assert review.send("/api/reserve", {"url": url_of()}).json == {"hint": ""}
    review.workspace.reservations.reserve(url_of(), "Bob")
    assert review.send("/api/reserve", {"url": url_of()}).json == {"hint": "Bob opened this just now."}


@pytest.mark.parametrize(
    ("target", "status", "sentence"),
    [
        ("/review?url=/nope", 404, "No page has the address &#39;/nope&#39;; it may have been deleted or renamed."),
        ("/review?url=../../../etc/passwd", 404, "No page has the address"),
        ("/review?url=site/biology/what-is-osmosis.md", 404, "No page has the address"),
        ("/review?queue=flaged", 404, "No queue is called `flaged`; did you mean `flagged`?"),
        ("/review?queue=audit:x", 404, "No queue is called `audit:x`"),
        ("/edit", 404, "The address names no page"),
        ("/edit?url=%00", 404, "No page has the address"),
        ("/nothing", 404, "There is no screen at this address."),
        ("/static/../app.py", 404, ""),
        ("/static/..%2f..%2fapp.py", 404, ""),
        ("/static/%2e%2e/app.py", 404, ""),
        ("/static//etc/passwd", 404, ""),
        ("/preview/approximate?url=/nope", 404, "No page has the address"),
        (f"/preview/approximate?url={url_of()}&side=x", 404, "This page has no text"),
    ],
)
def test_address_that_leads_nowhere(review: ReviewApp, target: str, status: int, sentence: str) -> None:
    reply = review.get(target)
    assert (reply.status, sentence in reply.text) == (status, True)
    assert "root:" not in reply.text
    assert "create_app" not in reply.text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not a JSON object."),
        (b"[]", "The body is not a JSON object."),
        (b"{}", "`url` is missing."),
        (b'{"url": "/x", "action": "delete", "id": "1", "file_digest": ""}', "`action` "),
        (
            b'{"url": "/x", "action": "approve", "id": "1", "file_digest": "", "seconds": -1}',
            "`seconds` must be at least",
        ),
        (b"\xff\xfe", "The body is not a JSON object."),
        (b'{"url": "\\ud800", "action": "approve", "id": "1", "file_digest": ""}', "The body is not a JSON object."),
    ],
)
def test_body_that_is_no_decision(review: ReviewApp, body: bytes, sentence: str) -> None:
    reply = review.send("/api/decisions", body)
    assert reply.status == 400
    assert reply.json["error"].startswith(sentence)
    assert not decisions()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"action": "reject"}, "`reasons`: a rejection needs a reason; choose one with the keys 1 to 7."),
        ({"action": "send-back", "note": " "}, "`note`: sending a page back needs a note"),
        ({"action": "take", "id": "1"}, "`id`: the id of an action must be a UUID."),
        ({"action": "approve", "queue": "audit:none"}, "No queue is called `audit:none`"),
        ({"action": "edit", "fields": {"title": "x"}}, "`title`: cannot be edited here"),
        ({"action": "approve", "prefers": "a"}, "A and B exist only in a blind reading."),
    ],
)
def test_action_that_is_refused(review: ReviewApp, values: dict[str, object], sentence: str) -> None:
    reply = review.send("/api/decisions", {**review.decision("approve"), **values})
    assert reply.status in (400, 404)
    assert sentence in reply.json["error"]
    assert not decisions()


def test_page_deleted_while_it_is_open(review: ReviewApp) -> None:
    body = review.decision("approve")
    Path(page_path()).unlink()
    reply = review.send("/api/decisions", body)
    assert reply.status == 409
    assert reply.json["error"] == "site/biology/what-is-osmosis.md: was deleted in the meantime; reload the list."
    assert review.get(f"/review?url={url_of()}").status == 409


def test_page_outside_the_given_folders_is_not_changed(review: ReviewApp) -> None:
    Path("elsewhere").mkdir()
    path = Path(page_path())
    target = Path("elsewhere") / path.name
    path.rename(target)
    path.symlink_to(target.absolute())
    before = target.read_bytes()
    review.workspace.index.refresh()
    reply = review.decide("edit", fields={DESCRIPTION: "A new description of osmosis, long enough to be one."})
    assert reply.status == 409
    assert "outside the folders under review" in reply.json["error"]
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"id: 7\n", b"id: 7\nid: 7\n", "the key `id` is here a second time. Correct the file first."),
        (b"answer:", b"anser:", "The page has no `answer`."),
    ],
)
def test_page_that_cannot_be_decided_says_why(review: ReviewApp, old: bytes, new: bytes, problem: str) -> None:
    path = Path(page_path("mitosis"))
    path.write_bytes(path.read_bytes().replace(old, new))
    review.workspace.index.refresh()
    page = review.get(f"/review?url={url_of('mitosis')}")
    assert page.status == 200
    assert f"You cannot decide about this page: {problem}" in page.text
    assert "do-edit" not in page.text
    edit = review.get(f"/edit?url={url_of('mitosis')}")
    assert f"This page cannot be edited here: {problem}" in edit.text
    assert 'id="save"' not in edit.text
    assert review.decide("approve", "mitosis").status == 400
    assert not decisions()


def test_audit_is_read_blindly_and_disputes_are_settled(review: ReviewApp) -> None:
    plan = write_audit(review.workspace.store, tolerance=0.4).plan
    url = plan.pages[plan.order[0]].url
    name = url.rpartition("what-is-")[2]
    page = review.get("/review?queue=audit:spring")
    assert data_of(page)["url"] == url
    for hidden in ("70%", "Findings", "History", "comparison rejected", "Take new"):
        assert hidden not in page.text.partition("<article")[2].partition("</article>")[0]
    assert review.decide("approve", name, queue="audit:spring").status == 200
    [line] = decisions()
    draw = plan.draw(url)
    assert draw is not None
    assert (line["blind"], line["draw"]) == (True, {"plan": "spring", "probability": draw.probability})
    with open_app("Bob") as bob:
        assert bob.decide("reject", name, queue="audit:spring", reasons=["fact"]).status == 200
    with open_app("Lead") as lead:
        page = lead.get(f"/review?url={url}&queue=audit:spring")
        assert "Your decision settles it." in page.text
        assert "Not publishable" in page.text
        assert "Factual error" in page.text
        stale = lead.decide("approve", name, queue="audit:spring")
        assert (stale.status, stale.json["error"]) == (
            400,
            "Two reviewers now disagree about this page, so your decision would settle it; "
            "reload the page to see what they decided.",
        )
        for queue in ("", "second"):
            assert lead.decide("adjudicate", name, queue=queue, acceptable=True).status == 400
        assert lead.decide("adjudicate", name, queue="audit:spring", acceptable=False).status == 200
    assert decisions()[-1]["action"] == "adjudicate"


def test_page_of_an_audit_is_edited_blindly(review: ReviewApp) -> None:
    plan = write_audit(review.workspace.store, tolerance=0.4).plan
    url = next(page.url for page in plan.pages if not plan.wants_second(page.url))
    name = url.rpartition("what-is-")[2]
    assert 'id="do-edit"' in review.get(f"/review?url={url}&queue=audit:spring").text
    screen = review.get(f"/edit?url={url}&queue=audit:spring").text
    assert "You read blindly, so only errors that your edit adds are listed here." in screen
    for hidden in ("70%", "QT601", "approved"):
        assert hidden not in screen
    bad = {"answer": "Short."}
    openly = review.send("/api/check", {"url": url, "fields": bad}).json
    blindly = review.send("/api/check", {"url": url, "fields": bad, "queue": "audit:spring"}).json
    assert openly["new_errors"] == blindly["new_errors"] == len(blindly["diagnostics"])
    assert all(one["is_new"] for one in blindly["diagnostics"])
    unchanged = review.send("/api/check", {"url": url, "fields": {}, "queue": "audit:spring"}).json
    assert unchanged["diagnostics"] == []
    page = review.workspace.open(url)
    fields = {"answer": page.file.fields["answer"].replace(".", " indeed.", 1)}
    assert review.decide("edit", name, queue="audit:spring", fields=fields, acceptable=True).status == 200
    [line] = decisions()
    draw = plan.draw(url)
    assert draw is not None
    assert (line["blind"], line["acceptable"], line["seen"]) == (True, True, {})
    assert line["draw"] == {"plan": "spring", "probability": draw.probability}
    progress = review.workspace.progress(plan)
    assert (progress.bad, progress.changed_ahead) == (0, 0)


def test_text_that_two_readers_judge_is_not_edited(review: ReviewApp) -> None:
    plan = write_audit(review.workspace.store, tolerance=0.4).plan
    url = next(page.url for page in plan.pages if not plan.wants_second(page.url))
    name = url.rpartition("what-is-")[2]
    assert review.decide("send-back", name, queue="audit:spring", note="Say why.").status == 200
    with open_app("Bob") as bob:
        screen = bob.get(f"/review?url={url}&queue=audit:spring").text
        assert "Two reviewers judge this text, so it cannot be edited here." in screen
        assert 'id="do-edit"' not in screen
        assert "Say why." not in screen
        assert bob.get(f"/edit?url={url}&queue=audit:spring").status == 400
        refused = bob.decide("edit", name, queue="audit:spring", fields={"answer": "x"}, acceptable=True)
        message = "Two reviewers judge this text, so it cannot be edited; reject it or send it back."
        assert (refused.status, refused.json["error"]) == (400, message)
    assert len(decisions()) == 1


def test_page_that_was_deleted_leads_to_the_next_one_of_its_queue(review: ReviewApp) -> None:
    first = data_of(review.get("/review?queue=next"))
    Path(review.workspace.page(str(first["url"])).path).unlink()
    reply = review.get(f"/review?queue=next&url={first['url']}")
    assert reply.status == 409
    [link] = re.findall(r'href="([^"]*)">Next page of the queue', reply.text)
    following = review.get(html.unescape(link))
    assert following.status == 200
    assert data_of(following)["url"] not in ("", first["url"])
    assert "Next page of the queue" not in review.get(f"/review?url={first['url']}").text


def test_finding_of_a_rule_that_compares_pages_has_a_sentence() -> None:
    [row] = rule_findings([], [FindingCount("QT409", "info", 1)], default_layout())
    assert row.summary
    assert row.summary in row.explanation
    assert row.summary != row.explanation


def test_finding_of_a_plugin_rule_that_compares_pages_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = SiteRule("ACME401", "a-rule", Severity.WARNING, lambda _site: (), Example(), Example(), None)
    monkeypatch.setitem(REGISTRY, rule.code, rule)
    counts = [FindingCount("ACME401", "warning", 2), FindingCount("ACME101", "warning", 1)]
    assert [(row.code, row.total) for row in rule_findings([], counts, default_layout())] == [("ACME401", 2)]


def test_disk_full(review: ReviewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    reply = review.decide("approve", "light")
    assert reply.status == 507
    assert "free some space and try again. Nothing was lost." in reply.json["error"]


def test_bug_is_a_screen_with_all_headers(review: ReviewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_url: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(type(review.workspace.index), "page", lambda _self, url: fail(url))
    reply = review.get(f"/review?url={url_of()}")
    assert reply.status == 500
    assert (
        "The index of the pages cannot be read or written (database or disk is full); restart the server." in reply.text
    )
    monkeypatch.setattr(type(review.workspace.index), "page", lambda _self, url: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # the server logs it after the reply
        review.get(f"/review?url={url_of()}")


def test_method_that_does_not_exist(review: ReviewApp) -> None:
    reply = review.send("/review", {})
    assert (reply.status, "This address takes no such request." in reply.text) == (405, True)


def test_screens_contain_no_inline_script_or_style(review: ReviewApp) -> None:
    for target in (f"/review?url={url_of()}", f"/edit?url={url_of()}", "/nothing"):
        html = review.get(target).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        scripts = re.findall(r"<script([^>]*)>", html)
        assert all("src=" in one or 'type="application/json"' in one for one in scripts)
        assert len(html) < 100_000


def test_hostile_text_is_shown_and_not_run(review: ReviewApp) -> None:
    title = "What is </script><img src=x onerror=alert(1)> \u202e osmosis?"
    path = Path(page_path("light"))
    path.write_bytes(path.read_bytes().replace(b"What is light?", title.encode()))
    review.workspace.index.refresh()
    html = review.get(f"/review?url={url_of('light')}").text
    assert "<img" not in html
    assert 'title="right-to-left override">U+202E</span>' in html


def test_link_lets_a_browser_enter(review: ReviewApp) -> None:
    key = review.access.key
    reply = call(review.app, "GET", f"/enter?key={key}&queue=rewrites")
    assert (reply.status, reply.headers["location"]) == (303, "/review?queue=rewrites")
    cookie = ("cookie", reply.headers["set-cookie"].partition(";")[0])
    assert call(review.app, "GET", "/review?queue=rewrites", [cookie]).status == 200
    for target in ("/enter", "/enter?key=", f"/enter?key={key}x"):
        reply = call(review.app, "GET", target)
        assert (reply.status, "open the link that the server printed" in reply.text) == (403, True)
        assert "set-cookie" not in reply.headers


def test_queue_of_the_link_leads_to_no_other_site(review: ReviewApp) -> None:
    reply = call(review.app, "GET", f"/enter?key={review.access.key}&queue=//evil.example/%0d%0ax")
    assert reply.headers["location"].startswith("/review?queue=")


def test_without_a_cookie_nothing_is_shown(review: ReviewApp) -> None:
    page = call(review.app, "GET", f"/review?url={url_of()}")
    assert (page.status, "osmosis" in page.text.lower()) == (403, False)
    sent = call(review.app, "POST", "/api/decisions", SAME_ORIGIN, [b"{}"])
    assert sent.json == {
        "error": "This browser is not signed in; open the link that the server printed when it started."
    }


def test_read_only_server_shows_no_actions() -> None:
    write_site(osmosis={})
    with open_app(read_only=True) as review:
        html = review.get(f"/review?url={url_of()}").text
        assert "do-approve" not in html
        assert "read-only" in html
        assert "disabled" in review.get(f"/edit?url={url_of()}").text
        for path in ("/api/decisions", "/api/check", "/api/reserve"):
            assert review.send(path, review.decision("approve")).status == 403
        assert review.send("/api/drafts", {}, "PUT").status == 403
    assert not Path("out/.qtgen/decisions.jsonl").exists()
    assert not Path("out/.qtgen/review/drafts").exists()


def test_frame_of_the_approximate_preview_runs_nothing(review: ReviewApp) -> None:
    reply = review.get(f"/preview/approximate?url={url_of()}&side=changes")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-same-origin; default-src 'none'")
    assert policy.endswith("frame-ancestors 'self'")
    assert "<ins>diffusion</ins>" in reply.text
    assert "<script" not in reply.text


def test_frame_of_the_preview_holds_no_text(review: ReviewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen.review.web.app.is_bundled", lambda: True)
    reply = call(review.app, "GET", "/preview")
    assert reply.status == 200
    assert reply.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src" not in reply.headers["content-security-policy"]
    assert "osmosis" not in reply.text.lower()
    monkeypatch.setattr("qtgen.review.web.app.is_bundled", lambda: False)
    assert call(review.app, "GET", "/preview").status == 404


def test_blind_reader_sees_a_and_b_and_nothing_else(review: ReviewApp, monkeypatch: pytest.MonkeyPatch) -> None:
    review.decide("approve", "osmosis")
    reply = review.get(f"/review?url={url_of()}&queue=second")
    assert list(data_of(reply)["sides"]) == ["a", "b"]  # type: ignore[call-overload]
    for hidden in (
        "QT601",
        "Comparison",
        "approved",
        "Source",
        "Take new",
        "do-send-back",
        "do-edit",
        "comparison rejected",
    ):
        assert hidden not in reply.text
    data = data_of(reply)
    sides = data["sides"]
    assert isinstance(sides, dict)
    better = next(name for name in ("a", "b") if "diffusion" in sides[name]["markdown"])
    sent = review.decide("reject", queue="second", reasons=["fact"], prefers=better)
    assert sent.status == 200
    line = decisions()[-1]
    assert (line["blind"], line["prefers"], line["acceptable"], line["seen"]) == (True, "new", False, {})
    refused = review.decide("take", queue="second")
    assert (
        refused.json["error"]
        == "In a blind reading, you can only approve, reject or skip a page; open the page without its queue."
    )


def test_order_of_a_pair_differs_between_readers() -> None:
    from qtgen.review.web.modes import is_swapped

    assert {is_swapped(url_of(), f"reviewer {number}") for number in range(20)} == {True, False}
    assert is_swapped(url_of(), "Ada") is is_swapped(url_of(), "Ada")
