"""Who is answered: hosts, the token beyond the loopback, and changes from pages of ours only."""

import pytest

from remix_track.server import app as application
from remix_track.server.access import FORM_TOKEN, HEADERS, Access
from remix_track.server.web import Answer, Route
from tests.server.drawn_store import Client


@pytest.fixture
def changes(monkeypatch):
    """What was changed through a page that does nothing else."""
    changed = []

    class Page:
        @staticmethod
        def routes(library):
            def change(request):
                changed.append(request.body)
                return Answer(b"done", "text/plain")

            return [Route("/change", change, "POST", most_bytes=1000)]

    monkeypatch.setattr(application, "PAGES", (*application.PAGES, Page))
    return changed


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:1", "[::1]:8642", "127.0.0.1", "127.9.9.9"])
def test_hosts_of_the_loopback_are_answered(pages, host):
    assert pages.get("/1/people", host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "10.0.0.7", "", "[", "a b"]
)
def test_a_name_that_was_made_to_lead_here_is_refused(pages, host):
    answer = pages.get("/1/people", host=host)
    assert answer.status == 421
    assert b"Person" not in answer.content


def test_every_answer_has_the_headers(pages, store):
    for address in ("/1/people", "/nothing", "/1/people?order=x", "/1/picture/1/0.jpg", "/"):
        headers = pages.get(address).headers
        for name, value in HEADERS.items():
            assert headers[name] == value, (address, name)
    assert "unsafe" not in HEADERS["content-security-policy"]
    assert pages.get("/1/people", host="evil.example").headers["content-security-policy"]


def test_beyond_the_loopback_a_token_is_asked_for(store):
    access = Access.to("0.0.0.0")
    client = Client(store.path, access=access)
    assert len(access.token) > 30
    for wrong in ("/1/people", "/1/people?token=", "/1/people?token=x", "/assets/view.css", "/1/people?token=%ff"):
        assert client.get(wrong).status == 403
    assert client.get("/1/people", cookie=f"{access.cookie}=x").status == 403
    assert client.get("/1/people", cookie=f'a=; =;;"{access.cookie}').status == 403
    first = client.get(f"//evil.example/?token={access.token}&camera=a%26b")
    assert (first.status, first.headers["location"]) == (303, "/evil.example/?camera=a%26b")
    assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
    cookie = first.headers["set-cookie"].partition(";")[0]
    for beside in ("a=b", 'ui={"a":1}', "=", '"', f"{Access.to('0.0.0.0').cookie}=of another server"):
        assert client.get("/1/people", cookie=f"{beside}; {cookie}").status == 200
    assert client.get("/1/people", cookie=cookie, host="evil.example").status == 421
    assert client.get("/1/people", cookie=cookie, host="192.168.1.7:8642").status == 200


def test_the_loopback_needs_no_token():
    assert [bool(Access.to(host).token) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "gate.example")] == [
        False, False, False, True, True
    ]  # fmt: skip


def test_a_change_from_a_page_of_ours_is_made(store, changes):
    client = Client(store.path)
    assert client.post("/change", b"one").text == "done"
    form = f"a=1&{FORM_TOKEN}={client.access.form_token}".encode()
    kind = "application/x-www-form-urlencoded"
    assert client.post("/change", form, x_form_token="", content_type=kind).text == "done"
    assert changes == [b"one", form]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_form_token": ""},
        {"x_form_token": "x"},
        {"origin": ""},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8643"},
        {"origin": "http://["},
        {"origin": "http-x://127.0.0.1:8642"},
        {"origin": "http://127.0.0.1.evil.example:8642"},
        {"host": "evil.example", "origin": "http://evil.example"},
    ],
)
def test_a_change_from_another_site_is_not(store, changes, headers):
    answer = Client(store.path).post("/change", b"one", **headers)
    assert answer.status in (403, 421)
    assert changes == []


def test_what_another_site_sends_is_not_read(store, changes):
    """Else the answer would be that it is too long."""
    assert Client(store.path).post("/change", b"x" * 1001, origin="http://evil.example").status == 403


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("same-origin", "cors", "empty", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "document", 200),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "cors", "empty", 403),
    ],
)
def test_other_sites_lead_here_and_load_nothing(pages, site, mode, dest, status):
    told = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert pages.get("/1/people", **told).status == status


def test_a_change_is_no_get_and_no_page_a_post(store, changes):
    client = Client(store.path)
    assert client.get("/change").status in (404, 405)
    assert client.post("/1/people").status == 405
    assert changes == []


@pytest.mark.parametrize(("length", "status"), [(1000, 200), (1001, 400)])
def test_bodies_are_bounded(store, changes, length, status):
    assert Client(store.path).post("/change", b"x" * length).status == status
    assert len(changes) == (status == 200)


def test_no_page_says_the_form_token_to_another_site(pages):
    headers = pages.get("/1/people").headers
    assert not [name for name in headers if name.startswith("access-control")]
