"""`qtgen explain`: the documentation that a rule, a metric or a reason brings along."""

import click

from qtgen.commands._errors import option_of
from qtgen.errors import UsageError
from qtgen.evaluation.metrics import METRICS, describe_metric
from qtgen.regeneration.reasons import REASONS, describe_reason
from qtgen.validation.rules import REGISTRY
from qtgen.validation.rules.docs import describe


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Show what a rule is there for, with an example, what a metric measures, or when a page is stale for a reason.

    Without CODE, list all of them.
    """
    if code is None:
        for rule in sorted(REGISTRY.values(), key=lambda rule: rule.code):
            click.echo(f"{rule.code}  {rule.name:<22} {rule.severity.value:<8} {rule.doc.splitlines()[0]}")
        for one in METRICS.values():
            click.echo(f"{one.name:<29} metric   {one.doc.splitlines()[0]}")
        for reason in REASONS.values():
            click.echo(f"{reason.name:<29} reason   {reason.doc.splitlines()[0]}")
        return 0
    if code.lower() in REASONS:
        click.echo(describe_reason(REASONS[code.lower()], option_of))
        return 0
    if code.lower() in METRICS:
        click.echo(describe_metric(METRICS[code.lower()]))
        return 0
    found = [rule for rule in REGISTRY.values() if code.upper() == rule.code or code.lower() == rule.name]
    if not found:
        raise UsageError(f"{code}: no rule, metric or reason has this code or name; `qtgen explain` lists them")
    click.echo(describe(found[0]))
    return 0
