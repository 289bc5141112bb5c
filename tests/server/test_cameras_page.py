"""The page of cameras: facts, counts over time, last pictures."""

import html
import json
import re
from datetime import timedelta

import pytest

from tests.browser import until
from tests.server.conftest import serving
from tests.server.drawn_store import NOON, Client, keys_of
from tests.server.run_folders import run_folder
from tests.server.test_sides import opened

MINUTE = 60_000


def at(**since):
    return round((NOON + timedelta(**since)).timestamp() * 1000)


def test_each_camera_with_its_facts(pages):
    text = pages.get("/1/cameras").text
    cards = re.findall(r'<li class="panel camera">(.*?)</li>', text, re.S)
    assert [re.findall("<h2><a[^>]*>(.*?)</a>", card)[0] for card in cards] == ["gate", "night", "yard"]
    gate, night, yard = (re.sub(r"<[^>]*>|\s+", " ", card) for card in cards)
    assert re.search(r"tracks\s+2\s+recordings\s+1, 5.9 s", gate)
    assert re.search(r"2026-05-01 12:00:00 –\s+12:00:05 UTC", gate)
    assert "time of day not known" in night
    assert re.search(r"tracks\s+2", yard)


def test_counts_by_the_clock(pages):
    told = pages.get("/1/counts?camera=gate&span=hour").json()
    assert (told["clock"], told["step"], len(told["begin"])) == (True, MINUTE, 60)
    assert told["begin"][-1] == at(), "the last step is the one in which somebody was there last"
    assert (told["people"], told["tracks"]) == ([0] * 59 + [2], [0] * 59 + [2])
    assert told["distinct"] == 2
    day = pages.get("/1/counts?camera=yard").json()
    assert (day["step"], len(day["begin"]), sum(day["people"]), sum(day["tracks"])) == (60 * MINUTE, 24, 1, 2)
    before = pages.get(f"/1/counts?camera=gate&span=hour&until={at()}").json()
    assert (before["begin"][-1], sum(before["tracks"])) == (at(minutes=-1), 0)
    assert pages.get("/1/counts?camera=gate&until=0").status == 200


def test_counts_by_the_seconds_of_the_last_recording(pages):
    told = pages.get("/1/counts?camera=night&span=week").json()
    assert (told["clock"], told["title"], told["step"]) == (False, "night.mp4", 1000)
    assert (told["begin"], told["people"]) == ([0, 1000, 2000, 3000, 4000, 5000], [1] * 6)


def test_a_run_is_counted_likewise(tmp_path):
    run = run_folder(tmp_path / "run", lambda track, index: track, source=tmp_path / "gate.mp4", video=False)
    told = Client(run).get("/1/counts?camera=run").json()
    assert (told["clock"], told["people"]) == (False, [1, 1, 2, 2, 2, 2])
    assert "time of day not known" in Client(run).get("/1/cameras").text


def test_a_run_that_knows_the_time_of_day_is_counted_by_it(tmp_path):
    run = run_folder(tmp_path / "run", lambda track, index: track, source=tmp_path / "gate.mp4", video=False)
    summary = json.loads((run / "summary.json").read_text())
    summary["parts"][0]["first_utc"] = (NOON + timedelta(seconds=57)).isoformat()
    (run / "summary.json").write_text(json.dumps(summary))
    told = Client(run).get("/1/counts?camera=run&span=hour").json()
    # tracks 1 from 12:00:57.0 and 2 from 12:00:59.0, both until 12:01:02.9
    assert (told["clock"], told["distinct"], told["begin"][-1]) == (True, 2, at(minutes=1))
    assert (told["people"][-3:], told["tracks"][-3:]) == ([0, 2, 2], [0, 2, 2])
    before = Client(run).get(f"/1/counts?camera=run&span=hour&until={at()}").json()
    assert (before["distinct"], sum(before["tracks"])) == (0, 0)


@pytest.mark.parametrize("query", ["", "?camera=none", "?camera=gate&span=year", "?camera=gate&until=x",
                                   "?camera=gate&until=9999999999999999"])  # fmt: skip
def test_what_is_not_there_is_no_fault(pages, query):
    assert pages.get(f"/1/counts{query}").status in (400, 404)
    assert pages.get(f"/1/last-picture{query}").status in (303, 400, 404)


def test_the_last_picture_is_a_frame_or_where_the_file_is_gone_a_crop(pages, store):
    gate, night = keys_of(store)["gate"], keys_of(store)["night"]
    to = pages.get("/1/last-picture?camera=gate").headers["location"]
    assert re.fullmatch(rf"/1/frame/{gate}/\d+.jpg", to)
    assert pages.get(to).headers["content-type"] == "image/jpeg"
    assert pages.get("/1/last-picture?camera=night").headers["location"] == f"/1/crop/{night}/1/0.jpg"


def test_a_camera_with_markup_in_its_name_is_text(tmp_path):
    name = "<img src=x onerror=document.title='bad'>"
    run = run_folder(tmp_path / name, lambda track, index: track, source=tmp_path / "a.mp4", video=False)
    text = Client(run).get("/1/cameras").text
    assert name not in text
    assert name in html.unescape(text)


def test_plots_are_drawn_and_move(chromium, store):
    with serving(store.path) as address:
        page = opened(chromium, f"{address}/1/cameras?span=hour")
        until(page, "document.querySelectorAll('.uplot canvas').length === 3")
        plot = page.locator(".plot").first
        until(page, "document.querySelector('.plot .when').textContent.includes('UTC')")
        assert plot.locator(".when").inner_text() == "2026-05-01 11:01 – 2026-05-01 12:01 UTC"
        until(page, "[...document.querySelectorAll('.distinct')].every(one => one.textContent !== '–')")
        assert page.locator(".distinct").all_inner_texts() == [
            "2 in this hour",
            "1 in its last recording",
            "1 in this hour",
        ]
        plot.locator("[data-move='-1']").click()
        until(page, "document.querySelector('.plot .when').textContent.startsWith('2026-05-01 10:01')")
        until(page, "[...document.querySelectorAll('.last img')].every(one => one.complete && one.naturalWidth > 0)")
        assert (
            page.evaluate("[...document.querySelectorAll('.last img')].map(one => one.naturalWidth > 0)") == [True] * 3
        )
        page.set_viewport_size({"width": 400, "height": 800})
        until(page, "document.documentElement.scrollWidth === 400")
        assert page.heard.said == []
        page.close()
