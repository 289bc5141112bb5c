"""Searching: by a track of the store, a box of a video, a picture; and pictures that are none."""

import io
import re
import struct
import subprocess
import sys
import zlib
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.encoder.load import load_embedder
from remix_track.errors import InputError
from remix_track.server.pictures import Picture, Pictures, small_jpeg
from remix_track.server.query_network import QueryNetwork
from remix_track.store import Job, JobSource, Weights, open_store
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.people import Person
from remix_track.synthetic.places import panorama
from remix_track.trackers.frame import TrackedFrame
from tests.browser import until
from tests.server.conftest import serving
from tests.server.drawn_store import Client, keys_of
from tests.server.test_sides import opened

PEOPLE, KEPT = 4, 3


@pytest.fixture(scope="module")
def looks(tmp_path_factory):
    """A store with the appearance of four drawn people by the shipped network; another picture of each is left out."""
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(3)
    camera = CropCamera.sample(rng)
    scenery = panorama(camera.place, camera.pitch)
    crops = [list(tracklet(Person.sample(rng), camera, scenery, [], KEPT + 1, rng)) for _ in range(PEOPLE)]
    embedder = load_embedder("default")
    assert embedder is not None
    folder = tmp_path_factory.mktemp("looks")
    store = open_store(folder / "store", create=True)
    made = Job(JobSource("door", "door.mp4", digest="door"), "door", weights=Weights.of(embedder.description), fps=1.0)
    ids = np.arange(1, PEOPLE + 1)
    boxes = np.array([[64 * place, 0, 64 * place + 64, 128] for place in range(PEOPLE)], np.float32)
    with store.writer(made) as writer:
        for number in range(KEPT):
            image = np.concatenate([of_person[number] for of_person in crops], axis=1)
            vectors = embedder(image, boxes)
            tracks = Tracks(ids, boxes, np.full(PEOPLE, 0.9), ids * 0, ids - 1, vectors)
            writer.add(TrackedFrame(number + 1, image, float(number), tracks))
    left_out = [cv2.imencode(".png", of_person[KEPT])[1].tobytes() for of_person in crops]
    return SimpleNamespace(path=store.path, key=made.key, pictures=left_out)


@pytest.fixture(scope="module")
def asked(looks):
    """Its pages, which load the network once."""
    return Client(looks.path)


def tracks_in(text):
    """The tracks of the answers, nearest first."""
    return [int(track) for track in re.findall(r'class="pictures"><img src="/1/crop/[^/]+/(\d+)/0.jpg" alt=""', text)]


def test_by_a_track_of_the_store(looks):
    answer = Client(looks.path).get(f"/1/search?job={looks.key}&track=2")
    assert answer.status == 200
    assert sorted(tracks_in(answer.text)) == [1, 3, 4], "not itself"
    assert f"{PEOPLE} tracks compared" in answer.text
    assert "who else?" in answer.text


def test_a_search_needs_no_torch_until_a_picture_comes(looks):
    code = (
        "import sys; from pathlib import Path; from tests.server.drawn_store import Client\n"
        f"pages = Client(Path({str(looks.path)!r}))\n"
        f"assert pages.get('/1/search?job={looks.key}&track=2').status == 200\n"
        "assert pages.get('/1/search').status == 200\n"
        "print(sorted({'torch', 'openvino', 'ultralytics'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("person", [0, 2])
def test_a_picture_finds_its_person(looks, asked, person):
    told = asked.post("/1/search", looks.pictures[person])
    assert told.status == 200
    to = told.json()["to"]
    answer = asked.get(to)
    assert tracks_in(answer.text)[0] == person + 1
    assert "Likely the same" in answer.text
    small = asked.get(re.findall(r'src="(/1/search/picture/[^"]+)"', answer.text)[0])
    assert small.headers["content-type"] == "image/jpeg"
    assert small.content.startswith(b"\xff\xd8\xff")
    assert asked.get(to + "&camera=door&top=24").status == 200
    assert "no other track" in asked.get(to + "&camera=elsewhere").text
    assert asked.get("/1/search?picture=" + "A" * 12).status == 404


def png(width, height, content=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


WHOLE = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (64, 32, 3), dtype=np.uint8))[1].tobytes()
HOSTILE = {
    "nothing": b"",
    "text": b"<script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a PNG that is cut off": WHOLE[: len(WHOLE) // 2],
    "a PNG without pixels": png(64, 64),
    "a bomb of 10 gigapixels": png(100_000, 100_000, zlib.compress(bytes(1000))),
    "a bomb of compressed zeros": png(4000, 4000, zlib.compress(bytes(60_000_000), 9)),
    "a PNG of one pixel": png(1, 1, zlib.compress(bytes(4))),
    "a JPEG that is cut off": cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes()[:300],
    "a pickle": b"\x80\x04\x95",
    "a GIF": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_refused_in_one_line_before_a_network_is_loaded(looks, monkeypatch, name):
    monkeypatch.setattr(QueryNetwork, "vector", lambda *_: np.eye(8, dtype=np.float32)[0])
    answer = Client(looks.path).post("/1/search", HOSTILE[name])
    if name == "a bomb of compressed zeros":
        assert answer.status == 200, "16 million pixels are as many as are taken"
        return
    assert answer.status == 400
    assert answer.json()["error"].count("\n") == 0
    assert answer.json()["error"].startswith("the picture: ")


def test_a_hundred_megabytes_are_refused_while_they_come(looks):
    answer = Client(looks.path).post("/1/search", bytes(100_000_000))
    assert answer.status in (400, 413)
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"x_form_token": "x"}, {"origin": ""}])
def test_another_sites_page_can_drop_nothing(looks, headers):
    assert Client(looks.path).post("/1/search", looks.pictures[0], **headers).status == 403


@pytest.mark.parametrize(
    "query",
    ["?job=none&track=1", "?job=..%2f..&track=1", "?job=x", "?picture=..%2f..", "?top=13", "?recording=none", "?at=x",
     "?job=%00&track=1", "?since=yesterday&job=x&track=1", "?recording=..%2f&at=1"],
)  # fmt: skip
def test_what_is_not_there_is_no_fault(looks, query):
    assert Client(looks.path).get(f"/1/search{query}").status in (200, 400, 404)


def test_another_network_and_a_missing_file_are_one_line(looks, store, tmp_path):
    other = Client(store.path).post("/1/search", looks.pictures[0])
    assert other.status == 400
    assert "has vectors of drawn" in other.json()["error"]
    assert "--weights" in other.json()["error"]
    gone = Client(looks.path, weights=str(tmp_path / "gone.safetensors"))
    assert "weights cannot be read" in gone.post("/1/search", looks.pictures[0]).json()["error"]
    assert gone.get(f"/1/search?job={looks.key}&track=1").status == 200, "that needs no network"
    none = Client(looks.path, weights="none").post("/1/search", looks.pictures[0])
    assert "none" in none.json()["error"]


def test_a_store_without_vectors_says_so(tmp_path):
    bare = open_store(tmp_path / "bare", create=True)
    answer = Client(bare.path).post("/1/search", WHOLE)
    assert answer.status == 400
    assert "no vectors" in answer.json()["error"]


def test_the_last_pictures_are_kept():
    kept = Pictures(most=2)
    picture = Picture(np.zeros(2, np.float32), b"")
    first, second = kept.keep(1, picture), kept.keep(1, picture)
    assert kept.find(1, first) is picture
    assert kept.find(2, first) is None, "of another collection"
    third = kept.keep(1, picture)
    assert [kept.find(1, key) is None for key in (first, second, third)] == [False, True, False]


def test_a_large_picture_becomes_a_small_one():
    from PIL import Image

    small = small_jpeg(np.zeros((2000, 500, 3), np.uint8))
    assert Image.open(io.BytesIO(small)).size == (80, 320)


def test_a_run_is_not_searched(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tracks.txt").write_text("1,1,10,10,20,50,1,-1,-1,-1\n")
    pages = Client(tmp_path / "run")
    assert "--store STORE" in pages.get("/1/search").text
    assert pages.post("/1/search", WHOLE).status == 400


def test_a_box_of_a_video_can_be_chosen(pages, store):
    gate = keys_of(store)["gate"]
    text = pages.get(f"/1/search?recording={gate}&at=3").text
    # frame 31: both are there; the boxes as they were drawn
    assert re.findall(r'track=(\d)" aria', text) == ["1", "2"]
    assert '<rect x="82" y="80" width="40" height="100"' in text
    assert f'src="/1/frame/{gate}/31.jpg"' in text
    assert "No box in the minute" in pages.get(f"/1/search?recording={gate}&at=500").text


def test_a_track_of_a_person_leads_to_its_search(pages, store):
    gate = keys_of(store)["gate"]
    link = f'href="/1/search?job={gate}&amp;track=1"'
    assert link in pages.get("/1/person/1").text
    assert link not in pages.get("/1/person/2").text
    assert pages.get(f"/1/search?job={gate}&track=1").status == 200


def test_a_picture_that_is_dropped_in_finds_its_person(chromium, looks):
    with serving(looks.path) as address:
        page = opened(chromium, f"{address}/1/search")
        drop = """bytes => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(bytes)], 'x.png', {type: 'image/png'}));
        document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: held, bubbles: true}));
        }"""
        page.evaluate(drop, list(HOSTILE["a PNG that is cut off"]))
        until(page, "!document.getElementById('said').hidden")
        assert page.locator("#said").inner_text().startswith("the picture: ")
        assert [line for line in page.heard.said if "400" not in line] == []
        page.evaluate(drop, list(looks.pictures[1]))
        page.wait_for_url("**/search?picture=*")
        assert f"/{2}/0.jpg" in page.locator(".found img").first.get_attribute("src")
        assert "near" in page.locator(".found").first.get_attribute("class").split()
        page.locator(".found .when a").first.click()
        assert page.locator("h1").inner_text() == "Who looks like track 2?"
        assert {url.split("/")[2] for url in page.heard.asked if url.startswith("http")} == {address.split("/")[2]}
        page.close()


def test_the_threshold_of_other_weights_is_not_known(store):
    assert QueryNetwork().threshold(store) is None
    with pytest.raises(InputError, match="another one"):
        QueryNetwork().vector(store, WHOLE)
