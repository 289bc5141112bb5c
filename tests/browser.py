"""Debian's Chromium, driven by Playwright, for tests of pages; skipped with a reason where there is none."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Heard:
    """What a page said on its console, and what it asked for, by the file's name."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here; apt-get install chromium to see pages drawn")
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here; pip install playwright")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield chromium
        finally:
            chromium.close()


def opened(chromium: Any, path: Path, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Any:
    """The page at `path`; its attribute `heard` says what came of it."""
    page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.heard = heard = Heard()
    page.on("console", lambda message: heard.said.append(message.text))
    page.on("pageerror", lambda error: heard.said.append(str(error)))
    page.on("request", lambda request: heard.asked.append(request.url))
    page.set_default_timeout(20_000)
    page.goto(path.as_uri())
    return page


def keep(page: Any, name: str) -> None:
    """A picture of the page, for people to look at, in the folder REMIX_TRACK_SCREENSHOTS where that is set."""
    folder = os.environ.get("REMIX_TRACK_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(300)  # what is loaded lazily
        page.screenshot(path=Path(folder) / f"{name}.png")


def until(page: Any, expression: str, seconds: float = 20) -> None:
    """Wait until an expression is true; Playwright's own waiting would be an `eval`, which strict pages forbid."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}; the page said {page.heard.said}"
        page.wait_for_timeout(20)
