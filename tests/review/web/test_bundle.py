"""The bundle of the preview frame, and the documents that show a text."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qtgen.review.web.bundle import (
    APPROXIMATE_HEADERS,
    BUNDLE,
    FRAME_HEADERS,
    approximate_document,
    frame_document,
    is_bundled,
)
from support import ROOT
from support.browser import OpenPage
from support.html_outline import OutlineParser
from support.oracle import FOLDER as ORACLE
from support.preview_frame import needs_bundle

needs_esbuild = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (ORACLE / "node_modules/esbuild").is_dir(), reason="`make oracle` was not run: no esbuild"),
]


def build(root: Path, folder: Path) -> dict[str, bytes]:
    """Build the bundle in a copy of the sources, and return its files."""
    shutil.copytree(ROOT / "qtgen/review/web/frontend", root / "qtgen/review/web/frontend")
    shutil.copytree(ROOT / "qtgen/_util/preview", root / "qtgen/_util/preview")
    (root / "tests/oracle").mkdir(parents=True)
    shutil.copy(ORACLE / "package.json", root / "tests/oracle")
    (root / "tests/oracle/node_modules").symlink_to((ORACLE / "node_modules").resolve())
    script = root / "qtgen/review/web/frontend/build.mjs"
    subprocess.run(["node", script, folder], check=True, timeout=120, cwd=root)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestBuild:
    pytestmark = needs_esbuild

    def test_the_bundle_has_the_same_bytes_in_every_folder(self, tmp_path: Path) -> None:
        first = build(tmp_path / "one", tmp_path / "built")
        second = build(tmp_path / "another/deeper", tmp_path / "elsewhere/built")
        assert first == second
        assert {"preview.js", "preview.css", "licenses.txt"} < first.keys()

    def test_the_bundle_contains_what_it_needs_and_nothing_of_this_machine(self, tmp_path: Path) -> None:
        files = build(tmp_path / "source", tmp_path / "built")
        fonts = {name for name in files if name.startswith("fonts/")}
        assert len(fonts) == 20
        assert all(name.endswith(".woff2") for name in fonts)
        urls = re.findall(rb"url\(([^)]*)\)", files["preview.css"])
        assert {url.decode().strip("'\"").removeprefix("./") for url in urls} == fonts
        assert sum(map(len, files.values())) < 1_500_000
        for name in ("preview.js", "preview.css", "licenses.txt"):
            assert str(tmp_path).encode() not in files[name]
            assert str(ROOT).encode() not in files[name]
        assert b"DOMParser" not in files["preview.js"], "a build for browsers parses HTML with DOMParser"

    def test_every_bundled_package_has_a_license(self, tmp_path: Path) -> None:
        text = build(tmp_path / "source", tmp_path / "built")["licenses.txt"].decode()
        packages = re.findall(r"^(\S+) \S+ \(([^)]+)\)$", text, re.MULTILINE)
        assert {name for _, name in packages} <= {"MIT", "ISC", "BSD-2-Clause"}
        assert all(len(part.strip().splitlines()) > 10 for part in text.split("-" * 80)[1:])
        assert {"react", "react-dom", "katex", "react-markdown", "rehype-katex"} <= {name for name, _ in packages}


def test_a_folder_without_the_bundle_is_recognized(tmp_path: Path) -> None:
    assert not is_bundled(tmp_path)
    for name in ("preview.js", "preview.css", "licenses.txt"):
        (tmp_path / name).touch()
    assert is_bundled(tmp_path)


@needs_bundle
def test_the_frame_loads_only_files_of_the_bundle() -> None:
    addresses = {
        value for _, name, value in OutlineParser(frame_document("/a b&c")).attributes if name in ("href", "src")
    }
    assert addresses == {"/a b&c/preview.css", "/a b&c/preview.js"}
    assert all((BUNDLE / str(address).rpartition("/")[2]).is_file() for address in addresses)


def test_the_frame_can_send_nothing() -> None:
    policy = dict(part.partition(" ")[::2] for part in FRAME_HEADERS["content-security-policy"].split("; "))
    assert policy["sandbox"] == "allow-scripts"
    assert policy["default-src"] == "'none'"
    assert "connect-src" not in policy
    assert "unsafe" not in str(policy)


def test_the_approximate_document_is_shown_without_scripts(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 390, "height": 600}, color_scheme="dark")
    document = approximate_document("A **new** $x$ <script>alert(1)</script>", [(2, 9, "ins")], math=True)
    page.route(
        "http://app.invalid/",
        lambda route: route.fulfill(body=document, headers={"content-type": "text/html", **APPROXIMATE_HEADERS}),
    )
    page.goto("http://app.invalid/")
    assert page.locator("strong ins").inner_text() == "new"
    assert page.locator("math").count() == 1
    assert page.locator("body").evaluate("(body) => getComputedStyle(body).color") == "rgb(229, 232, 238)"
    assert page.locator("body").inner_text().endswith("<script>alert(1)</script>")
