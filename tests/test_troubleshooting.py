"""Every message that the troubleshooting page explains is one that qtgen prints."""

import re
from pathlib import Path

import pytest

from support import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
_MIN_FRAGMENT = 6  # characters


def symptoms() -> list[str]:
    """Return the messages in the first column of each table."""
    cells = [line.split(" | ")[0] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]


def source() -> str:
    """Return the code of qtgen, with the parts of strings that continue on the next line joined."""
    text = "\n".join(file.read_text() for file in sorted(Path(ROOT, "qtgen").rglob("*.py")))
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.fixture(scope="module")
def code() -> str:
    return source()


@pytest.mark.parametrize("message", symptoms())
def test_a_message_is_one_that_qtgen_prints(message: str, code: str) -> None:
    fragments = [fragment.strip() for fragment in message.split("…")]
    missing = [fragment for fragment in fragments if len(fragment) >= _MIN_FRAGMENT and fragment not in code]
    assert missing == []
