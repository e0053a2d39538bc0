"""What reviewers decided, and what `regenerate` then does."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from qtgen.generation.config import GenerationConfig
from qtgen.generation.decisions import State
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import group_digests
from qtgen.llm.types import Prompt
from qtgen.page.profile import default_profile
from qtgen.regeneration import REASONS, RewriteResult, StalenessFilter, regenerate
from qtgen.review.decisions.rewrites import read_rewrites, rewrite_of
from support.default_site import WRITTEN_GROUPS
from support.default_tables import LAYOUT, read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, write_site
from support.reviews import DESCRIPTION, make_actions, request_for, url_of
from support.rewriting import OFF_TOPIC, Responder, seo_json

PATH = Path(page_path())


class Site:
    """A page with a description that is too long, a model that rewrites it, and a reviewer."""

    def __init__(self, config: GenerationConfig) -> None:
        write_site(osmosis={DESCRIPTION: LONG_DESCRIPTION})
        self.config, self.store = config, OutputFolder(Path("out"))
        self.actions = make_actions(config, self.store)

    def regenerate(
        self, respond: Callable[[Prompt], str], *, include_edited: bool = False
    ) -> tuple[list[RewriteResult], list[Prompt]]:
        """Return the results of a run, and its requests."""
        provider = Responder(respond)
        staleness = StalenessFilter(
            [REASONS["sent-back"]],
            frozenset({"QT601"}),
            include_edited=include_edited,
            groups=frozenset(WRITTEN_GROUPS),
        )

        async def collect() -> list[RewriteResult]:
            run = regenerate(["site"], provider=provider, config=self.config, out="out", staleness=staleness)
            return [result async for result in run]

        return asyncio.run(collect()), provider.prompts

    def decide(self, action: str, note: str = "") -> None:
        self.actions.perform(request_for(action, note=note), PATH)

    @property
    def description(self) -> str | None:
        return read(PATH.read_bytes()).text_of(DESCRIPTION)

    @property
    def state(self) -> State:
        return self.store.decision_log().state(url_of(), self.actions.show(PATH).digests)


@pytest.fixture
def site(config: GenerationConfig) -> Site:
    return Site(config)


def off_topic(_: Prompt) -> str:
    return seo_json(OFF_TOPIC)


def good(_: Prompt) -> str:
    return seo_json()


def test_a_rewrite_that_a_reader_took_stays(site: Site) -> None:
    (result,), _ = site.regenerate(off_topic)
    assert result.outcome.status == "kept"
    site.decide("take")
    assert (site.description, site.state) == (OFF_TOPIC, State.APPROVED)
    record = site.store.provenance_index(LAYOUT).records[url_of()]["seo"]
    assert record.text_digests == group_digests(read(PATH.read_bytes()), ["seo"])
    assert record.replaced_digests == {"seo": result.rejected and result.rejected.provenance["replaced_digests"]["seo"]}
    assert site.regenerate(good) == ([], [])
    assert site.description == OFF_TOPIC


def test_a_text_that_a_reader_kept_stays(site: Site) -> None:
    site.regenerate(off_topic)
    site.decide("keep")
    assert site.regenerate(good) == ([], [])
    (result,), prompts = site.regenerate(good, include_edited=True)
    assert (result.outcome.status, prompts) == ("kept", []), "the same attempt is not repeated"


def test_an_accepted_rewrite_that_a_reader_reverted_is_not_made_again(site: Site) -> None:
    (result,), _ = site.regenerate(good)
    assert (result.outcome.status, site.description) == ("written", SHORT_DESCRIPTION)
    assert read_rewrites(site.store, default_profile())[url_of()].is_taken
    site.decide("keep")
    assert (site.description, site.state) == (LONG_DESCRIPTION, State.APPROVED)
    assert site.regenerate(good) == ([], [])
    (result,), prompts = site.regenerate(good, include_edited=True)
    assert (result.outcome.status, prompts) == ("kept", [])
    assert result.explanation == "rejected by an earlier run: a reviewer kept the old text"


def test_a_decision_that_was_undone_changes_nothing(site: Site) -> None:
    site.regenerate(off_topic)
    site.decide("take")
    site.decide("undo")
    rewrite = rewrite_of(site.store, PATH, default_profile())
    assert rewrite
    assert (site.description, rewrite.is_taken) == (LONG_DESCRIPTION, False)
    (result,), prompts = site.regenerate(off_topic)
    assert (result.outcome.status, prompts) == ("kept", [])


def test_a_search_text_that_was_sent_back_returns_to_the_reader(site: Site) -> None:
    request = request_for("send-back", note="Shorter.", reasons=("search-fields",))
    site.actions.perform(request, PATH)
    (result,), (prompt,) = site.regenerate(good)
    assert "<faults>\n- Search fields: Shorter.\n</faults>" in prompt.messages[-1].content
    assert (result.outcome.status, site.state) == ("written", State.RETURNED)
    assert site.regenerate(good) == ([], [])
    site.decide("approve")
    assert site.state is State.APPROVED
