"""Two runs side by side: the marks, the scores, and the page in a browser."""

import html
import json
import re

import pytest

from remix_track.server.run_truth import Scored
from remix_track.server.sides import score_rows
from tests.browser import Heard, until
from tests.server.conftest import MARKUP, serving
from tests.server.drawn_store import FPS, FRAMES, Client, keys_of
from tests.server.run_folders import CHANGE, run_folder, two_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    pytest.importorskip("starlette")
    return two_runs(tmp_path_factory.mktemp("runs"))


def facts_of(page):
    return json.loads(html.unescape(re.findall('data-facts="([^"]*)"', page.text)[0]))


def test_the_first_two_runs_are_beside_each_other(runs):
    page = Client(runs.a, runs.b).get("/sides")
    assert page.status == 200
    facts = facts_of(page)
    assert [(one["lane"], one["seconds"], one["sides"]) for one in facts["marks"]] == [
        (0, (CHANGE - 1) / FPS, [[1], [1, 3]])
    ]
    for side in facts["sides"]:
        assert (side["first"], side["stride"], side["frames"], side["rate"]) == (1, 1, FRAMES, FPS)
    assert "Against the ground truth" not in page.text


def test_two_runs_begin_with_that_page(runs, store):
    assert Client(runs.a, runs.b).get("/").headers["location"] == "/sides"
    assert Client(runs.a).get("/").headers["location"] == "/1/people"
    assert Client(runs.a, store.path).get("/").headers["location"] == "/1/people"


def test_sides_can_be_exchanged_and_are_jobs_of_a_store_too(runs, store):
    exchanged = facts_of(Client(runs.a, runs.b).get("/sides?a=2/1-tracks&b=1/1-tracks"))
    assert [(one["lane"], one["sides"]) for one in exchanged["marks"]] == [(1, [[1, 3], [1]])]
    gate = keys_of(store)["gate"]
    beside = facts_of(Client(runs.a, store.path).get(f"/sides?a=1/1-tracks&b=2/{gate}"))
    assert beside["marks"] == []
    assert beside["sides"][1]["frames"] == FRAMES


def test_the_truth_says_who_is_right(runs):
    page = Client(runs.a, runs.b, truth=runs.truth).get("/sides")
    marks = facts_of(page)["marks"]
    assert [(one["lane"], one["both"]) for one in marks] == [(0, False), (3, False)]
    rows = dict(re.findall(r"<tr><th>(\w+)</th>(.*?)</tr>", page.text))
    assert re.findall(r">([^<>]+)</td>", rows["IDsw"]) == ["0", "1", "+1"]
    assert 'class="better">0<' in rows["IDsw"]
    assert 'class="better">100.0<' in rows["HOTA"]


def test_switches_of_both_are_no_difference(runs, tmp_path):
    third = run_folder(tmp_path / "c", lambda track, index: 9 if track == 1 and index >= CHANGE else track,
                       source=tmp_path / "gate.mp4", video=False)  # fmt: skip
    page = Client(runs.b, third, truth=runs.truth).get("/sides")
    assert [(one["lane"], one["both"]) for one in facts_of(page)["marks"]] == [(2, True), (3, True)]
    assert "1 switch is the same in both" in page.text


def test_of_linked_runs_each_has_its_score(runs):
    (runs.a.parent / "link.json").write_text("{}")
    page = Client(runs.a.parent, truth=runs.truth).get("/sides?a=1/1-tracks&b=1/2-tracks")
    rows = dict(re.findall(r"<tr><th>(\w+)</th>(.*?)</tr>", page.text))
    assert re.findall(r">([^<>]+)</td>", rows["IDsw"]) == ["0", "1", "+1"]


def test_a_truth_that_does_not_fit_is_one_line(runs, tmp_path):
    (tmp_path / "gt.txt").write_text("no numbers\n")
    page = Client(runs.a, runs.b, truth=tmp_path / "gt.txt").get("/sides")
    assert page.status == 200
    assert "gt.txt" in page.text
    assert 'class="note"' in page.text


@pytest.mark.parametrize("query", ["?a=9/x", "?a=1/none", "?a=../../etc&b=1", "?a=1/../1-tracks", "?b=%00", "?a=1"])
def test_what_is_not_there_is_no_fault(runs, query):
    assert Client(runs.a, runs.b).get(f"/sides{query}").status in (400, 404)


def test_one_recording_has_nothing_beside_it(runs):
    answer = Client(runs.a).get("/sides")
    assert answer.status == 404
    assert "give two runs" in answer.text


def test_scores_are_compared_as_they_are_shown():
    a, b = (
        Scored({"HOTA": 50.04, "IDsw": 3, "FP": 1000}, (), ""),
        Scored({"HOTA": 50.01, "IDsw": 1, "FP": 2000}, (), ""),
    )
    rows = {row.name: row for row in score_rows([a, b])}
    assert (rows["HOTA"].difference, rows["HOTA"].better) == ("", None)
    assert (rows["IDsw"].difference, rows["IDsw"].better) == ("−2", 1)
    assert (rows["FP"].values, rows["FP"].difference, rows["FP"].better) == (("1,000", "2,000"), "+1,000", 0)
    nan = Scored({"HOTA": float("nan")}, (), "")
    assert score_rows([nan, None])[0].values == ("–", "–")


def opened(chromium, address, **options):
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, **options)
    page.heard = heard = Heard()
    page.on("console", lambda message: heard.said.append(message.text))
    page.on("pageerror", lambda error: heard.said.append(str(error)))
    page.on("request", lambda request: heard.asked.append(request.url))
    page.set_default_timeout(20_000)
    page.goto(address)
    return page


def shown(page):
    """Frame and number of boxes of each side, and the grey of person 1's box in each video: it says the frame."""
    return page.evaluate(
        """index => ['side-a', 'side-b'].map(id => {
        const root = document.getElementById(id), video = root.querySelector('video');
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight), context = canvas.getContext('2d');
        context.drawImage(video, 0, 0);
        const grey = context.getImageData(40 + 2 * index, 130, 1, 1).data[0];
        return [Number(root.dataset.frame), Number(root.dataset.boxes), grey];
        })""",
        int(page.locator("#side-a").get_attribute("data-frame")),
    )


def settled(page):
    until(page, "[...document.querySelectorAll('video')].every(one => one.readyState >= 2 && !one.seeking)")
    until(page, "[...document.querySelectorAll('.side')].every(one => one.dataset.boxes !== '')")
    page.wait_for_timeout(100)


def test_two_runs_step_together_and_show_the_change(chromium, runs, tmp_path):
    named = run_folder(tmp_path / "named", lambda track, index: track, source=tmp_path / MARKUP.replace("/", ""))
    with serving(runs.a, runs.b, named, truth=runs.truth) as address:
        page = opened(chromium, f"{address}/sides")
        settled(page)
        assert [one[:2] for one in shown(page)] == [[1, 1], [1, 1]]
        for _ in range(3):
            page.keyboard.press(".")
        settled(page)
        (a, _, grey_a), (b, _, grey_b) = shown(page)
        assert a == b == 4
        assert abs(grey_a - (60 + 3 * 4 + 1)) <= 3, "the frame that is named"
        assert abs(grey_a - grey_b) <= 2
        page.keyboard.press("n")
        settled(page)
        assert [one[0] for one in shown(page)] == [CHANGE, CHANGE]
        assert [one[1] for one in shown(page)] == [2, 2]
        assert page.locator("#changes button[aria-pressed=true]").inner_text().split() == [
            "0:04.00", "B", "1", "→", "3", "A", "keeps", "1",
        ]  # fmt: skip
        page.keyboard.press(",")
        settled(page)
        assert [one[0] for one in shown(page)] == [CHANGE - 1] * 2
        assert page.locator("#clock").inner_text() == "0:03.90"
        page.keyboard.press("End")
        settled(page)
        assert [one[0] for one in shown(page)] == [FRAMES, FRAMES]
        area = page.locator("#strip").bounding_box()
        page.mouse.click(area["x"] + area["width"] / 2 + 30, area["y"] + 30)
        settled(page)
        assert abs(shown(page)[0][0] - 32) <= 3
        page.keyboard.press("Home")
        page.keyboard.press(" ")
        until(page, "Number(document.getElementById('side-a').dataset.frame) > 5")
        page.keyboard.press(" ")
        settled(page)
        a, b = (one[0] for one in shown(page))
        assert a == b
        assert page.heard.said == []
        assert page.title() != "bad"
        assert {url.split("/")[2] for url in page.heard.asked} == {address.split("/")[2]}
        page.close()
