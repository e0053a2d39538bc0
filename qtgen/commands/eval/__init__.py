"""`qtgen eval`: one module per subcommand, loaded when it is called."""

import os

import click

from qtgen.commands._groups import Entry, LazyGroup

# The matrices are small: linear algebra threads would only wait for each other. It must be set before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_MODULES = (
    *("latex2mathml", "mdit_py_plugins", "numpy", "pyphen", "rouge_score_rs", "scipy", "sentencex", "vcr"),
    *("wordfreq", "wordllama"),
)
_EVALS = ("evals", _MODULES)
_COMMANDS = {
    "run": Entry("Generate or find the pages of a suite, score them and compare with the baseline.", *_EVALS),
    "compare": Entry("Compare two reports.", *_EVALS),
    "score": Entry("Score answers against references, line by line.", *_EVALS),
    "meta": Entry("Show how well scores agree with human judgments.", *_EVALS),
    "power": Entry("Show how many references are needed to detect a difference.", *_EVALS),
    "verify": Entry("Prove that a committed report belongs to its suite.", *_EVALS),
    "calibrate": Entry("Show how well a judge agrees with people, and correct its pass rate.", *_EVALS),
}


@click.group(
    cls=LazyGroup,
    package="qtgen.commands.eval",
    table=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Score pages against references, and gate a change.

    A suite is a folder evals/NAME with suite.toml, references/, cassettes/ and baseline.json.
    These commands need the `evals` extra.
    """
