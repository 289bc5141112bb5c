"""What the wheel carries for the pages: little, with its licences; and no template has a script or style of its own."""

import re
from pathlib import Path

import pytest

import remix_track
from remix_track.server.app import assets

ROOT = Path(remix_track.__file__).parent
TEMPLATES = sorted((ROOT / "server" / "templates").glob("*.html"))
MOST_BYTES = 600_000


def test_assets_of_all_pages_are_small():
    files = [one for room in ("server", "viewer") for one in (ROOT / room / "assets").iterdir()]
    assert {"htmx.min.js", "uPlot.iife.min.js", "people.html"} <= {one.name for one in files}
    assert sum(one.stat().st_size for one in files) <= MOST_BYTES


def test_what_is_not_ours_has_its_licence():
    for name in ("htmx", "uPlot"):
        assert "PERMISSION" in assets()[f"{name}.LICENSE.txt"].read_text(encoding="utf-8").upper()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_what_the_policy_forbids(template):
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe|hx-on", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)", text)
    for name in re.findall(r'/assets/([\w.]+)"', text):
        assert name in assets(), name
