"""Write the generated pages of docs/ from the code, or build the documentation site.

Usage: python docs/build.py            write the generated pages
       python docs/build.py --check    exit with 1 if one of them is stale
       python docs/build.py --site     build site/ and check its links; exit with 1 if a link or the menu is broken
"""

import difflib
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import qtgen.testing
from qtgen import cli
from qtgen._util.setting_types import BatchSettings, DialectSettings
from qtgen._util.text import file_size
from qtgen.commands._errors import option_of
from qtgen.evaluation.metrics import METRICS, describe_metric
from qtgen.llm.local.table import load_table
from qtgen.page import profile
from qtgen.page.compile import default_layout
from qtgen.page.fields import Field, Section
from qtgen.page.profile import Profile, default_profile, load_profile
from qtgen.regeneration.reasons import REASONS, describe_reason
from qtgen.settings import FILE_ONLY, Settings
from qtgen.validation.rules import FAMILIES, REGISTRY, Rule
from qtgen.validation.rules.docs import describe_rule
from qtgen.validation.rules.example import EXAMPLE_PAGE

HERE = Path(__file__).resolve().parent
WORKSHOP = HERE.parent / "tests" / "fixtures" / "sites" / "workshop" / "site.toml"
NOTE = "<!-- Written by `make docs`; edit the code, not this page. -->\n\n"


def page() -> str:
    """Return reference/page.md, from the table of fields."""
    rows = ["| key | type | required | content | example |", "|---|---|---|---|---|"]
    for row in default_layout().rows:
        rows.append(_row(row))
        if isinstance(row, Section):
            rows += [_row(field) for field in row.fields]
    return f"""# The page

A page is one Markdown file: front matter, followed by a body that is always `&nbsp;`. The keys have this order.
`qtgen schema` prints the layout as JSON Schema.

{chr(10).join(rows)}

Long texts are folded (`>-`) on one physical line. Other values are plain. A page is stored in the folder `slug(subject)` under the name
`file_name`. `slug` keeps a-z, 0-9 and spaces, and replaces each space with a hyphen.

## The answer

`answer` is one line. Each line break is written as the two characters `\\n`, and a backslash is never escaped. `$\\nabla$` would
therefore become a line break and `abla`. qtgen writes the character itself instead (∇, ≠, ν). It writes a command without a
character in another way, and rejects those that it cannot.

## Example

This page has no findings:

```yaml
{EXAMPLE_PAGE}
```

## In an editor

Save the output of `qtgen schema --for editor` as `page.schema.json`. YAML language servers validate YAML files, not Markdown, so use it
if your editor shows front matter as YAML. `qtgen validate` checks the file itself.

## In CloudCannon

`qtgen schema --for cloudcannon` prints the part of `cloudcannon.config.yml` that checks pages while they are edited. CloudCannon's own
"schema" is a template of a page: save an example page as `.cloudcannon/schemas/default.md`. `remove_extra_inputs` is false, because saving a page would
otherwise delete keys that the template lacks.
"""


def _row(row: Field | Section) -> str:
    doc = row.doc.replace("|", "\\|")
    required = "yes" if row.required else "no"
    if isinstance(row, Section):
        return f"| `{row.path}` | section | {required} | {doc} | |"
    example = row.example.replace("|", "\\|")
    return f"| `{row.path}` | {row.kind.value} | {required} | {doc} | `{example}` |"


def rules() -> str:
    """Return reference/rules.md, from the rules' own docstrings and examples."""
    table = ["| code | name | severity |", "|---|---|---|"]
    ordered = [rule for _, rule in sorted(REGISTRY.items()) if rule.is_builtin]
    table += [
        f"| [{r.code}](#{r.code.lower()}-{r.name}-{r.severity.value}) | {r.name} | {r.severity.value} |"
        for r in ordered
    ]
    families = [
        f"- {number}xx: {(module.__doc__ or '').split(': ')[1].partition(chr(10))[0].strip()}"
        for number, module in FAMILIES.items()
    ]
    heading = "# Rules\n\n`qtgen explain CODE` prints the same. The families are:\n\n" + "\n".join(families)
    parts = [heading, "\n".join(table), _rendering(), *(describe_rule(rule, _profile_with(rule)) for rule in ordered)]
    return "\n\n".join(parts) + "\n"


def _profile_with(rule: Rule) -> Profile:
    """Return the default profile, or another one if the rule has no subject matter there."""
    return default_profile() if rule.applies(default_profile()) else load_profile(WORKSHOP)


def _rendering() -> str:
    """Return the table of benchmarks/rendering.json: how often readers see a fault, and how often the rules find it."""
    measured = json.loads((HERE.parent / "benchmarks" / "rendering.json").read_text(encoding="utf-8"))
    rows = ["| a reader sees | rule | pages | found | missed | false alarms |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {row['title']} | {', '.join(row['rules'])} | {row['pages']:,} | {row['found']:,} | {row['silent']} "
        f"| {row['false_alarms']} |"
        for row in measured["faults"]
    ]
    return f"""## What the renderer shows, and what the rules find

`python benchmarks/rendering.py` renders {measured["pages"]:,} live pages with the site's own renderer, and compares what readers see with
the findings. `tests/support/faults.py` defines each fault by the renderer's output, without code of the rules. The rules and the definitions were improved on
these same pages, so expect slightly more errors on other pages. The figures are numbers of pages.

{chr(10).join(rows)}"""


def commands() -> str:
    """Return reference/commands.md, from `--help`."""
    parts = ["# Commands", _EXIT_CODES, _help(cli.qtgen, "qtgen")]
    for name in cli.COMMANDS:
        command = cli.qtgen.get_command(click.Context(cli.qtgen), name)
        assert command is not None
        parts += [f"## qtgen {name}", _help(command, f"qtgen {name}")]
        if isinstance(command, click.Group):
            parts += [_help(inner, f"qtgen {name} {word}") for word, inner in _inner(command)]
    return "\n\n".join(parts) + "\n"


_EXIT_CODES = """Commands print data on standard output, and progress, warnings and errors on standard error. With `--json`, standard output contains
only JSON.

| exit code | meaning |
|---|---|
| 0 | success, nothing found |
| 1 | findings with severity error, failed items, or a gate that was not met |
| 2 | the call or the settings are wrong; a message of one line shows the fault and the remedy |
| 3 | a bug in qtgen; the traceback is printed |
| 130 | interrupted; finished work is kept, and the message shows how to resume |"""


def _inner(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for word in group.list_commands(context):
        inner = group.get_command(context, word)
        assert inner is not None
        yield word, inner


def _help(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path, terminal_width=78, **command.context_settings)
    return f"```\n{command.get_help(context)}\n```"


def settings() -> str:
    """Return reference/settings.md, from the fields of `Settings`."""
    rows = ["| in qtgen.toml | in the environment | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        environment = "—" if name in FILE_ONLY else f"`QTGEN_{name.upper()}`"
        environment = {"api_key": "`OPENAI_API_KEY`", "base_url": "`OPENAI_BASE_URL`"}.get(name, environment)
        inside = "—" if name == "api_key" else f"`{name}`"
        rows.append(f"| {inside} | {environment} | {_default(field)} | {field.description} |")
    tables: dict[str, type[BaseModel]] = {"dialect": DialectSettings, "batch": BatchSettings}
    for table, model in tables.items():
        rows += ["", f"## `[{table}]`", "", "| field | default | meaning |", "|---|---|---|"]
        rows += [
            f"| `{name}` | {_default(field)} | {field.description} |" for name, field in model.model_fields.items()
        ]
    return (
        "# Settings\n\nqtgen reads the nearest `qtgen.toml`, in the current folder or above it. Environment variables "
        "take precedence over the file, and options over both. `qtgen --show-settings` prints the settings in force and "
        "where each value comes from.\n\n" + "\n".join(rows) + "\n"
    )


def _default(field: FieldInfo) -> str:
    """Return the default of a setting, without empty ones."""
    is_empty = field.default in (None, (), {}) or isinstance(field.default, BaseModel)
    return "" if is_empty else f"`{field.default}`"


def metrics() -> str:
    """Return reference/metrics.md, from the metrics' own docstrings."""
    heading = (
        "# Metrics\n\n`qtgen explain NAME` prints the same. "
        "[How far to trust the scores](../explanation/scoring.md) compares them with human judgments."
    )
    built_in = [one for one in METRICS.values() if one.is_builtin]
    sections = (describe_metric(one).partition("\n\n") for one in built_in)
    parts = [f"## {head.partition(' ')[0]}\n\n{head.partition(' ')[2]}\n\n{text}" for head, _, text in sections]
    return "\n\n".join([heading, *parts]) + "\n"


def reasons() -> str:
    """Return reference/reasons.md, from the reasons' own docstrings."""
    heading = (
        "# Reasons to rewrite a page\n\n`qtgen regenerate PATHS --dry-run` counts the pages of each reason, and `qtgen "
        "explain NAME` prints its documentation. The code of a [rule](rules.md) is a reason as well. "
        "[Keep a site fresh](../how-to/keep-a-site-fresh.md) shows how to use them."
    )
    return (
        "\n\n".join([heading, *(describe_reason(reason, default_layout(), option_of) for reason in REASONS.values())])
        + "\n"
    )


API = {
    "qtgen": [name for name in qtgen.__all__ if name != "__version__"],
    "qtgen.testing": list(qtgen.testing.__all__),
    "qtgen.validation": [
        "rule",
        "site_rule",
        "Example",
        "Finding",
        "PageFile",
        "change_fields",
        "report_format",
        "ReportContext",
    ],
    "qtgen.evaluation": ["metric", "eval_format", "Case", "Score", "EvalReport"],
    "qtgen.llm": ["provider", "open_providers", "Prompt", "Completion", "Usage"],
}
"""The names in reference/api.md, by module."""


def api() -> str:
    """Return reference/api.md, from the signatures and docstrings of the public names."""
    parts = [
        "# Python API",
        "These names are stable. [Use qtgen as a library](../how-to/use-as-a-library.md) shows how to use them, and the "
        "guides on [rules](../how-to/add-a-rule.md), [metrics](../how-to/add-a-metric.md), "
        "[report formats](../how-to/add-a-report-format.md) and [providers](../how-to/configure-a-provider.md) how to "
        "extend qtgen.",
    ]
    for module, names in API.items():
        parts.append(f"## {module}")
        parts += [_describe_name(name, getattr(importlib.import_module(module), name)) for name in names]
    return "\n\n".join(parts) + "\n"


def _describe_name(name: str, value: object) -> str:
    is_protocol = getattr(value, "_is_protocol", False)
    kind = "class" if inspect.isclass(value) else "async def" if inspect.isasyncgenfunction(value) else "def"
    try:
        signature = "" if is_protocol else str(inspect.signature(value))  # type: ignore[arg-type]
        for pattern, replacement in _SIGNATURE_NOISE.items():
            signature = re.sub(pattern, replacement, signature)
    except (TypeError, ValueError):
        signature = ""
    doc = inspect.getdoc(value) or ""
    doc = "" if doc.startswith(f"{name}(") else doc  # the docstring that a named tuple gets by itself
    summary, _, rest = doc.partition("\n\n")
    text = f"### {name}\n\n```python\n{kind} {name}{signature}\n```\n\n{summary}"
    return f"{text}\n\n```text\n{rest}\n```" if rest else text


_SIGNATURE_NOISE = {
    r"(?:qtgen|collections|pathlib|datetime|click)(?:\.\w+)*\.(?=[A-Z])": "",
    r"'([A-Z][^']*)'": r"\1",  # an annotation that is a string
    r"<function (\w+) at 0x[0-9a-f]+>": r"\1",
}
"""Patterns in a signature, and what replaces them."""


def models() -> str:
    """Return reference/models.md, from the table of local models."""
    table = load_table()
    rows = ["| name | parameters | size | license | source |", "|---|---|---|---|---|"]
    digests = ["| name | revision | SHA-256 |", "|---|---|---|"]
    for entry in table.models.values():
        size, revision = file_size(entry.size), getattr(entry.source, "revision", "")
        rows.append(f"| `{entry.name}` | {entry.parameters} | {size} | {entry.license} | {entry.source} |")
        digests.append(f"| `{entry.name}` | {revision[:12]} | `{entry.sha256 or 'of the hub'}` |")
    described = "\n".join(f"- `{entry.name}`: {entry.description}." for entry in table.models.values())
    return f"""# Local models

[Choose a local model](../how-to/local-models.md) shows how to fetch and use them. The default is `{table.default}`. All files are GGUF.

{chr(10).join(rows)}

{described}

## Digests

qtgen downloads exactly this revision, and rejects a file with another digest.

{chr(10).join(digests)}
"""


def site_tables(text: str) -> str:
    """Return docs/site.md with its tables, which are written from the types of `site.toml`."""

    def table(match: re.Match[str]) -> str:
        rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
        for field in msgspec.inspect.type_info(getattr(profile, match[1])).fields:  # type: ignore[attr-defined]
            meaning = _meaning(field.type)
            default = "" if field.required else _struct_default(field)
            rows.append(f"| `{field.encode_name}` | {_value_type(field.type)} | {default} | {meaning} |")
        return f"<!-- table {match[1]} -->\n\n{chr(10).join(rows)}\n\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->.*?<!-- end -->", table, text, flags=re.DOTALL)


def _meaning(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, msgspec.inspect.Metadata):
        found = (kind.extra_json_schema or {}).get("description", "")
        return str(found).replace("|", "\\|") or _meaning(kind.type)
    return (inspect.getdoc(kind.cls) or "").partition("\n")[0] if isinstance(kind, msgspec.inspect.StructType) else ""


def _struct_default(field: msgspec.inspect.Field) -> str:
    value = field.default
    if value is msgspec.NODEFAULT or value in (None, (), {}, ""):
        return ""
    if isinstance(value, msgspec.Struct):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


_VALUE_TYPES: dict[type, str] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "whole number",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "true or false",
    msgspec.inspect.StructType: "table",
    msgspec.inspect.DictType: "table",
}


def _value_type(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.Metadata():
            return _value_type(kind.type)
        case msgspec.inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in kind.values)
        case msgspec.inspect.EnumType():
            return ", ".join(f"`{member.value}`" for member in kind.cls)
        case msgspec.inspect.UnionType():
            types = [_value_type(one) for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
            return " or ".join(dict.fromkeys(types)).replace("whole number or number", "number")
        case msgspec.inspect.VarTupleType():
            inner = _value_type(kind.item_type)
            return "list of tables" if inner == "table" else "list"
        case msgspec.inspect.TupleType():
            return f"list of {len(kind.item_types)}"
    return _VALUE_TYPES[type(kind)]


PAGES = {
    "reference/api.md": api,
    "reference/commands.md": commands,
    "reference/metrics.md": metrics,
    "reference/models.md": models,
    "reference/page.md": page,
    "reference/reasons.md": reasons,
    "reference/rules.md": rules,
    "reference/settings.md": settings,
}


def main(check: bool) -> int:
    stale = 0
    for name in [*PAGES, "site.md"]:
        file = HERE / name
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = NOTE + PAGES[name]() if name in PAGES else site_tables(before)
        if before == after:
            continue
        if check:
            stale = 1
            print(f"{name} is stale; `make docs` writes it:")
            print("\n".join(list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[:20]))
        else:
            file.write_text(after, encoding="utf-8")
            print(f"wrote {name}")
    return stale


def build_site() -> int:
    """Build the documentation site and return the exit code; every page must be in the menu of zensical.toml."""
    root = HERE.parent
    menu = set(_menu_pages(tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]))
    pages = {file.relative_to(HERE).as_posix() for file in HERE.rglob("*.md")}
    for page in sorted(pages ^ menu):
        print(f"zensical.toml: {page} is {'in no menu' if page in pages else 'not in docs/'}")
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        print(re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr.partition("Traceback")[0]))  # without colours
        return 1
    (root / "site" / "build.py").unlink(missing_ok=True)  # it stands in docs/ and would be copied
    return int(pages != menu)


def _menu_pages(entry: object) -> Iterator[str]:
    """Yield the pages of a menu: nested lists and tables with page names at the leaves."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, list):
        for item in entry:
            yield from _menu_pages(item)
    elif isinstance(entry, dict):
        yield from _menu_pages(list(entry.values()))


if __name__ == "__main__":
    sys.exit(build_site() if "--site" in sys.argv else main("--check" in sys.argv))
