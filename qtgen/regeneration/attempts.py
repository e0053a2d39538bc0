"""What the output folder keeps of attempts at a rewrite: what identifies one, and both versions of the texts."""

import json
from collections.abc import Sequence
from typing import Any

from qtgen.generation.config import GenerationConfig
from qtgen.generation.prompts import digest
from qtgen.llm.types import STANDARD_STYLE, PromptStyle
from qtgen.page import read_text
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult, RewriteTask


def attempt_key(
    job: RewriteJob,
    config: GenerationConfig,
    models: Sequence[str],
    judges: Sequence[str],
    style: PromptStyle = STANDARD_STYLE,
) -> str:
    """Return a digest of an attempt: its prompt, models and judges, and the text to replace.

    Repeating an attempt with the same key would send the same requests and compare the same texts.
    """
    old_values = [str(job.page.values.get(path)) for path in sorted(job.fields)]
    complaint = [job.complaint] if job.complaint else []  # the digest of the prompt does not cover it
    return digest(RewriteTask(job, config).prompt(style).digest, [*models], [*judges], old_values, *complaint)


def rewrite_record(result: RewriteResult, key: str) -> str:
    """Return a rewrite that was rejected or written as JSON.

    It holds both versions of every field, how they were compared, and the attempt's key.
    """
    job, draft = result.job, result.rejected or result.outcome.draft
    assert draft  # noqa: S101 - callers check it
    layout = job.page.layout
    old, new = read_text(job.original.decode(), layout).values, read_text(draft.text, layout).values
    fields = {path: {"old": job.page.values.get(path), "new": new.get(path)} for path in sorted(job.fields)}
    also = {
        path: {"old": old.get(path), "new": new.get(path)} for path in (layout.roles.score, layout.roles.date) if path
    }
    made = dict(draft.provenance)
    record: dict[str, Any] = {
        "path": job.path,
        "url": job.url,
        "question": job.question.text,
        "reasons": job.reasons,
        "why": result.explanation,
        "compared": made.pop("compared", None),
        "fields": fields,
        "also": {path: both for path, both in also.items() if both["old"] != both["new"]},
        "made": made,
        "key": key,
    }
    return json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n"
