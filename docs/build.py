"""Write the generated pages of docs/ from the code, or build the documentation site.

Usage: python docs/build.py            write the generated pages
       python docs/build.py --check    exit with 1 if one of them is stale
       python docs/build.py --site     build site/ and check its links; exit with 1 if a link or the menu is broken
"""

import difflib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from qtgen import cli
from qtgen.commands._errors import option_of
from qtgen.evaluation.metrics import METRICS, describe_metric
from qtgen.page.fields import LAYOUT, Field, Section
from qtgen.regeneration.reasons import REASONS, describe_reason
from qtgen.settings import Settings
from qtgen.validation.rules import FAMILIES, REGISTRY
from qtgen.validation.rules.docs import describe
from qtgen.validation.rules.example import EXAMPLE_PAGE

HERE = Path(__file__).resolve().parent
NOTE = "<!-- Written by `make docs`; edit the code, not this page. -->\n\n"


def page() -> str:
    """docs/page.md, from the table of fields."""
    rows = ["| key | type | required | what it holds | example |", "|---|---|---|---|---|"]
    for row in LAYOUT:
        rows.append(_row(row))
        if isinstance(row, Section):
            rows += [_row(field) for field in row.fields]
    return f"""# The page

A page is one markdown file: front matter, then a body that is always `&nbsp;`. The keys stand in this order;
`qtgen schema` prints the same as JSON Schema, for editors (`--for editor`) and for CloudCannon (`--for cloudcannon`).

{chr(10).join(rows)}

Long texts are written folded (`>-`) on one physical line, all else plain. The file lies in the folder
`slug(subject)` under the name `file_name`; `slug` keeps a-z, 0-9 and spaces, which become hyphens.

In `answer` every line break is the two characters `\\n`, and a backslash is never escaped. So `$\\nabla$` would be
torn into a line break and `abla`: `qtgen` writes the character instead (∇, ≠, ν) and refuses what has none.

An example that breaks no rule:

```yaml
{EXAMPLE_PAGE}
```

## In an editor

Save `qtgen schema --for editor` as `page.schema.json`. YAML language servers check YAML files, not markdown, so it
serves for front matter that an editor shows as YAML; `qtgen validate` checks the file as it is.

## In CloudCannon

`qtgen schema --for cloudcannon` prints the part of `cloudcannon.config.yml` that checks pages as they are edited. Its
own "schema" is a template of a page: put an example page at `.cloudcannon/schemas/default.md`. `remove_extra_inputs` is
false, or saving a page would delete keys that the template lacks.
"""


def _row(row: Field | Section) -> str:
    doc = row.doc.replace("|", "\\|")
    required = "yes" if row.required else "no"
    if isinstance(row, Section):
        return f"| `{row.path}` | section | {required} | {doc} | |"
    example = (row.constant or row.example).replace("|", "\\|")
    return f"| `{row.path}` | {row.kind.value} | {required} | {doc} | `{example}` |"


def rules() -> str:
    """docs/rules.md, from the rules' own docstrings and examples."""
    table = ["| code | name | severity |", "|---|---|---|"]
    ordered = [rule for _, rule in sorted(REGISTRY.items())]
    table += [
        f"| [{r.code}](#{r.code.lower()}-{r.name}-{r.severity.value}) | {r.name} | {r.severity.value} |"
        for r in ordered
    ]
    families = [
        f"- {number}xx: {(module.__doc__ or '').split(': ')[1].partition(chr(10))[0].strip()}"
        for number, module in FAMILIES.items()
    ]
    heading = "# Rules\n\n`qtgen explain CODE` prints the same. Families:\n\n" + "\n".join(families)
    return "\n\n".join([heading, "\n".join(table), *(describe(rule) for rule in ordered)]) + "\n"


def commands() -> str:
    """docs/cli.md, from `--help`."""
    parts = ["# Commands", _help(cli.qtgen, "qtgen")]
    for name in cli.COMMANDS:
        command = cli.qtgen.get_command(click.Context(cli.qtgen), name)
        assert command is not None
        parts += [f"## qtgen {name}", _help(command, f"qtgen {name}")]
        if isinstance(command, click.Group):
            parts += [_help(inner, f"qtgen {name} {word}") for word, inner in _inner(command)]
    return "\n\n".join([*parts, "## Settings", _settings()]) + "\n"


def _inner(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for word in group.list_commands(context):
        inner = group.get_command(context, word)
        assert inner is not None
        yield word, inner


def _help(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path, max_content_width=100, **command.context_settings)
    return f"```\n{command.get_help(context)}\n```"


def _settings() -> str:
    rows = ["| in qtgen.toml | in the environment | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        environment = "—" if name in ("prices", "request", "per_path") else f"`QTGEN_{name.upper()}`"
        environment = {"api_key": "`OPENAI_API_KEY`", "base_url": "`OPENAI_BASE_URL`"}.get(name, environment)
        inside = "—" if name == "api_key" else f"`{name}`"
        default = "" if field.default in (None, (), {}) else f"`{field.default}`"
        rows.append(f"| {inside} | {environment} | {default} | {field.description} |")
    return "\n".join(rows)


def metrics() -> str:
    """docs/metric-reference.md, from the metrics' own docstrings."""
    heading = (
        "# Metrics, one by one\n\n`qtgen explain NAME` prints the same. What they are worth: [metrics.md](metrics.md)."
    )
    sections = (describe_metric(one).partition("\n\n") for one in METRICS.values())
    parts = [f"## {head.partition(' ')[0]}\n\n{head.partition(' ')[2]}\n\n{text}" for head, _, text in sections]
    return "\n\n".join([heading, *parts]) + "\n"


def reasons() -> str:
    """docs/reasons.md, from the reasons' own docstrings."""
    heading = (
        "# Reasons to write a page again\n\n`qtgen regenerate PATHS --dry-run` counts the pages of each, `qtgen "
        "explain NAME` prints the same. A rule's finding is a reason too, by its code ([rules.md](rules.md)). How to "
        "go about it: [keeping-a-site-fresh.md](keeping-a-site-fresh.md)."
    )
    return "\n\n".join([heading, *(describe_reason(reason, option_of) for reason in REASONS.values())]) + "\n"


PAGES = {
    "page.md": page,
    "rules.md": rules,
    "metric-reference.md": metrics,
    "reasons.md": reasons,
    "cli.md": commands,
}


def main(check: bool) -> int:
    stale = 0
    for name, make in PAGES.items():
        file = HERE / name
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        after = NOTE + make()
        if before == after:
            continue
        if check:
            stale = 1
            print(f"{file.name} is not current; `make docs` writes it anew:")
            print("\n".join(list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[:20]))
        else:
            file.write_text(after, encoding="utf-8")
            print(f"wrote {file.name}")
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
