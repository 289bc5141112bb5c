"""The page of counts: lines and zones drawn in a browser and kept, their numbers, the heat, and what is refused."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from remix_track.counting.zones_file import Place, Zones, read_zones, to_toml
from remix_track.server import zones
from remix_track.text_files import write_text
from tests.browser import Heard, until
from tests.server.conftest import serving
from tests.server.drawn_store import HEIGHT, WIDTH, Client, drawn_store

pytest.importorskip("shapely")
pytest.importorskip("starlette")
pytest.importorskip("pyarrow")

# Foot points walk at y = 180 (track 1, to the right) and y = 200 (track 2, to the left), 20 below a tenth of the image.
DOOR = {"kind": "line", "name": "door", "points": [[120, 230], [120, 150]], "camera": "gate", "unit": "pixels"}


@pytest.fixture
def own(tmp_path):
    """A store of one's own, to be changed, and a client of it."""
    (tmp_path / "drawn").mkdir()
    store = drawn_store(tmp_path / "drawn")
    return store, Client(store.path)


def told(client, address="/1/zones"):
    import html
    import re

    found = re.search(r'data-told="([^"]*)"', client.get(address).text)
    assert found is not None
    return json.loads(html.unescape(found[1]))


def saved(client, places, stamp="", **headers):
    return client.post("/1/zones/file", json.dumps({"stamp": stamp, "places": places}).encode(), **headers)


def test_what_is_saved_is_a_file_that_is_counted(own):
    store, client = own
    assert told(client)["places"] == []
    assert client.get("/1/zones/numbers").json()["places"] == []
    answer = saved(client, [DOOR])
    assert answer.status == 200
    assert read_zones(store.path / "zones.toml").places == (
        Place("line", "door", ((120.0, 230.0), (120.0, 150.0)), "gate"),
    )
    (place,) = client.get("/1/zones/numbers?every=1m").json()["places"]
    assert (place["total"]["ins"], place["total"]["outs"], place["total"]["people"]) == (0, 1, 1)
    (shown,) = told(client)["places"]
    assert shown["shown"] == [[120, 230], [120, 150]]
    assert told(client, "/1/zones?camera=yard")["places"][0]["shown"] is None
    # The next one knows what the file is now.
    assert saved(client, [], answer.json()["stamp"]).status == 200
    assert told(client)["places"] == []


def test_ground_and_settings_of_the_file_stay(own):
    store, client = own
    corners = [[100, 200], [200, 200], [180, 150], [120, 150]]
    text = f"hysteresis = 0.2\n[[ground]]\npixels = {corners}\nmetres = [[0, 0], [4, 0], [4, 6], [0, 6]]\n"
    text += '[[zone]]\nname = "queue"\nunit = "metres"\npoints = [[0, 0], [4, 0], [4, 6]]\n'
    (store.path / "zones.toml").write_text(text)
    page = told(client)
    assert np.allclose(page["places"][0]["shown"], corners[:3])
    places = [{key: value for key, value in one.items() if key != "shown"} for one in page["places"]]
    assert saved(client, [*places, DOOR], page["stamp"]).status == 200
    kept = read_zones(store.path / "zones.toml")
    assert (kept.settings.hysteresis, len(kept.grounds), kept.places[1].unit) == (0.2, 1, "metres")
    assert [one.name for one in kept.places] == ["door", "queue"]


def test_mistakes_other_sites_and_older_pages_change_nothing(own):
    store, client = own
    kept = to_toml(Zones((Place("zone", "shop", ((0.0, 0.0), (90.0, 0.0), (90.0, 90.0))),)))
    (store.path / "zones.toml").write_text(kept)
    stamp = told(client)["stamp"]
    crossed = {**DOOR, "kind": "zone", "points": [[0, 0], [9, 9], [9, 0], [0, 9]]}
    for places, words in (
        ([crossed], "crosses itself"),
        ([{**DOOR, "name": ""}], "expected a printable text"),
        ([{**DOOR, "points": [[0, "x"]]}], "expected 2 to 200 points"),
        ([7], "cannot be read"),
        ("x", "cannot be read"),
        ([DOOR, DOOR], "another of that name"),
    ):
        answer = saved(client, places, stamp)
        assert (answer.status, words in answer.text) == (400, True), answer.text
    for body in (b"", b"[]", b"\xff", b"[" * 100_000, b'{"places": []}'):
        assert client.post("/1/zones/file", body).status == 400
    assert "changed by somebody else" in saved(client, [DOOR], "0" * 64).text
    assert saved(client, [DOOR], stamp, origin="http://evil.example").status == 403
    assert saved(client, [DOOR], stamp, x_form_token="").status == 403
    assert (store.path / "zones.toml").read_text() == kept


def test_of_two_who_save_at_once_one_is_told(own, monkeypatch):
    _, client = own

    def slowly(path, text):
        time.sleep(0.2)
        write_text(path, text)

    monkeypatch.setattr("remix_track.server.zones.write_text", slowly)
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: saved(client, [DOOR]), range(2)))
    assert sorted(one.status for one in answers) == [200, 400]


@pytest.mark.parametrize(("most", "status"), [(3, 200), (2, 400)])
def test_intervals_of_all_places_are_bounded(own, monkeypatch, most, status):
    _, client = own
    saved(client, [DOOR, {**DOOR, "name": "other door"}, {**DOOR, "name": "third door"}])
    monkeypatch.setattr(zones, "MOST_INTERVALS", most)
    answer = client.get("/1/zones/numbers?every=1m")
    assert answer.status == status
    assert status == 200 or "choose longer ones" in answer.text


def test_a_damaged_file_is_said(own):
    store, client = own
    (store.path / "zones.toml").write_text("[[zone]]\n")
    assert "has no name; add it" in client.get("/1/zones").text
    for address in ("/1/zones?camera=x", "/1/zones/numbers?every=2y", "/1/zones/heat.png?camera=x"):
        assert client.get(address).status == 400


def test_the_heat_lies_where_feet_were(pages):
    answer = pages.get("/1/zones/heat.png?camera=gate")
    made = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert made is not None
    assert made.shape == (HEIGHT, WIDTH, 4)
    assert made[180, 60:140, 3].min() > 60
    assert made[:120, :, 3].max() == 0


def test_a_line_and_a_zone_drawn_with_mouse_and_keys_are_kept(chromium, own):
    store, _ = own
    with serving(store.path) as address:
        page = chromium.new_page(viewport={"width": 1100, "height": 900})
        page.heard = heard = Heard()
        page.on("console", lambda message: heard.said.append(message.text))
        page.on("pageerror", lambda error: heard.said.append(str(error)))
        page.on("request", lambda request: heard.asked.append(request.url))
        page.goto(f"{address}/1/zones")
        until(page, "document.getElementById('picture').naturalWidth > 0")
        box = page.locator("#shapes").bounding_box()

        def click(x, y):
            page.mouse.click(box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["height"] / HEIGHT)

        page.locator("#new-line").click()
        click(120, 230)
        click(120, 150)
        page.keyboard.type("door")
        # A zone by keys alone: the cross begins where the last click was.
        page.locator("#stage").focus()
        page.keyboard.press("z")
        for key, times in (("ArrowLeft", 8), ("ArrowUp", 0), ("ArrowRight", 20), ("ArrowDown", 7)):
            for _ in range(times):
                page.keyboard.press(key)
            page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.keyboard.type("shop")
        page.locator("#save").click()
        until(page, "document.getElementById('hint').textContent === 'Saved.'")
        until(page, "document.querySelectorAll('#numbers section').length === 2")
        page.locator("#show-heat").click()
        until(page, "document.getElementById('heat').naturalWidth > 0")
        kept = read_zones(store.path / "zones.toml")
        assert [(one.kind, one.name, one.camera) for one in kept.places] == [
            ("line", "door", "gate"), ("zone", "shop", "gate"),
        ]  # fmt: skip
        assert np.abs(np.array(kept.places[0].points) - DOOR["points"]).max() <= 2
        assert page.locator("#numbers dd").first.text_content() == "0"
        assert page.locator("#numbers dd").nth(1).text_content() == "1"
        handle = page.locator(".handle").first
        handle.focus()
        page.keyboard.press("Shift+ArrowRight")
        assert page.locator("#save").is_enabled()
        with page.expect_response("**/numbers?*"):
            page.locator("#save").click()
        moved = read_zones(store.path / "zones.toml")
        was, now = (np.array(one.places[1].points) for one in (kept, moved))
        assert (now - was).tolist()[0] == [1, 0]
        until(page, "document.getElementById('said').textContent.includes(' tracks')")
        assert page.locator("#numbers table").count() == 0
        assert page.locator("#numbers summary").first.inner_text() == "1 interval"
        page.locator("#numbers summary").first.click()
        until(page, "document.querySelectorAll('#numbers table tbody tr').length === 1")
        assert heard.said == []
        assert all(one.startswith((address, "data:")) for one in heard.asked)
        page.close()


def test_edits_stay_when_the_server_is_gone_and_while_it_saves(chromium, own):
    store, _ = own
    (store.path / "zones.toml").write_text(to_toml(Zones((Place("line", "door", ((9.0, 9.0), (90.0, 90.0)), "gate"),))))
    with serving(store.path) as address:
        page = chromium.new_page(viewport={"width": 1100, "height": 900})
        page.goto(f"{address}/1/zones")
        until(page, "document.querySelectorAll('#places input').length === 1")
        page.evaluate(
            "() => { globalThis.asked = fetch; globalThis.fetch = () => Promise.reject(new TypeError('gone')); }"
        )
        name = page.locator("#places input")
        name.fill("gone")
        page.locator("#save").click()
        until(page, "document.getElementById('hint').textContent.includes('does not answer')")
        assert page.locator("#save").is_enabled()
        # It answers when it is let, and a letter is typed before.
        page.evaluate(
            """() => {
            const released = new Promise(done => { globalThis.answer = done; });
            globalThis.fetch = (...told) => released.then(() => asked(...told));
            }"""
        )
        page.locator("#save").click()
        name.fill("later")
        assert page.locator("#save").is_disabled()
        page.evaluate("() => { globalThis.fetch = asked; answer(); }")
        until(page, "document.getElementById('hint').textContent.includes('changed meanwhile')")
        assert read_zones(store.path / "zones.toml").places[0].name == "gone"
        page.locator("#save").click()
        until(page, "document.getElementById('hint').textContent === 'Saved.'")
        assert page.locator("#save").is_disabled()
        assert read_zones(store.path / "zones.toml").places[0].name == "later"
        page.close()


def test_a_run_keeps_its_own_file(tmp_path):
    from tests.counting.test_run_feet import run_folder

    folder = run_folder(tmp_path / "walk", text="".join(f"{n},1,{80 + 10 * n},50,20,50,1\n" for n in range(1, 12)))
    client = Client(folder)
    page = told(client)
    assert (page["camera"], page["name"]) == ("walk", "gate")
    assert saved(client, [{**DOOR, "points": [[150, 300], [150, 20]]}]).status == 200
    (place,) = client.get("/1/zones/numbers").json()["places"]
    assert (place["total"]["outs"], place["rows"][0]["begin"]) == (1, 0.0)
    assert told(client)["places"][0]["shown"] == [[150, 300], [150, 20]]
    shutil.rmtree(folder)
