"""Carry pages over to a changed layout: `plan.py` compares two profiles, `apply.py` changes one page, `run.py` many."""

from qtgen.site.migration.apply import PageMigration, Refusal, migrate_page
from qtgen.site.migration.plan import Change, Migration, plan_migration
from qtgen.site.migration.run import MigratedFile, migrate_files

__all__ = [
    "Change",
    "MigratedFile",
    "Migration",
    "PageMigration",
    "Refusal",
    "migrate_files",
    "migrate_page",
    "plan_migration",
]
