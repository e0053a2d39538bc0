"""The public face of `qtgen.llm`."""

import subprocess
import sys

import pytest

import qtgen.llm


def test_every_public_name_exists() -> None:
    assert sorted(qtgen.llm.__all__) == qtgen.llm.__all__ == dir(qtgen.llm)
    assert all(getattr(qtgen.llm, name) is not None for name in qtgen.llm.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'open_client'"):
        getattr(qtgen.llm, "open_client")  # noqa: B009  # type checkers know that it does not exist


def test_importing_it_loads_no_client_and_no_database() -> None:
    code = (
        "import sys, qtgen.llm; print([name for name in ('openai', 'sqlalchemy', 'tenacity') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
