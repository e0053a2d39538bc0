"""Find the stale pages for `regenerate`, and report the pages that it leaves alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from qtgen._util.text import pluralize
from qtgen.commands._output import note, warn
from qtgen.commands._packs import note_left_out
from qtgen.commands._regeneration import RegenerateOptions
from qtgen.commands._staleness_options import SourceTexts
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.llm.factory import endpoints_for
from qtgen.page.compile import main_layout
from qtgen.page.layout import LINKS_GROUP, Layout
from qtgen.page.splicer import Changes
from qtgen.regeneration.detect import find_stale
from qtgen.regeneration.page_state import Criteria
from qtgen.regeneration.plan import prioritize
from qtgen.regeneration.reasons import group_of
from qtgen.regeneration.staleness import StalenessReport
from qtgen.settings import Settings, project_folder
from qtgen.site.discovery import OnUnusable, PageBatch, iter_batches
from qtgen.site.site_pages import SitePages
from qtgen.validation.project_cache import project_cache
from qtgen.validation.run import ValidationOptions


def find_pages(
    options: RegenerateOptions,
    config: GenerationConfig,
    output: OutputFolder,
    sources: SourceTexts,
    on_unusable: OnUnusable,
) -> StalenessReport:
    """Return the stale pages in the order and number that the options ask for, and warn about the others.

    `on_unusable` is called with the error of each path that cannot be used.
    """
    settings = options.settings
    warn(sources.problems(), "invalid row", " in the question files skipped")
    warn(sources.notes(), "note")
    criteria = Criteria(
        config.today,
        config.part_digests(),
        _configured_models(settings),
        sources.digests(),
        options.older_than,
        options.score_below,
    )
    root = project_folder()
    pages = SitePages(options.profile)
    batches = list(iter_batches(options.paths, on_unusable, pages))
    note_left_out(pages)
    cache = project_cache(config.rule_settings, profile=options.profile)
    corpus = settings.corpus if LINKS_GROUP in options.staleness.groups else None
    validation = ValidationOptions(
        (), root=root, corpus=corpus, cache=cache, settings=config.rule_settings, profile=options.profile
    )
    try:
        report = find_stale(
            batches,
            validation,
            options.staleness,
            criteria,
            output.provenance_index(config.layout),
            config,
            decisions=output.decision_log(),
            with_dates=options.order == "oldest",
        )
    finally:
        cache.close()
    has_folder = any(path.is_dir() for path in options.paths)
    report.gone = _missing_pages(report.gone, batches, output, main_layout(options.profile)) if has_folder else []
    _report_skipped(report)
    stale_pages = prioritize(report.stale, options.order, output.attempt_lookup())
    report.stale = stale_pages[: options.limit]
    report.omitted = len(stale_pages) - len(report.stale)
    return report


def _configured_models(settings: Settings) -> frozenset[str]:
    """Return the models in force, or none if the user chose no model, so that `model-changed` does not apply."""
    if settings.provider or settings.model or settings.base_url or settings.api_key:
        return frozenset(endpoint.model for endpoint in endpoints_for(settings))
    return frozenset()


def _missing_pages(
    keys: Sequence[str], batches: Sequence[PageBatch], output: OutputFolder, layout: Layout
) -> list[str]:
    """Return the keys whose page should be in one of the checked folders and is not in the output folder either."""
    depth = len(PurePosixPath(layout.spec.path).parts) - 1
    checked = {_last_parts(batch.folder, depth) for batch in batches}
    checked |= {tuple(map(layout.slug, parts)) for parts in checked}
    missing = []
    for key in keys:
        path = layout.path_of_key(key)
        if path and PurePosixPath(path).parts[:-1] in checked and not (output.folder / path).exists():
            missing.append(key)
    return missing


def _last_parts(folder: str, depth: int) -> tuple[str, ...]:
    return Path(folder).absolute().parts[-depth:] if depth else ()


def _report_skipped(report: StalenessReport) -> None:
    warn([f"{path}: does not parse" for path in report.unreadable], "page", " skipped because they do not parse")
    warn([f"{url}: has provenance but no page" for url in report.gone], "page", " missing")
    if report.edited:
        note(f"{pluralize(len(report.edited), 'page')} edited by a person skipped; --include-edited includes them")
    if report.approved:
        pages = pluralize(len(report.approved), "page")
        note(f"skipped {pages} that a reviewer approved; --include-edited includes them")


def planned_links(
    paths: Sequence[Path], report: StalenessReport, settings: Settings, layout: Layout
) -> Mapping[str, Changes]:
    """Return the new links of the stale pages whose links are to be repaired, by path.

    Raises MissingExtra if the extra for links is not installed.
    """
    stale_paths = {
        page.path for page in report.stale if any(group_of(path, layout) == LINKS_GROUP for path in page.fields)
    }
    if not stale_paths:
        return {}
    from qtgen.commands._linking import link_changes

    return {path: changes for path, changes in link_changes(paths, settings).items() if path in stale_paths}
