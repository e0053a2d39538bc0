"""`qtgen explain`: the documentation of a rule, a metric, a reason or a report format."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import click

from qtgen.commands._echo import echo
from qtgen.commands._errors import option_of
from qtgen.commands._options import settings_from
from qtgen.commands._output import note
from qtgen.commands._site import profile_of, site_option
from qtgen.errors import MissingExtra, UsageError
from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile
from qtgen.validation.plugins import installed_plugins, load_plugins, loaded_plugins
from qtgen.validation.reports import format_names, get_format
from qtgen.validation.rules import REGISTRY, Rule, rules_of
from qtgen.validation.rules.docs import describe_rule, first_line

_BLANK_LINE = "\n\n"


@click.command()
@click.argument("name", required=False)
@site_option()
def command(name: str | None, site: Path | None) -> int:
    """Explain a rule, a metric, a reason to regenerate a page, or a report format.

    NAME is the code or the name of a rule (`QT301`, `title-mismatch`), or the name of a metric, a reason or a report
    format. `score` explains the overall score. Without NAME, list all of them, including those of plugins.
    """
    settings = settings_from({"site": site})
    load_plugins(settings)
    profile = profile_of(settings)
    if name is None:
        for line in _list(profile):
            echo(line)
        return 0
    echo(_explain(name, profile))
    return 0


def _explain(name: str, profile: Profile) -> str:
    rules = rules_of(profile)
    for rule in (*rules, *REGISTRY.values()):
        if name.upper() == rule.code or name.lower() == rule.name:
            if rule not in rules:
                raise _absent(rule, profile)
            return describe_rule(rule, profile)
    word = name.lower()
    if word in format_names():
        return _describe_format(word)
    texts = {**_reasons(profile, word), **_metrics()}
    if word in texts:
        return texts[word]
    names = [*(rule.name for rule in rules), *texts, *format_names()]
    codes = [rule.code for rule in rules]
    near = get_close_matches(name.upper(), codes, n=1, cutoff=0.75) or get_close_matches(word, names, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else "`qtgen explain` lists all names"
    raise UsageError(f"no rule, metric, reason or report format is called `{name}`", remedy=remedy)


def _absent(rule: Rule, profile: Profile) -> UsageError:
    """Return the error about a rule that does not apply to the site, or that the profile turns off."""
    what = f"the rule {rule.code} {rule.name}"
    if profile.file.rules.get(rule.code) == "off":
        remedy = f"remove it from [rules] in {profile.path}"
        return UsageError(f"{what} is turned off for the site {profile.file.name}", remedy=remedy)
    remedy = "`qtgen explain` lists the rules that do"
    return UsageError(f"{what} does not apply to the site {profile.file.name}", remedy=remedy)


def _list(profile: Profile) -> Iterator[str]:
    for rule in rules_of(profile):
        plugin = "" if rule.is_builtin else " (plugin)"
        yield f"{rule.code:<8} {rule.name:<25} {rule.severity.value:<8} {first_line(rule, profile)}{plugin}"
    for kind, texts in (("metric", _metrics()), ("reason", _reasons(profile))):
        for name, text in texts.items():
            yield f"{name:<34} {kind:<8} {_first_line(text.partition(_BLANK_LINE)[2])}"
    for name in format_names():
        yield f"{name:<34} format   {_first_line(get_format(name).doc)}"
    plugins = loaded_plugins()
    for file in plugins.files:
        yield f"{file.name:<34} plugin   {file}"
    for entry_point in installed_plugins():
        yield f"{entry_point.name:<34} plugin   {entry_point.value} ({entry_point.group})"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _describe_format(name: str) -> str:
    return f"{name} (report format)\n\n{get_format(name).doc}"


def _metrics() -> dict[str, str]:
    """Return the documentation of the overall score and of each metric, by name.

    There is none if the `evals` extra is not installed: rules can be explained without it.
    """
    try:
        from qtgen.evaluation.metrics import METRICS, describe_metric
        from qtgen.evaluation.metrics.guide import describe_judge_metrics
        from qtgen.evaluation.metrics.overall import describe_score
        from qtgen.evaluation.plugins import load_plugins as load_metrics
    except (ImportError, MissingExtra):
        note("metrics are not listed, because the `evals` extra is not installed")
        return {}
    load_metrics(loaded_plugins().files)
    own = {name: describe_metric(metric) for name, metric in METRICS.items()}
    return {"score": describe_score(), **own, **describe_judge_metrics()}


def _reasons(profile: Profile, word: str = "") -> dict[str, str]:
    """Return the documentation of each reason that applies to pages of the site, by name.

    Raises UsageError if the reason that `word` names does not.
    """
    try:
        from qtgen.regeneration.reasons import REASONS, describe_reason
    except (ImportError, MissingExtra):
        note("reasons to regenerate a page are not listed, because the `generate` extra is not installed")
        return {}
    layout = main_layout(profile)
    absent = [name for name, reason in REASONS.items() if not reason.applies_to(layout)]
    if word in absent:
        remedy = "`qtgen explain` lists the reasons that do"
        raise UsageError(f"the reason {word} does not apply to the site {profile.file.name}", remedy=remedy)
    return {name: describe_reason(REASONS[name], layout, option_of) for name in REASONS if name not in absent}
