"""A store of a few cameras before which drawn people walk, tracked as they were drawn; and a client of its pages.

Three people, filled boxes of a grey that says which frame it is:

    person  gate (12:00)         yard (12:01)         night (no clock)
    1       track 1, 0 to 5.9 s  track 1, 2 to 5.9 s
    2       track 2, 2 to 5.9 s                       track 1
    nobody                       track 2

The videos of `gate` and `yard` are there, H.264 that browsers play; that of `night` is gone.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from urllib.parse import unquote

import numpy as np

from remix_track.detections import Tracks
from remix_track.server.access import Access
from remix_track.server.app import app
from remix_track.server.library import Library
from remix_track.store import Job, JobSource, open_store
from remix_track.store.people import PeopleFiles
from remix_track.store.people_rows import joined_rows, recognised_rows
from remix_track.trackers.frame import TrackedFrame
from tests.store.frames import WEIGHTS, vector

WIDTH, HEIGHT, FPS, FRAMES = 320, 240, 10, 60
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERAS = {"gate": NOON, "yard": NOON + timedelta(minutes=1), "night": None}
THERE = {
    "gate": {1: (1, 60), 2: (21, 60)},
    "yard": {1: (21, 60), 2: (31, 50)},
    "night": {1: (1, 60)},
}
"""First and last frame of each track of each camera."""
PEOPLE = {("gate", 1): 1, ("yard", 1): 1, ("gate", 2): 2, ("night", 1): 2}
"""Person of camera and track; one that is not named is nobody's."""


def box(track, index):
    """Corners in frame `index`, from 1."""
    left = {1: 20 + 2 * index, 2: 250 - 2 * index}[track]
    top = 60 + 20 * track
    return [left, top, left + 40, top + 100]


def grey(track, index):
    """Another one for each frame, and far from those of the frames beside it."""
    return 70 + (37 * index + 11 * track) % 150


def frames(camera, start=None):
    """Each person is a filled box of a grey that says which frame it is."""
    for index in range(1, FRAMES + 1):
        tracks = [track for track, (first, last) in THERE[camera].items() if first <= index <= last]
        image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
        boxes = np.array([box(track, index) for track in tracks], np.float32).reshape(-1, 4)
        for track, (left, top, right, bottom) in zip(tracks, boxes.astype(int).tolist(), strict=True):
            image[top:bottom, left:right] = grey(track, index)
        count = len(tracks)
        found = Tracks(
            ids=np.array(tracks, np.int64),
            xyxy=boxes,
            score=np.full(count, 0.9),
            class_id=np.zeros(count, np.int64),
            detection=np.arange(count),
            embedding=np.array([vector(track, index) for track in tracks]).reshape(count, 8),
        )
        time = (index - 1) / FPS
        yield TrackedFrame(index, image, time, found, start and start + timedelta(seconds=time))


def write_video(path, images, rate=FPS):
    """H.264 with a key frame each second."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=Fraction(rate), options={"preset": "ultrafast", "crf": "1"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", rate
        for image in images:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode())


def drawn_store(folder, *, names=None):
    """The store in `folder / "store"`, and its videos in `folder / "videos"`.

    Args:
        folder: an empty one.
        names: of people, by number.
    """
    (folder / "videos").mkdir()
    store = open_store(folder / "store", create=True)
    keys = {}
    for camera, start in CAMERAS.items():
        video = folder / "videos" / f"{camera}.mp4"
        write_video(video, [frame.image for frame in frames(camera)])
        made = Job(JobSource.of_path(video), camera, weights=WEIGHTS, start=start, fps=float(FPS))
        with store.writer(made) as writer:
            for frame in frames(camera, start):
                writer.add(frame)
        keys[camera] = made.key
    (folder / "videos" / "night.mp4").unlink()
    say_people(store, keys, names or {})
    return store


def say_people(store, keys, names):
    """Write who the tracklets are, as `identify` does: the second of the gate is not sure."""
    files = PeopleFiles(store.path)
    with files.locked():
        tables = []
        for (camera, track), person in PEOPLE.items():
            sure = (camera, track) != ("gate", 2)
            who = (person, 0.125, 3 - person, 0.5 if sure else 0.14, sure)
            tables.append(recognised_rows(keys[camera], {track: who}))
        files.write_table(joined_rows(*tables))
        for person, name in names.items():
            files.note("name", person, name=name)
        files.give_numbers(2)


def keys_of(store):
    """The key of each camera's job."""
    return {store.job(key).job.camera: key for key in store.jobs()}


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self):
        return self.content.decode()

    def json(self):
        return json.loads(self.content)


class Client:
    """Asks for pages without a network or a thread of its own, as a browser that is at 127.0.0.1:8642."""

    def __init__(self, *paths, access=None, **library):
        self.access = access or Access()
        self.app = app(Library.of(paths, **library), self.access)

    def get(self, address, **headers):
        return self.ask("GET", address, headers)

    def post(self, address, body=b"", **headers):
        """From a page of this server, unless `headers` say otherwise (`x_form_token=""`)."""
        told = {"origin": "http://127.0.0.1:8642", "x_form_token": self.access.form_token, **headers}
        return self.ask("POST", address, told, body)

    def ask(self, method, address, headers, body=b""):
        raw, _, query = address.partition("?")
        listed = {"host": "127.0.0.1:8642", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(raw), "raw_path": raw.encode(), "query_string": query.encode(),
            "root_path": "", "headers": [(name.encode(), value.encode()) for name, value in listed.items()],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8642), "state": {},
        }  # fmt: skip
        # In a thread of its own: where a browser was opened, this one has a loop that runs.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._asked(scope, body)).result()

    async def _asked(self, scope, body):
        sent = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], headers, b"".join(one.get("body", b"") for one in sent[1:]))
