"""Faults that axe-core finds on a screen, and what a phone makes of it."""

from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""The rules whose result depends on the colors alone."""
_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TAP_TARGET = 24  # CSS pixels that WCAG 2.2 asks for


def axe_source() -> str:
    """Return axe-core. Skips the test if it is not installed."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def faults(page: "Page", source: str, only: Mapping[str, object] = _RULES) -> list[str]:
    """Return a line for each element that violates a rule of axe-core.

    The debugger evaluates the script, so the policy of the page does not forbid it.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {source} }}")
    found: list[dict[str, Any]] = page.evaluate(
        "(only) => axe.run(document, {runOnly: only, resultTypes: ['violations'], iframes: false}).then((one) => one.violations)",
        only,
    )
    return [
        f"{page.url}: {rule['id']}: {node['html'][:120]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def overflow(page: "Page") -> list[str]:
    """Return what makes a screen scroll sideways; nothing if it does not."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth
          const wide = document.documentElement.scrollWidth
          if (wide <= width) return []
          const range = document.createRange()
          const right = (one) => {
            range.selectNodeContents(one)
            return Math.max(one.getBoundingClientRect().right, range.getBoundingClientRect().right)
          }
          const parts = [...document.querySelectorAll('main *, header *, dialog *')]
            .filter((one) => one.checkVisibility() && right(one) > width + 0.5).map((one) => one.outerHTML.slice(0, 120))
          return [`${wide} px wide, not ${width}`, ...parts]
        }"""
    )
    return [f"{page.url}: {one}" for one in found]


def small_targets(page: "Page") -> list[str]:
    """Return the buttons, fields and links that are hard to hit. Links in a sentence may be as high as a line."""
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
          .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest('.skip-link'))
          .filter((one) => {
            const target = one.closest('label') || one
            const {width, height} = target.getBoundingClientRect()
            const inSentence = getComputedStyle(one).display === 'inline' && one.closest('p, li, dd, figcaption, td, th')
            return (width < least || height < least) && !inSentence
          })
          .map((one) => `${one.outerHTML.slice(0, 120)} ${JSON.stringify(one.getBoundingClientRect())}`)""",
        TAP_TARGET,
    )
    return [f"{page.url}: {one}" for one in found]
