"""The screens of audits and of agreement, in the app and in the browser."""

import html
import re
from pathlib import Path

import pytest

from qtgen.generation.decisions import Action
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.acceptance import Verdict
from qtgen.review.audits.audits import AuditProgress, progress, read_plans
from qtgen.review.web.views.audit import chart_of, percent
from support.audits import Review, audit, write_audit
from support.browser import OpenPage
from support.pages import page_text, write_site
from support.review_app import open_app, served

SAMPLE = 20
"""The pages that an audit of 60 pages with a tolerance of 10% reads."""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutputFolder:
    monkeypatch.chdir(tmp_path)
    write_site(**{f"page-{number}": {"id": number, "score": number / 100} for number in range(1, 61)})
    return OutputFolder(Path("out"))


def words_of(target: str, who: str = "Ada") -> str:
    """Return the text of a screen, without its tags."""
    with open_app(who) as app:
        reply = app.get(target)
    assert reply.status == 200, reply.text
    assert " style=" not in reply.text
    assert len(reply.body) < 100_000
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", reply.text)).split())


def test_an_audit_begins_with_the_number_of_pages_to_read(store: OutputFolder) -> None:
    review = write_audit(store, tolerance=0.06)
    assert review.plan.sample == 31
    words = words_of("/audits/spring")
    for text in (
        "Audit spring running",
        "Read 31 more pages; if none is bad, the batch is accepted.",
        "No page was read yet; 6% bad pages are tolerated.",
        "Up to 3 of the 60 pages may be bad.",
        "0 of 60 pages",
        "31 pages must be read; the batch is accepted if none is bad.",
        "and 11 more",
    ):
        assert text in words
    with open_app() as app:
        titles = re.findall(r'<a href="/review\?url=[^"]*">(What is [^<]*)</a>', app.get("/audits/spring").text)
    assert titles == [f"What is {review.url(place).rpartition('what-is-')[2]}?" for place in range(1, 21)]


def test_an_audit_in_progress(store: OutputFolder) -> None:
    review = write_audit(store, allowed=2)
    review.read(1, 5, blind=True)
    review.decide(6, Action.REJECT, blind=True)
    review.decide(2, Action.REJECT, "bob", blind=True)
    review.read(8, 9, blind=True)
    words = words_of("/audits/spring")
    for text in (
        "more pages; if none is bad, the batch is accepted.",
        "2 pages Of these, 1 is in dispute. Such pages count as bad.",
        "2 pages will count when the pages before them are read.",
        "Reviewers disagree Two reviewers judged these pages differently.",
        "Each red line is a bad page.",
        "95% of such audits, this range contains the true share.",
    ):
        assert text in words
    assert "Bad pages Look for" not in words  # the next reviewer must not see the verdicts


def test_an_accepted_audit(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, SAMPLE)
    words = words_of("/audits/spring")
    assert "Audit spring accepted" in words
    assert "The batch is accepted: 20 pages were read, and none was bad." in words
    assert "Read the next page" not in words


def test_a_rejected_audit_lists_the_bad_pages(store: OutputFolder) -> None:
    review = write_audit(store)
    Path("site/biology", review.url(2).rpartition("/")[2] + ".md").write_text(
        page_text(review.url(2).rpartition("what-is-")[2], answer="Another answer.")
    )
    review.read(1, 1)
    words = words_of("/audits/spring")
    assert "Audit spring not accepted" in words
    assert "1 page Of these, 1 changed since the plan, before anybody read it. Such pages count as bad." in words
    assert "Bad pages Look for what they have in common." in words
    assert f"What is {review.url(2).rpartition('what-is-')[2]}?" in words


def test_pages_that_a_reader_skipped_are_left_to_others(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, SAMPLE - 1)
    review.decide(SAMPLE, Action.SKIP, "Ada")
    assert "Other reviewers must read the pages that are left, because you skipped them." in words_of("/audits/spring")
    assert "Read the next page" in words_of("/audits/spring", "Bob")


def test_an_app_that_shows_a_part_of_the_batch_tells_the_same_result(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, 2)
    Path("site/biology", review.url(4).rpartition("/")[2] + ".md").unlink()
    one = f"site/biology/{review.url(3).rpartition('/')[2]}.md"
    with open_app() as whole, open_app(paths=[one]) as part:
        results = [app.workspace.progress(review.plan) for app in (whole, part)]
    assert results[0] == results[1]
    assert (results[0].read, results[0].pending[0]) == (2, review.url(3))


def test_each_audit_is_read_for_itself_and_disputes_go_to_others(store: OutputFolder) -> None:
    write_audit(store, name="autumn").read(1, SAMPLE, who="Ada", blind=True)
    review = write_audit(store, seed=8)
    review.decide(1, blind=True)
    review.decide(1, Action.REJECT, "Ada", blind=True)
    with open_app() as app:
        queues = app.workspace.queues
        pending = [review.url(place) for place in range(2, SAMPLE + 1)]
        assert [queues.first("audit:spring", "Ada"), queues.count("audit:spring", "Ada")] == [pending[0], len(pending)]
        assert queues.count("audit:spring", "eve") == len(pending) + 1  # and the dispute


def test_a_second_reading_belongs_to_the_plan_that_waits_for_it(store: OutputFolder) -> None:
    reviews = [write_audit(store, name=f"a{seed}", seed=seed) for seed in range(12)]
    wanted = [(one, {url for url in one.texts if one.plan.wants_second(url)}) for one in reviews]
    first, second, url = next(
        (one, two, url) for one, urls in wanted for two, others in wanted if one is not two for url in urls & others
    )
    for review in (first, second):
        place = next(place for place in range(1, 61) if review.url(place) == url)
        review.decide(place, blind=True)
        with open_app() as app:
            assert app.workspace.queues.first("second", "Bob") == url
            draw = app.workspace.mode("second", url).draw
            assert draw == review.plan.draw(url)
            review.decide(place, who="Bob", blind=True)
    with open_app() as app:
        assert app.workspace.queues.first("second", "Bob") is None


def test_a_reader_who_may_not_write_gets_no_button(store: OutputFolder) -> None:
    write_audit(store)
    with open_app(read_only=True) as app:
        assert "Read the next page" not in app.get("/audits/spring").text


def test_pages_outside_the_plan_are_listed(store: OutputFolder) -> None:
    Path("site/biology/empty.md").write_bytes(b"")
    write_audit(store)
    words = words_of("/audits/spring")
    assert "1 page is not in the plan, so the result does not cover it" in words
    assert "../site/biology/empty.md The page cannot be read: the file is empty." in words


def test_the_words_of_pages_and_readers_are_never_markup(store: OutputFolder) -> None:
    hostile = '<img src=x onerror="alert(1)">\u202e'
    for number in range(1, 61):
        name = f"page-{number}"
        Path(f"site/biology/what-is-{name}.md").write_text(page_text(name, title=hostile, article_title=hostile))
    review = write_audit(store)
    review.read(1, 3, who=hostile)
    with open_app() as app:
        for target in ("/audits/spring", "/agreement"):
            text = app.get(target).text
            assert "<img" not in text
            assert "\u202e" not in text


@pytest.mark.parametrize(
    ("target", "status", "sentence"),
    [
        ("/audits/autumn", 404, "No audit has the name &#39;autumn&#39;; there is spring."),
        ("/audits/next", 404, "there is spring"),
        ("/audits/%3Cb%3E", 404, "&#39;&lt;b&gt;&#39;"),
    ],
)
def test_an_unknown_audit_gets_one_sentence(store: OutputFolder, target: str, status: int, sentence: str) -> None:
    write_audit(store)
    write_audit(store, name="next")
    with open_app() as app:
        reply = app.get(target)
    assert reply.status == status
    assert sentence in reply.text


def test_an_edited_plan_gets_one_sentence_and_leaves_the_others_alone(store: OutputFolder) -> None:
    write_audit(store)
    write_audit(store, name="autumn").read(1, 3)
    path = store.folder / ".qtgen" / "audits" / "spring.json"
    path.write_text(path.read_text().replace('"tolerance": 0.1', '"tolerance": 0.3'))
    with open_app() as app:
        reply = app.get("/audits/spring")
        assert reply.status == 400
        assert "this plan was changed after it was made, so its result means nothing" in reply.text
        assert app.get("/audits/autumn").status == 200
    assert "spring.json: this plan was changed" in words_of("/agreement")


def test_agreement_without_decisions_names_the_next_step() -> None:
    words = words_of("/agreement")
    assert "There are no decisions yet" in words
    assert "Choose a queue" in words


def test_agreement_explains_each_figure(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, 20, blind=True)
    review.read(1, 19, "bob", blind=True)
    review.decide(20, Action.REJECT, "bob", blind=True)
    words = words_of("/agreement")
    for text in (
        "Two reviewers too few pages 20 95%",
        "Cohen's kappa: 0 is no better than guessing",
        "Krippendorff's alpha",
        "19 both good, 0 both bad, 1 different.",
        "Reviewers and the comparison 0 –",
        "With fewer than 30 pages, a figure can be far from the truth",
        "Pages that somebody chose are not typical of the others, so an estimate needs pages drawn at random.",
        "ann 20 0 20",
        "bob 19 1 20",
        "Audit spring Let a third reviewer settle 1 page about which two reviewers disagree.",
    ):
        assert text in words


def test_agreement_tells_what_the_queue_next_says_about_all_pages(store: OutputFolder) -> None:
    review = write_audit(store, name="next")
    review.read(1, 10)
    assert "10 of 60 pages of the queue were read. An estimate needs ten good and ten bad ones among them." in words_of(
        "/agreement"
    )
    for place in range(11, 31):
        review.decide(place, Action.REJECT if place % 2 else Action.APPROVE)
    words = words_of("/agreement")
    assert "66.7% can be published. 30 of 60 pages of the queue were read. Between" in words


def test_second_readings_are_offered_to_other_readers_alone(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, SAMPLE, blind=True)
    waiting = [review.url(place) for place in range(1, SAMPLE + 1) if review.plan.wants_second(review.url(place))]
    assert waiting
    number = f"{len(waiting)} page{' waits' if len(waiting) == 1 else 's wait'}"
    assert f"{number} for you as second reviewer." in words_of("/agreement", "Bob")
    assert "for you as second reviewer" not in words_of("/agreement", "ann")
    assert f"{number} for a second reviewer, who does not see the first decision." in words_of("/audits/spring")


def _progress(review: Review) -> AuditProgress:
    return progress(review.plan, review.log, review.texts.get)


def test_the_chart_stays_inside_its_width() -> None:
    for tolerance, bad in ((0.02, ()), (0.02, range(1, 40)), (0.5, (1, 2)), (0.9, range(1, 100))):
        review = Review(audit(400, tolerance=tolerance, allowed=None), bad)
        rule = review.plan.rule
        assert rule is not None
        for place in range(1, 31):
            chart = chart_of(_progress(review), rule)
            assert all(0 <= one <= 100 for one in (chart.limit, chart.done, chart.found or 0.0, *chart.marks))
            assert (chart.possible is None) is (place == 1)
            if chart.possible:
                assert 0 <= chart.possible.start <= chart.possible.start + chart.possible.width <= 100.5
            review.decide(place)


def test_the_chart_of_a_finished_audit_is_full() -> None:
    review = Review(audit(), (3,))
    review.read(1, 3)
    now = _progress(review)
    assert now.verdict is Verdict.REJECT
    assert review.plan.rule is not None
    chart = chart_of(now, review.plan.rule)
    assert (chart.done, chart.total, chart.marks) == (100.0, 3, (83.33,))


def test_percentages() -> None:
    assert [percent(share) for share in (0, 0.02, 0.025, 0.0314, 1)] == ["0%", "2%", "2.5%", "3.1%", "100%"]


def test_an_audit_ends_through_the_app(store: OutputFolder) -> None:
    """Ada reads the sample, Bob is the second reviewer and disagrees, and Eve adjudicates."""
    plan = write_audit(store).plan
    with open_app("Ada") as app:
        for _ in range(SAMPLE):
            url = app.workspace.queues.first("audit:spring", "Ada")
            assert url is not None
            assert app.decide("approve", _name(url), queue="audit:spring").status == 200
        assert app.workspace.queues.first("audit:spring", "Ada") is None
    assert "Audit spring accepted" in words_of("/audits/spring")
    with open_app("Bob") as app:
        disputed = app.workspace.queues.first("second", "Bob")
        assert disputed is not None
        reply = app.decide("reject", _name(disputed), queue="second", reasons=["fact"])
        assert reply.status == 200, reply.text
    assert "Let a third reviewer settle 1 page about which two reviewers disagree." in words_of("/audits/spring")
    with open_app("Eve") as app:
        assert app.workspace.queues.first("audit:spring", "Eve") == disputed
        reply = app.decide("adjudicate", _name(disputed), queue="audit:spring", acceptable=True)
        assert reply.status == 200, reply.text
    assert "Audit spring accepted" in words_of("/audits/spring")
    decisions = list(store.decision_log())
    assert {one.draw for one in decisions if one.who in ("Ada", "Bob")} == {plan.draw(disputed)}
    assert all(one.blind for one in decisions if one.who in ("Ada", "Bob"))


def _name(url: str) -> str:
    return url.rpartition("what-is-")[2]


def test_a_lead_finds_the_next_page_to_read_in_the_browser(open_page: OpenPage, store: OutputFolder) -> None:
    """The fixture fails the test if a screen violates the Content Security Policy."""
    review = write_audit(store)
    review.read(1, 2, blind=True)
    with served() as (link, _):
        page = open_page(viewport={"width": 390, "height": 800})
        page.goto(link)
        page.goto(link.partition("/enter")[0] + "/audits/spring")
        assert page.locator(".audit-step").inner_text().startswith("Read 18 more pages")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        limit = page.locator(".chart-limit").bounding_box()
        track = page.locator(".chart-track").first.bounding_box()
        assert limit is not None
        assert track is not None
        assert track["x"] < limit["x"] < track["x"] + track["width"]
        page.goto(link.partition("/enter")[0] + "/agreement")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto(link.partition("/enter")[0] + "/audits/spring")
        page.get_by_role("link", name="Read the next page").click()
        assert "queue=audit" in page.url
        assert page.get_by_text(f"What is {review.url(3).rpartition('what-is-')[2]}?").first.is_visible()
        page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("target", ["/", "/agreement", "/audits/audit-3"])
def test_many_audits_need_no_more_than_six_statements(store: OutputFolder, target: str) -> None:
    for number in range(8):
        write_audit(store, name=f"audit-{number}", seed=number).read(number + 1, 2 * number + 1)
    write_audit(store, name="next")
    with open_app() as app:
        app.workspace.index.statements = 0
        assert app.get(target).status == 200
        assert app.workspace.index.statements <= 6
        known = app.workspace.progress_of(read_plans(store).audits)
        assert [one.read for one in known] == [1, *[0] * 7]
        assert [one.ahead for one in known] == [0, *range(2, 9)]
        assert known == [app.workspace.progress(one.plan) for one in known]


def test_the_decision_that_decides_an_audit_leads_to_its_result(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, SAMPLE - 2)
    last, bad = (review.url(place).rpartition("what-is-")[2] for place in (SAMPLE - 1, SAMPLE))
    with open_app() as app:
        assert "url=" in app.decide("approve", last, queue="audit:spring").json["next"]
        reply = app.decide("reject", bad, queue="audit:spring", reasons=["fact"])
        assert reply.json["next"] == "/review?queue=audit%3Aspring&end=1"
        end = app.get(reply.json["next"]).text
        assert "The batch is not accepted: 20 pages were read, and 1 was bad" in end
        assert 'href="/audits/spring">Open the audit</a>' in end
        unread = review.url(SAMPLE + 1)
        assert "The audit has its result." in app.get(f"/review?url={unread}&queue=audit:spring").text


def test_pages_that_wait_for_another_reader_are_not_offered_to_the_first(store: OutputFolder) -> None:
    review = write_audit(store)
    review.read(1, SAMPLE, who="Ada", blind=True)
    assert any(review.plan.wants_second(review.url(place)) for place in range(1, SAMPLE + 1))
    words = words_of("/audits/spring")
    assert "as second reviewer" not in words
    assert "Another reviewer must do this, because you have read" in words
    assert "as second reviewer" in words_of("/audits/spring", "Bob")
    assert "for another reviewer, because you have read" in words_of("/review?queue=second")


def test_the_end_of_an_audit_says_who_goes_on(store: OutputFolder) -> None:
    review = write_audit(store, allowed=2)
    most = review.plan.sample or 0
    review.read(1, most - 1, who="Ada", blind=True)
    review.decide(most, Action.SKIP, "Ada")
    assert "Other reviewers must read the pages that are left" in words_of("/review?queue=audit:spring")
