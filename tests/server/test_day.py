"""One person's day: the page, what its timeline draws, and where a tracklet leads."""

import re

import pytest

from remix_track.server.day import bars_of
from remix_track.store.index_people import TrackletFacts
from tests.server.conftest import MARKUP
from tests.server.drawn_store import NOON, keys_of


def rows(answer):
    assert answer.status == 200
    return re.findall(r'data-job="(\w+)" data-track="(\d+)" data-seconds="([\d.]+)"', answer.text)


def test_the_tracklets_of_a_day_are_listed_with_how_sure_they_are(pages, store):
    keys = keys_of(store)
    answer = pages.get("/1/person/1")
    assert rows(answer) == [(keys["gate"], "1", "0.0"), (keys["yard"], "1", "2.0")]
    assert "12:00:00 – 12:00:05" in answer.text
    assert "distance 0.12" in answer.text
    assert 'next <a href="/1/person/2">' in answer.text
    assert ">unsure<" not in answer.text
    assert ">unsure<" in pages.get("/1/person/2?day=2026-05-01").text


def test_the_last_day_is_shown_and_others_can_be_asked_for(pages, store):
    keys = keys_of(store)
    assert rows(pages.get("/1/person/2")) == [(keys["gate"], "2", "2.0")]
    assert rows(pages.get("/1/person/2?day=undated")) == [(keys["night"], "1", "0.0")]
    assert rows(pages.get("/1/person/2?day=2026-05-02")) == []
    assert rows(pages.get("/1/person/1?camera=yard")) == [(keys["yard"], "1", "2.0")]
    assert pages.get("/1/person/2?day=today").status == 400


def test_the_timeline_has_a_lane_for_each_camera(pages, store):
    found = pages.get("/1/person/1/bars?day=2026-05-01").json()
    noon = round(NOON.timestamp() * 1000)
    assert found["lanes"] == ["gate", "yard"]
    assert found["first"] == [noon, noon + 62_000]
    assert found["last"] == [noon + 5900, noon + 65_900]
    assert found["seconds"] == [0, 2]
    assert (found["clock"], found["cut"]) == (True, False)
    undated = pages.get("/1/person/2/bars?day=undated").json()
    assert (undated["clock"], undated["lanes"], undated["first"], undated["last"]) == (False, ["night"], [0], [5900])


def test_names_with_markup_are_text(pages):
    text = pages.get("/1/person/2").text
    assert MARKUP not in text
    assert "&lt;img src=x onerror=" in text


def test_a_tracklet_leads_to_its_person_and_nobodys_has_a_page(pages, store):
    keys = keys_of(store)
    answer = pages.get(f"/1/tracklet/{keys['yard']}/1")
    assert answer.headers["location"] == f"/1/person/1?day=2026-05-01&recording={keys['yard']}&track=1"
    assert f'data-chosen="{keys["yard"]}/1"' in pages.get(answer.headers["location"]).text
    nobody = pages.get(f"/1/tracklet/{keys['yard']}/2")
    assert rows(nobody) == [(keys["yard"], "2", "3.0")]
    assert pages.get(f"/1/tracklet/{keys['yard']}/3").status == 404
    assert pages.get("/1/tracklet/nothing/1").status == 404


@pytest.mark.parametrize("path", ["/1/person/9", "/1/person/x", "/1/person/0", "/1/person/99999999999999999999"])
def test_who_is_not_there(pages, path):
    assert pages.get(path).status in (400, 404)


def test_the_last_day_that_there_is_and_a_key_that_no_file_can_have(pages):
    assert pages.get("/1/person/1?day=9999-12-31").status == 200
    assert pages.get(f"/1/recording/{'%C3%A9' * 150}").status == 404


def test_a_camera_with_a_slash_in_its_name_keeps_it():
    made = [
        TrackletFacts(job, 1, camera, 0, 5, 1, 9, 0.5, 1.0, None, None, 9, None, 0, None, True)
        for job, camera in (("a", "gate/north"), ("b", "gate/south"))
    ]
    assert bars_of(made)["lanes"] == ["gate/north", "gate/south"]


def test_bars_of_no_tracklet_and_of_two_recordings_of_one_camera():
    assert bars_of([])["lanes"] == []
    one = TrackletFacts("a", 1, "gate", 0, 5, 1, 9, 0.5, 1.0, None, None, 9, None, 0, None, True)
    other = TrackletFacts("b", 1, "gate", 0, 5, 1, 9, 0.0, 1.0, None, None, 9, None, 0, None, True)
    found = bars_of([one, other])
    assert found["lanes"] == ["gate", "gate"], "their seconds are not of one clock"
    assert found["lane"] == [0, 1]
