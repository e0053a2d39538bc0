"""What the screens and the actions work on: the output folder, the index of the pages, and the decisions."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtgen._util.project import project_folder
from qtgen.errors import UsageError
from qtgen.generation.config import generation_config
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.page import Page, main_layout
from qtgen.page.profile import Profile
from qtgen.review.audits.audits import AuditProgress, Plan, plans_that_read, read_plan, read_plans, second_readings
from qtgen.review.decisions.actions import Actions
from qtgen.review.decisions.drafts import Drafts
from qtgen.review.decisions.rewrites import read_rewrites, rewrite_of
from qtgen.review.files import PageOnDisk
from qtgen.review.index.index import IndexSources, ReviewIndex
from qtgen.review.index.origins import Origins
from qtgen.review.index.plan_queues import PlanQueues, progress_of
from qtgen.review.index.queues import AUDIT, Queues
from qtgen.review.index.watch import Watcher
from qtgen.review.page_rows import read_file
from qtgen.review.types import IndexedPage, Rewrite
from qtgen.review.web.modes import Mode, mode_of
from qtgen.review.web.reservations import Reservations
from qtgen.review.web.views.errors import NotFound
from qtgen.settings import Settings
from qtgen.validation.plugins import load_plugins
from qtgen.validation.rules.settings import rule_settings
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import PathRules, choose_rules, resolve_codes

OnProgress = Callable[[int], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPage:
    """A page that is shown.

    Args:
        page: What the index knows about it.
        file: The file as it is now.
        rewrite: Its rewrite, if it has one.
    """

    page: IndexedPage
    file: PageOnDisk
    rewrite: Rewrite | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The parts of one review.

    Args:
        profile: The page layout of the site.
        store: The output folder, which holds the decisions.
        log: All decisions.
        index: What the lists know about the pages.
        queues: Which pages wait for a reviewer.
        actions: Carries decisions out.
        drafts: Edits that are not finished.
        origins: How the texts were made.
        reservations: Who has which page open.
    """

    profile: Profile
    store: OutputFolder
    log: DecisionLog
    index: ReviewIndex
    queues: Queues
    actions: Actions
    drafts: Drafts
    origins: Origins
    reservations: Reservations

    def page(self, url: str) -> IndexedPage:
        """Return what the index knows about a page. Raises NotFound."""
        page = self.index.page(url)
        if page is None:
            raise NotFound(f"no page has the address {url!r}; it may have been deleted or renamed")
        return page

    def open(self, url: str) -> OpenedPage:
        """Read a page to show it. Raises NotFound, or PageConflict if its file is gone."""
        page = self.page(url)
        file = self.actions.show(Path(page.path))
        return OpenedPage(page=page, file=file, rewrite=rewrite_of(self.store, page.path, self.profile))

    def mode(self, queue: str, url: str) -> Mode:
        """Return how the pages of a queue are judged. Raises NotFound for an unknown queue."""
        self.check_queue(queue)
        return mode_of(
            self.store,
            queue,
            url,
            is_disputed=lambda plan: url in self.progress(plan).disputed,
            needs_second=lambda plan: url in second_readings(plan, self.log),
            was_read=lambda plan: plan.name in plans_that_read(self.log, url),
        )

    def check_queue(self, name: str) -> None:
        """Raise NotFound if no queue has a name. An empty name is no queue."""
        try:
            if name:
                self.queues.kind(name)
        except UsageError as error:
            raise NotFound(error.message, remedy=error.remedy) from None

    def progress(self, plan: Plan, who: str = "") -> AuditProgress:
        """Return how far an audit is."""
        return progress_of([plan], self.log, self.index, who)[0]

    def progress_of(self, plans: Sequence[Plan]) -> list[AuditProgress]:
        """Return how far audits are. This reads the index once for all of them."""
        return progress_of(plans, self.log, self.index)

    def audit_of(self, queue: str, who: str = "") -> AuditProgress | None:
        """Return how far the audit of a queue is; None if the queue is another one."""
        plan = read_plan(self.store, queue.removeprefix(AUDIT)) if queue.startswith(AUDIT) else None
        return None if plan is None else self.progress(plan, who)

    def audits(self) -> list[AuditProgress]:
        """Return how far each audit is."""
        return self.progress_of(read_plans(self.store).audits)

    def read_rewrites(self) -> None:
        """Read the rewrites again, because some were added or removed."""
        self.index.set_rewrites(read_rewrites(self.store, self.profile))

    def watcher(self) -> Watcher:
        """Return a context manager that keeps the index up to date while files change."""
        return Watcher(self.index, self.log, self.read_rewrites)

    def close(self) -> None:
        """Close the index."""
        self.index.close()


def open_workspace(
    paths: Sequence[Path],
    settings: Settings,
    profile: Profile,
    *,
    read_only: bool = False,
    on_progress: OnProgress = None,
) -> Workspace:
    """Index the pages and return the workspace.

    Args:
        paths: The files and folders to review. Only pages in them are changed.
        settings: The settings in force; `out` is the folder with the decisions.
        profile: The page layout of the site.
        read_only: Whether nothing is decided. Decisions that were not carried out are left to a server that may write.
        on_progress: Called with the number of pages that have been indexed so far.

    Raises UsageError for a path that does not exist or for settings that cannot be used.
    """
    load_plugins(settings)
    store = OutputFolder(settings.out)
    log = store.decision_log()
    checks = _checks(settings, profile, on_progress)
    index = ReviewIndex(IndexSources(paths=paths, store=store, checks=checks, project=project_folder()), log)
    try:
        index.set_rewrites(read_rewrites(store, profile))
        actions = Actions(store, log, generation_config(settings, dt.date.min, profile), folders=paths)
        if not read_only:
            _settle(actions, index, profile)
    except BaseException:
        index.close()
        raise
    drafts = Drafts(store.review_folder)
    return Workspace(
        profile=profile,
        store=store,
        log=log,
        index=index,
        queues=Queues(index, PlanQueues(store, log, index, drafts).sources()),
        actions=actions,
        drafts=drafts,
        origins=Origins(store.provenance_file, main_layout(profile)),
        reservations=Reservations(time.monotonic),
    )


def _settle(actions: Actions, index: ReviewIndex, profile: Profile) -> None:
    """Discard decisions that a killed server did not carry out."""

    def page_at(url: str) -> Page | None:
        page = index.page(url)
        return read_file(page.path, -1, profile)[1] if page else None

    index.refresh_decisions([decision.url for decision in actions.settle(page_at)])


def _checks(settings: Settings, profile: Profile, on_progress: OnProgress) -> ValidationOptions:
    rules = rule_settings(settings)
    by_path = [
        PathRules(pattern, resolve_codes(some.select), resolve_codes(some.ignore))
        for pattern, some in settings.per_path.items()
    ]
    return ValidationOptions(
        choose_rules(settings.select, settings.ignore, rules.requested, profile=profile),
        by_path=by_path,
        root=project_folder(),
        corpus=settings.corpus,
        settings=rules,
        on_progress=on_progress,
        profile=profile,
    )
