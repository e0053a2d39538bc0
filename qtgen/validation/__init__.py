"""Validate question-and-answer pages, and fix them.

```python
from qtgen.validation import fix, validate

for diagnostic in validate(["content"]):
    print(diagnostic.path, diagnostic.line, diagnostic.code, diagnostic.message)

fix(["content"])  # apply the safe fixes
```

A rule of your own is a function with the decorator `rule` (or `site_rule`), a report format one with `report_format`:

```python
from qtgen.validation import Example, Finding, PageFile, Severity, rule


@rule("ACME101", "no-exclamation", Severity.WARNING, bad=Example("moves water", "moves water!"))
def no_exclamation(file: PageFile):
    \"""The answer has an exclamation mark.

    Why it is bad: our style guide forbids it.
    Fix: write a full stop.
    \"""
    if "!" in (file.page.text_of("answer") or ""):
        yield Finding("`answer` has an exclamation mark; write a full stop", file.page.span("answer"), "answer")
```

Name the file under `plugins` in qtgen.toml, or install it as a package with an entry point in the group `qtgen.rules`
(`qtgen.report_formats` for report formats).

Names are imported when they are used, so importing this package is fast.
"""

from typing import TYPE_CHECKING

from qtgen._util.lazy import lazy_attributes

if TYPE_CHECKING:
    from qtgen.validation.api import fix, validate
    from qtgen.validation.autofix import FixedFile
    from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity
    from qtgen.validation.plugins import load_plugins
    from qtgen.validation.reports.registry import ReportContext, report_format
    from qtgen.validation.rules.edits import change_fields, replace_parts, span_within
    from qtgen.validation.rules.registry import rule, site_rule
    from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix, SiteFinding
    from qtgen.validation.run import ValidationOptions, ValidationResult

_MODULES = {
    "Diagnostic": ".diagnostics",
    "Edit": ".diagnostics",
    "Example": ".rules.types",
    "Finding": ".rules.types",
    "Fix": ".diagnostics",
    "FixedFile": ".autofix",
    "PageFile": ".rules.types",
    "ReportContext": ".reports.registry",
    "RuleFix": ".rules.types",
    "Severity": ".diagnostics",
    "SiteFinding": ".rules.types",
    "ValidationOptions": ".run",
    "ValidationResult": ".run",
    "change_fields": ".rules.edits",
    "fix": ".api",
    "load_plugins": ".plugins",
    "replace_parts": ".rules.edits",
    "report_format": ".reports.registry",
    "rule": ".rules.registry",
    "site_rule": ".rules.registry",
    "span_within": ".rules.edits",
    "validate": ".api",
}

__all__ = [
    "Diagnostic",
    "Edit",
    "Example",
    "Finding",
    "Fix",
    "FixedFile",
    "PageFile",
    "ReportContext",
    "RuleFix",
    "Severity",
    "SiteFinding",
    "ValidationOptions",
    "ValidationResult",
    "change_fields",
    "fix",
    "load_plugins",
    "replace_parts",
    "report_format",
    "rule",
    "site_rule",
    "span_within",
    "validate",
]

if not TYPE_CHECKING:  # a type checker sees the names above, and finds misspelled ones
    __getattr__, __dir__ = lazy_attributes(__name__, _MODULES)
