"""What the page of people is made of: times, gaps, images and boxes, gathered in bounded memory."""

import base64
import json
import re
import zlib
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame, blank
from remix_track.trackers.sinks import people_page
from remix_track.trackers.sinks.best_crops import BestCrops
from remix_track.trackers.sinks.people_page import PeoplePageSink, video_beside
from remix_track.viewer.box_blocks import FRAMES, encode_block
from remix_track.viewer.frame_times import FrameTimes

FPS = 10


def frame(index, boxes, *, image=None, time=None, scores=None, utc=None):
    """`boxes` by id."""
    ids = np.array(list(boxes), np.int64)
    scores = np.full(len(ids), 0.8, np.float32) if scores is None else np.array(scores, np.float32)
    xyxy = np.array(list(boxes.values()), np.float32).reshape(-1, 4)
    image = np.full((200, 300, 3), 90, np.uint8) if image is None else image
    tracks = Tracks(ids, xyxy, scores, ids * 0, np.where(np.isnan(scores), -1, np.arange(len(ids))))
    return TrackedFrame(index, image, (index - 1) / FPS if time is None else time, tracks, utc)


def page(path, frames, **more):
    with PeoplePageSink(path, FPS, title="a", **more) as sink:
        for one in frames:
            sink.write(one)
    text = path.read_text(encoding="utf-8")

    def data(name):
        return re.findall(rf'id="{name}-data">(.*?)</script>', text, re.DOTALL)[0].strip()

    people = {one["id"]: one for one in map(json.loads, data("people").splitlines())}
    return json.loads(data("facts")), people, [base64.b64decode(one) for one in data("block").split(";")[:-1]]


def naive_rows(blocks):
    """(frame, id, left, top, width, height, coasts) of each box, as the format is described."""
    rows = []
    for number, block in enumerate(blocks):
        if not block:
            continue
        content = zlib.decompress(block)
        tracks = int.from_bytes(content[:4], "little")
        ids, counts = np.frombuffer(content, "<u4", 2 * tracks, 4).reshape(2, tracks).tolist()
        total, at = sum(counts), 4 + 8 * tracks
        columns = []
        for column in range(5):
            begin = at + 2 * column * total
            zigzag = [content[begin + row] + 256 * content[begin + total + row] for row in range(total)]
            columns.append([-(value + 1) // 2 if value % 2 else value // 2 for value in zigzag])
        row = 0
        for id_, count in zip(ids, counts, strict=True):
            sums = [0] * 5
            for _ in range(count):
                sums = [total_ + column[row] for total_, column in zip(sums, columns, strict=True)]
                rows.append((number * FRAMES + sums[0], id_, *sums[1:], content[at + 10 * total + row]))
                row += 1
    return sorted(rows)


def test_blocks_hold_every_box_to_the_pixel():
    rng = np.random.default_rng(0)
    frames_, ids = np.nonzero(rng.random((FRAMES, 9)) < 0.4)
    corners = rng.uniform(-400, 20_000, (len(ids), 2))
    xyxy = np.hstack([corners, corners + rng.uniform(0, 900, corners.shape)]).astype(np.float32)
    coasts = rng.random(len(ids)) < 0.2
    mixed = rng.permutation(len(ids))
    block = encode_block(frames_[mixed], ids[mixed] + 1, xyxy[mixed], coasts[mixed])
    pixels = np.rint(np.clip(xyxy, -16_383, 16_383)).astype(int)
    pixels[:, 2:] -= pixels[:, :2]
    expected = [(f, i + 1, *box, c) for f, i, box, c in zip(frames_, ids, pixels.tolist(), coasts, strict=True)]
    assert naive_rows([block]) == sorted(expected)
    assert encode_block(*(np.empty(0, np.int64),) * 2, np.empty((0, 4), np.float32), np.empty(0, bool)) == b""


def test_boxes_times_and_gaps(tmp_path):
    shows = [{1: (10, 20, 50, 120)} if n < 20 or 30 <= n < 35 else {} for n in range(FRAMES + 40)]
    facts, people, blocks = page(tmp_path / "people.html", (frame(n + 1, boxes) for n, boxes in enumerate(shows)))
    assert facts["frames"] == FRAMES + 40
    assert facts["knots"] == [0, 1, 0]
    assert people[1]["spans"] == [0, 19, 30, 34]
    assert people[1]["boxes"] == 25
    assert people[1]["seconds"] == pytest.approx(2.5)
    assert people[1]["score"] == 0.8
    assert naive_rows(blocks) == [(n, 1, 10, 20, 40, 100, 0) for n in [*range(20), *range(30, 35)]]
    assert len(blocks) == 2
    assert blocks[1] == b""


def test_a_box_that_coasts_counts_as_there_but_not_for_the_confidence(tmp_path):
    scores = [[0.6], [np.nan], [0.8]]
    one = (frame(n + 1, {1: (10, 20, 50, 120)}, scores=score) for n, score in enumerate(scores))
    _, people, blocks = page(tmp_path / "people.html", one)
    assert (people[1]["boxes"], people[1]["score"]) == (3, 0.7)
    assert [row[-1] for row in naive_rows(blocks)] == [0, 1, 0]


def test_frames_are_numbered_and_timed_as_in_the_source():
    times = FrameTimes(25)
    for place in range(100):  # every second frame; after 50, the source is away for a minute
        times.add(11 + 2 * place + 1500 * (place >= 50), place / 25 + 60 * (place >= 50) + 0.001 * (place % 3))
    assert times.step == 2
    assert times.knots.tolist() == [0, 11, 0, 50, 1611, 62_002]
    late = FrameTimes(25)
    for place in range(1000):
        late.add(place + 1, place / 24)
    found = late.knots.tolist()
    knots = list(zip(found[::3], found[2::3], strict=True))
    for place in range(1000):
        begin, time = max(knot for knot in knots if knot[0] <= place)
        assert abs(time + (place - begin) * 40 - 1000 * place / 24) <= 21, "half a frame"
    assert len(knots) < 100


def test_times_of_day(tmp_path):
    began = datetime(2026, 11, 29, 15, tzinfo=UTC)
    shows = [frame(n + 1, {}, utc=began + timedelta(seconds=n / FPS)) for n in range(5)]
    facts, _, _ = page(tmp_path / "people.html", shows)
    assert facts["clock"] is True
    assert facts["knots"] == [0, 1, round(1000 * began.timestamp())]


def test_pictures_are_the_best_ones_and_apart_in_time(tmp_path):
    def shows():
        for n in range(100):  # larger and larger until frame 60; then another one stands before it
            high = 40 + min(n, 60)
            boxes = {1: (100, 50, 100 + high / 2, 50 + high)}
            if n > 60:
                boxes[2] = (100, 60, 160, 180)
            image = np.full((200, 300, 3), 2 * n, np.uint8)
            yield frame(n + 1, boxes, image=image)

    _, people, _ = page(tmp_path / "people.html", shows())
    taken = [number for number, _ in people[1]["crops"]]
    assert len(taken) == 3
    assert len({number // 20 for number in taken}) == 3, "two seconds each"
    assert taken == [60, 55, 30]
    for number, jpeg in people[1]["crops"]:
        picture = np.asarray(cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_COLOR))
        assert abs(int(picture.mean()) - 2 * number) <= 2
        assert max(picture.shape) <= 168


def test_nothing_is_cut_out_where_nothing_is_to_be_seen(tmp_path):
    boxes = {1: (-90, 10, -20, 120), 2: (10, 10, 14, 120), 3: (400, 10, 460, 120)}
    _, people, _ = page(tmp_path / "people.html", [frame(1, boxes)])
    assert [one["crops"] for one in people.values()] == [[], [], []]
    blanks = [frame(1, {1: (10, 10, 60, 120)}, image=blank((200, 300, 3)))]
    _, people, _ = page(tmp_path / "blank.html", blanks)
    assert people[1]["crops"] == []


def test_a_picture_is_replaced_by_a_clearly_better_one_only():
    image, box = np.full((200, 300, 3), 90, np.uint8), np.array([10, 10, 60, 120], np.float32)
    crops = BestCrops()
    for quality, time, most in ((1.0, 0, 2), (1.1, 1, 2), (1.2, 1.5, 2), (0.5, 10, 2), (0.55, 20, 2), (0.7, 30, 2)):
        crops.offer(quality, time, int(10 * time), image, box, most)
    assert [crop.frame for crop in crops.best(2)] == [15, 300]
    assert crops.bytes == sum(len(crop.jpeg) for crop in crops.best(2))
    assert [crop.frame for crop in crops.best(1)] == [15]


def test_what_is_gathered_is_bounded_and_the_page_says_where_it_ends(tmp_path):
    rng = np.random.default_rng(0)

    def shows():
        for n in range(3 * FRAMES):
            yield frame(n + 1, {n + 1: (*rng.uniform(0, 100, 2), *rng.uniform(120, 190, 2))})

    facts, people, _ = page(tmp_path / "people.html", shows(), most_bytes=200_000)
    assert 0 < facts["frames"] < 3 * FRAMES
    assert facts["notes"] == [
        f"No room for the last {3 * FRAMES - facts['frames']:,} frames; `segment` makes a page for each part."
    ]
    assert len(people) == facts["frames"]


def test_times_of_a_camera_and_gaps_count_too(tmp_path):
    """An empty street whose frames come unevenly, for weeks: no box and no image takes any room."""

    def uneven(index):
        return frame(index, {}, time=index / FPS + (0.4 if index % 2 else 0.0), image=np.zeros((9, 9, 3), np.uint8))

    facts, _, _ = page(tmp_path / "people.html", map(uneven, range(1, 2001)), most_bytes=10_000)
    assert len(facts["knots"]) * 8 == pytest.approx(10_000, abs=24)
    assert facts["notes"]
    blinks = (frame(n, {1: (10, 20, 50, 120)} if n % 2 else {}, image=blank((200, 300, 3))) for n in range(1, 301))
    facts, people, _ = page(tmp_path / "blinks.html", blinks, most_bytes=600 + 24 + 16 * 40)
    assert len(people[1]["spans"]) == 2 * 42, "the first one comes with its person"


def test_of_many_gaps_the_shortest_are_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(people_page, "_MOST_SPANS", 3)
    there = [0, 1, 5, 6, 8, 9, 19, 30]
    shows = (frame(n + 1, {1: (10, 20, 50, 120)} if n in there else {}) for n in range(40))
    _, people, _ = page(tmp_path / "people.html", shows)
    assert people[1]["spans"] == [0, 9, 19, 19, 30, 30]
    assert people[1]["seconds"] == pytest.approx(0.8)


def test_after_many_people_each_has_one_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(people_page, "_MANY", 1)
    shows = (frame(n + 1, {1: (10, 20, 50, 120), 2: (150, 20, 190, 120)}) for n in range(100))
    _, people, _ = page(tmp_path / "people.html", shows)
    assert [len(one["crops"]) for one in people.values()] == [3, 1]


def test_a_page_is_written_in_one_piece_at_the_end(tmp_path):
    path = tmp_path / "people.html"
    sink = PeoplePageSink(path, FPS, title="a")
    sink.write(frame(1, {1: (10, 20, 50, 120)}))
    assert not any(tmp_path.iterdir())
    sink.close()
    made = path.stat().st_mtime_ns
    sink.close()
    assert path.stat().st_mtime_ns == made
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="there is something already"):
        PeoplePageSink(path, FPS, title="a")
    with pytest.raises(InputError, match="cannot be written"):
        PeoplePageSink(tmp_path / "gone" / "people.html", FPS, title="a").close()


def test_the_video_of_each_part():
    from pathlib import Path

    part = Path("people/people-0002-20261129T150000Z.html")
    assert video_beside(part) == Path("people/video-0002-20261129T150000Z.mp4")


def test_names_cannot_end_the_data_of_the_page(tmp_path):
    path = tmp_path / "people.html"
    names = {0: "</script><script>alert(1)</script>"}
    with PeoplePageSink(path, FPS, title="</title><b>\udcff", class_names=names) as sink:
        sink.write(frame(1, {1: (10, 20, 50, 120)}))
    text = path.read_text(encoding="utf-8")
    assert "alert(1)</script>" not in text
    assert "<b>" not in text
    assert r"&lt;/title&gt;&lt;b&gt;\xff" in text
