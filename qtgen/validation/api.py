"""The functions that `qtgen.validation` offers to programs: validate pages, and fix them."""

from collections.abc import Sequence
from pathlib import Path

from qtgen.page.profile import Profile
from qtgen.site.discovery import PathName, PathNames, as_paths, iter_batches
from qtgen.site.profiles import Site, resolve_profile
from qtgen.validation.autofix import FixedFile, fix_pages, write_fixes
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.plugins import load_installed_plugins
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import choose_rules


def validate(
    paths: PathNames,
    *,
    corpus: PathName | None = None,
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    jobs: int | None = None,
    site: Site = None,
) -> list[Diagnostic]:
    """Check pages, and return their diagnostics, sorted by path, line, column and code.

    Args:
        paths: Files, and folders whose pages (`*.md`) are checked at any depth.
        corpus: The folder of the whole site. Site rules compare the pages with it. Without it, they run if there are
            several pages.
        select: A code or name of a rule or a prefix of codes, or several; by default, all rules except those that run
            only on request.
        ignore: The same, for the rules to leave out.
        jobs: The number of worker processes. The default depends on the number of pages.
        site: The layout of the site: a profile or the path of a `site.toml`. By default, the nearest `site.toml`, in
            the current folder or above it. If there is none, the default layout.

    Raises UsageError for an unknown code, a path that does not exist, and a folder without pages, and SettingsError for
    an invalid `site.toml`.
    """
    with ValidationResult(
        iter_batches(as_paths(paths)), _options(corpus, select, ignore, jobs, resolve_profile(site))
    ) as result:
        return [diagnostic for file in result for diagnostic in file.diagnostics]


def fix(
    paths: PathNames,
    *,
    corpus: PathName | None = None,
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    jobs: int | None = None,
    site: Site = None,
    unsafe: bool = False,
    write: bool = True,
) -> list[FixedFile]:
    """Apply the fixes of the diagnostics and return the changed pages, sorted by path.

    Args:
        unsafe: Whether to apply fixes that a person should review afterwards.
        write: Whether to write the pages. A page that cannot be written has an `error`.

    The other arguments and the errors are those of `validate`.
    """
    batches = list(iter_batches(as_paths(paths)))
    files = fix_pages(batches, _options(corpus, select, ignore, jobs, resolve_profile(site)), unsafe=unsafe)
    return list(write_fixes(files) if write else files)


def _options(
    corpus: PathName | None,
    select: str | Sequence[str],
    ignore: str | Sequence[str],
    jobs: int | None,
    profile: Profile,
) -> ValidationOptions:
    load_installed_plugins()
    folder = None if corpus is None else Path(corpus)
    selected, ignored = ([codes] if isinstance(codes, str) else codes for codes in (select, ignore))
    rules = choose_rules(selected, ignored, profile=profile)
    return ValidationOptions(rules, profile=profile, corpus=folder, jobs=jobs)
