"""What is written for people: links lead somewhere, files that are named exist, lines fit a screen."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("remix_track/**/*.md")])
# The wheel's tests run beside a copy of the README alone.
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documents are not beside the tests")


def each(pattern: str) -> list[tuple[Path, str]]:
    return [(path, found) for path in DOCUMENTS for found in re.findall(pattern, path.read_text("utf-8"))]


def test_lines_are_at_most_120_characters_long():
    longer = [
        f"{path.name}:{number}"
        for path in DOCUMENTS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert not longer


def test_links_between_files_lead_to_files():
    """Links to pages that are made with the site, and to headings, are checked when the site is built."""
    links = each(r"\]\(\s*([^)#:\s]+)[^)]*\)")
    assert len(links) > 50
    made = {
        ROOT / "docs/reference" / f"{name}.md"
        for name in ("commands", "settings", "training-settings", "python", "parts")
    }
    lost = [
        f"{path.name}: {target}"
        for path, target in links
        if not (path.parent / target).exists() and (path.parent / target).resolve() not in made
    ]
    assert not lost


def test_files_that_are_named_exist():
    named = each(r"(?<![\w/.-])((?:tests|trackers|eval|remix_track|configs|docs|examples)/[\w./-]+\.(?:py|toml|md))\b")
    assert len(named) > 20
    assert not [f"{path.name}: {name}" for path, name in named if not (ROOT / name).exists()]


def test_benchmarks_that_are_named_exist():
    modules = each(r"(?:python -m |`)(tests(?:\.[a-z_]+)+)")
    assert len(modules) > 10
    for path, module in modules:
        places = [ROOT.joinpath(*module.split(".")[:end]) for end in (None, -1)]
        assert any(place.is_dir() or place.with_suffix(".py").is_file() for place in places), f"{path.name}: {module}"


def test_nobody_left_a_merge_unsolved():
    assert not each(r"(?m)^(?:<<<<<<<|>>>>>>>).*$")
