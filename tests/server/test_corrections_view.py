"""Corrections on pages: what the buttons do to page and store, and that no other site can press them."""

import shutil
from urllib.parse import urlencode

import pytest

from remix_track.server.access import FORM_TOKEN
from remix_track.store import open_store
from remix_track.store.corrections import Corrections
from tests.server.conftest import MARKUP, serving
from tests.server.drawn_store import Client, keys_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def own(store, tmp_path):
    """A copy of the drawn store, which the test may change."""
    shutil.copytree(store.path, tmp_path / "own")
    return open_store(tmp_path / "own")


def who(store):
    """The person of each track, by camera."""
    cameras = {key: camera for camera, key in keys_of(store).items()}
    found = store.tracklets()
    keys = list(found.keys())
    return {(cameras[job], track): person for (job, track), person in zip(keys, found.person.tolist(), strict=True)}


def sent(client, address, **fields):
    return client.post(address, urlencode(fields, doseq=True).encode(), content_type=FORM)


def test_a_merge_a_split_a_rejection_a_name_and_back(own):
    client, keys, before = Client(own.path), keys_of(own), who(own)
    answer = sent(client, "/1/person/1/merge", other="2")
    assert (answer.status, answer.headers["location"]) == (303, "/1/person/1/correct")
    assert set(who(own).values()) == {0, 1}
    assert client.get("/1/person/2/correct").text.count("Undo") == 2  # the drawn name is an act too; 2 is 1 now
    answer = sent(client, "/1/person/1/split", tracklet=[f"{keys['night']}:1", f"{keys['yard']}:1"])
    assert answer.headers["location"] == "/1/person/3/correct"
    assert who(own)["night", 1] == who(own)["yard", 1] == 3
    answer = sent(client, "/1/person/3/reject", tracklet=[f"{keys['night']}:1", f"{keys['yard']}:1"])
    assert answer.headers["location"] == "/1/corrections"
    assert who(own)["night", 1] == 0
    assert sent(client, "/1/person/1/name", name="Ann").status == 303
    assert "Ann" in client.get("/1/person/1/correct").text
    for act in (5, 4, 3, 2):
        assert sent(client, "/1/corrections/undo", act=act, person=1).headers["location"] == "/1/person/1/correct"
    assert who(own) == before
    text = client.get("/1/corrections").text
    assert text.count('class="undone"') == 4
    assert MARKUP not in text


@pytest.mark.parametrize(
    ("address", "fields", "message"),
    [
        ("/1/person/1/merge", {"other": "Zoe"}, "nobody of this name"),
        ("/1/person/1/merge", {"other": "1"}, "takes two people"),
        ("/1/person/9/name", {"name": "Ann"}, "has no person 9"),
        ("/1/person/1/name", {"name": "7"}, "expected a printable name"),
        ("/1/person/1/split", {}, "nothing was chosen"),
        ("/1/person/1/split", {"tracklet": "../../x"}, "expected JOB:TRACK"),
        ("/1/person/1/reject", {"tracklet": "../../etc:1"}, "is no tracklet of this store"),
        ("/1/corrections/undo", {"act": "x"}, "expected its number"),
        ("/1/corrections/undo", {"act": "99"}, "no act 99"),
    ],
)
def test_what_cannot_be_done_is_said(own, address, fields, message):
    before, client = who(own), Client(own.path)
    answer = sent(client, address, **fields)
    assert answer.status == 400
    assert message in answer.text.replace("&#39;", "'")
    assert who(own) == before


def test_the_page_of_a_person_leads_there(pages):
    assert 'href="/1/person/1/correct"' in pages.get("/1/person/1").text


@pytest.mark.parametrize("address", ["/1/person/9/correct", "/1/person/0/correct", "/2/corrections"])
def test_what_is_not_there_is_said(pages, address):
    assert pages.get(address).status in (400, 404)


@pytest.mark.parametrize("name", ["name", "merge", "split", "reject"])
def test_no_other_site_makes_a_change(own, name):
    client, before = Client(own.path), who(own)
    key = keys_of(own)["gate"]
    fields = {"other": "2", "tracklet": f"{key}:1", "name": "Bad", FORM_TOKEN: client.access.form_token}
    body, log = urlencode(fields).encode(), own.path / "people" / "log.jsonl"
    lines = log.read_bytes()
    address = f"/1/person/1/{name}"
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"x_form_token": "", "origin": ""}):
        assert client.post(address, body, content_type=FORM, **headers).status == 403
    wrong = urlencode({**fields, FORM_TOKEN: "x"}).encode()
    assert client.post(address, wrong, content_type=FORM, x_form_token="").status == 403
    assert client.get(f"{address}?{body.decode()}").status in (404, 405)
    assert who(own) == before
    assert log.read_bytes() == lines


def opened(chromium, address, **options):
    page = chromium.new_page(**options)
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.set_default_timeout(60_000)
    page.goto(address)
    return page


def test_in_a_browser(own, chromium):
    before = who(own)
    with serving(own.path) as address:
        page = opened(chromium, f"{address}/1/person/1/correct")
        page.get_by_label("Name or number of the other").fill("2")
        page.get_by_role("button", name="Merge", exact=True).click()
        page.locator(".choice").nth(3).wait_for()
        assert set(who(own).values()) == {0, 1}
        page.locator(".acts li", has_text="2 merged into 1").get_by_role("button", name="Undo").click()
        page.locator(".undone").wait_for()
        assert page.locator(".choice").count() == 2
        assert who(own) == before
        page.locator(".choice", has_text="yard").click()
        page.get_by_role("button", name="Somebody else").click()
        page.wait_for_url("**/person/3/correct")
        page.locator(".choice").wait_for()
        assert who(own)["yard", 1] == 3
        assert page.said == []
        page.goto(f"{address}/1/corrections")
        page.locator(".acts li").nth(2).wait_for()
        page.close()


def test_in_a_browser_another_site_makes_no_change(own, chromium):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    before = who(own)
    with serving(own.path) as address:

        class Site(BaseHTTPRequestHandler):
            def do_GET(self):
                body = (
                    f"<form method=post action={address}/1/person/1/merge><button name=other value=2>x</button></form>"
                )
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        site = HTTPServer(("127.0.0.1", 0), Site)
        Thread(target=site.serve_forever, daemon=True).start()
        page = opened(chromium, f"http://127.0.0.1:{site.server_port}/")
        page.get_by_role("button").click()
        page.wait_for_url(f"{address}/**")
        assert "did not come from a page of this server" in page.content()
        page.close()
        site.shutdown()
    assert who(own) == before
    assert [act.kind for act in Corrections.of(own).acts()] == ["name"]
