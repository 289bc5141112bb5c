"""The gallery of people: who is in it, in which order, filtered, a page at a time; and their pictures."""

import re

import pytest

from remix_track.server import people
from remix_track.store.index_people import ORDERS, WantedPeople, people_query
from tests.server.conftest import MARKUP
from tests.server.drawn_store import NOON, Client


def shown(answer):
    """Titles of the cards, as they would be read."""
    assert answer.status == 200
    return [text.replace("&lt;", "<") for text in re.findall(r"<b>(.*?)</b>", answer.text)]


def numbers(answer):
    return [int(number) for number in re.findall(r'href="/1/person/(\d+)"', answer.text)]


def test_everybody_is_there_with_times_cameras_and_doubts(pages):
    text = pages.get("/1/people").text
    assert numbers(pages.get("/1/people")) == [1, 2]
    assert "2026-05-01 12:00:00 – 2026-05-01 12:01:05 UTC" in text
    assert "12:00 – 12:01 · 2026-05-01" in text
    assert "gate, yard" in text
    assert "1 unsure" in text
    assert "9.8 s" in text, "5.9 s at the gate, 3.9 s in the yard"


def test_a_name_with_markup_is_text(pages):
    text = pages.get("/1/people").text
    assert MARKUP not in text
    assert "&lt;img src=x onerror=" in text


def further(answer):
    """The address of the next cards."""
    (found,) = re.findall(r'hx-get="([^"]+)"', answer.text)
    return found.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("camera=yard", [1]),
        ("camera=gate", [2, 1]),
        ("camera=nowhere", []),
        ("since=2026-05-01T12:00:30", [1]),
        ("until=2026-05-01T12:00:02", [1]),
        ("until=2026-05-01T12:00:03", [2, 1]),
        ("camera=gate&since=2026-05-01T12:00:30", []),
        ("find=onerror", [2]),
        ("find=1", [1]),
        ("find=3", []),
        ("order=number", [1, 2]),
        ("order=first", [1, 2]),
        ("order=last", [1, 2]),
    ],
)
def test_filters(pages, query, found):
    assert numbers(pages.get(f"/1/people?{query}")) == found


@pytest.mark.parametrize("order", ORDERS)
def test_pages_follow_each_other_without_gap(store, pages, monkeypatch, order):
    whole = numbers(pages.get(f"/1/people?order={order}"))
    monkeypatch.setattr(people, "ON_A_PAGE", 1)
    first = pages.get(f"/1/people?order={order}")
    second = pages.get(further(first))
    assert numbers(first) + numbers(second) == whole
    assert "<html" not in second.text
    third = pages.get(further(second))
    assert numbers(third) == []
    assert "hx-get" not in third.text


def test_tracks_of_nobody_are_listed_apart(pages):
    answer = pages.get("/1/people?who=nobody")
    assert shown(answer) == ["Track 2"]
    assert "yard" in answer.text


def test_pictures_are_those_of_the_largest_tracklets(pages, store):
    answer = pages.get("/1/picture/1/0.jpg")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert pages.get("/1/picture/9/0.jpg").status == 404
    assert pages.get("/1/picture/1/3.jpg").status == 400


@pytest.mark.parametrize(
    "query",
    [
        "order=best",
        "since=yesterday",
        "until=9999999",
        "offset=-1",
        "offset=1e3",
        "who=all",
    ],
)
def test_what_cannot_be_is_one_line(pages, query):
    answer = pages.get(f"/1/people?{query}")
    assert answer.status == 400
    assert "expected" in answer.text


@pytest.mark.parametrize("path", ["/2/people", "/0/people", "/x/people", "/1/nothing", "/1//people", "/assets/app.py"])
def test_what_is_not_there_is_said(pages, path):
    assert pages.get(path).status == 404


@pytest.mark.parametrize("order", ORDERS)
def test_a_page_is_read_along_an_index_and_not_sorted(store, order):
    """What makes a store of a million quick: no page of people reads more than itself."""
    with store.reading() as connection:
        asked, values = people_query(connection, WantedPeople(order=order))
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", values))
    assert plan.startswith("SCAN people"), plan
    assert "TEMP B-TREE" not in plan


def test_a_camera_and_a_time_are_found_through_their_index(store):
    with store.reading() as connection:
        asked, values = people_query(connection, WantedPeople(camera="gate", since=NOON, until=NOON))
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}", values))
    assert "tracklets_by_time (camera=? AND first_utc>? AND first_utc<?)" in plan


def test_a_store_before_identify_shows_its_tracks(tmp_path, store):
    import shutil

    folder = tmp_path / "new"
    shutil.copytree(store.path, folder)
    shutil.rmtree(folder / "people")
    answer = Client(folder).get("/1/people")
    assert sorted(shown(answer)) == ["Track 1", "Track 1", "Track 1", "Track 2", "Track 2"]
    assert "remix-track identify --store" in answer.text
