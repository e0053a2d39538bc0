"""Which paths out of a shard are refused."""

import pytest

from qtgen.site.pack.paths import reason_to_refuse


@pytest.mark.parametrize(
    "path",
    [
        "a.md",
        "biology/what-is-a-cell.md",
        "a b/ü.md",
        "a\nb.md",
        "C.md",
        "a:b.md",
        "nul.md",
        "\udcff.md",
        "back\\slash.md",
        "x" * 252 + ".md",
        "/".join(["d" * 100] * 39) + ".md",
        "a./b .md",
    ],
)
def test_paths_that_file_systems_permit_are_used(path: str) -> None:
    assert reason_to_refuse(path, on_windows=False) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "an empty name"),
        ("/etc/cron.d/x.md", "absolute"),
        ("//server/share/x.md", "absolute"),
        ("C:/x.md", "absolute"),
        ("c:\\x.md", "absolute"),
        ("C:", "absolute"),
        ("../x.md", "`..`"),
        ("a/../../x.md", "`..`"),
        ("a/..", "`..`"),
        ("./x.md", "`.`"),
        ("a//b.md", "an empty name"),
        ("a/", "an empty name"),
        ("a\0b.md", "NUL"),
        ("x" * 253 + ".md", "name in the path is too long"),
        ("ü" * 130 + ".md", "name in the path is too long"),
        ("a/" * 2_000 + "x.md", "path is too long"),
        (".bashrc.md", "hidden"),
        (".git/hooks/x.md", "hidden"),
        ("bin/run.sh", "not the path of a page"),
        ("a.MD", "not the path of a page"),
    ],
)
def test_paths_that_are_refused(path: str, words: str) -> None:
    assert words in (reason_to_refuse(path, on_windows=False) or "")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("CON.md", "device"),
        ("a/nul.md", "device"),
        ("a/COM1 .md", "device"),
        ("lpt²/a.md", "device"),
        ("aux/x.md", "device"),
        ("a:b.md", "impossible"),
        ("a\\..\\b.md", "impossible"),
        ("a./b.md", "impossible"),
        ("what?.md", "impossible"),
    ],
)
def test_more_paths_are_refused_on_windows(path: str, words: str) -> None:
    assert words in (reason_to_refuse(path, on_windows=True) or "")
    assert reason_to_refuse("console/commas.md", on_windows=True) is None
