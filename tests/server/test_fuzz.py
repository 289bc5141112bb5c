"""Whatever is asked for, the answer is a page, a file or a line that says what is wrong: never a fault."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remix_track.server.app import PAGES
from remix_track.server.library import Library
from tests.server.drawn_store import keys_of

SIGNS = ["..", "%2e", "/", "\\", "\0", "<script>", "'", '"', "-1", "1e9", "nan", "9" * 30, "２", "\ud800", "~0001", " "]


@pytest.fixture(scope="module")
def known(store):
    """Words that mean something here, and paths of every page."""
    routes = [one for page in PAGES for one in page.routes(Library.of([store.path])) if one.method == "GET"]
    keys = keys_of(store)
    words = [*keys.values(), "gate", "1", "2", "0", "60", "people", "nobody", "undated", "2026-05-01", "last", "cards"]
    return [one.path for one in routes], words


def escaped(text):
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_is_a_fault(pages, known, data):
    paths, words = known
    word = st.one_of(st.sampled_from(words), st.sampled_from(SIGNS), st.text(max_size=12))
    path = data.draw(st.sampled_from(paths))
    for name in ("collection", "recording", "person", "track", "place", "frame"):
        if name in path:
            value = "1" if name == "collection" and data.draw(st.booleans()) else data.draw(word)
            path = path.replace(f"{{{name}}}", escaped(value))
    names = st.sampled_from(
        [
            "camera",
            "since",
            "until",
            "find",
            "order",
            "who",
            "offset",
            "part",
            "day",
            "from",
            "to",
            "job",
            "track",
            "recording",
            "at",
            "picture",
            "top",
            "span",
            "a",
            "b",
        ]
    )
    pairs = data.draw(st.lists(st.tuples(names, word), max_size=4))
    query = "&".join(f"{name}={escaped(value)}" for name, value in pairs)
    path = path.split("{")[0]
    answer = pages.get(f"{path}?{query}")
    assert answer.status in (200, 204, 206, 303, 400, 403, 404, 405), (path, query, answer.text)
    assert "Traceback" not in answer.headers.get("content-type", "")
    if "text/html" in answer.headers.get("content-type", ""):
        assert "<script>" not in answer.text.replace('<script src="', "")
