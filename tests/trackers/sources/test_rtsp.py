"""A real RTSP server on the loopback, with H.264 as cameras send it."""

import json
import re
import threading
import time
from datetime import UTC, datetime

import av
import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.trackers.sources import StreamSettings, open_source
from tests.rtsp_server import Server, interpreter, number_in

pytestmark = pytest.mark.slow


@pytest.fixture
def server():
    if interpreter() is None:
        pytest.skip("no GStreamer with an RTSP server and an H.264 encoder here; see tests/rtsp_server.py")
    running = Server()
    yield running
    running.kill()


def test_a_camera_that_dies_and_comes_back(server):
    """No image comes twice, none is passed over but those of the time it was away, and time goes on."""
    patience = StreamSettings(reconnect_wait=0.2, reconnect_longest_wait=0.2)
    threads = []

    def die():
        server.kill()
        time.sleep(1)
        server.start()

    frames = []
    with open_source(server.url, frames=375, stream=patience) as source:
        for frame in source:
            frames.append((frame.index, number_in(frame.image), frame.time, frame.utc, datetime.now(UTC)))
            if len(frames) in (125, 250):
                threads.append(threading.Thread(target=die))
                threads[-1].start()
        assert (source.live, source.fps, source.fps_known) == (True, 25, True)
    for thread in threads:
        thread.join()
    index, numbers, times, taken, arrived = zip(*frames, strict=True)
    assert index == tuple(range(1, 376))
    steps = np.diff(numbers)
    assert (steps > 0).all()
    assert (steps > 1).sum() == 2, "what FFmpeg collected while it looked at the stream is tracked"
    assert (np.diff(times) > 0).all()
    np.testing.assert_allclose(np.diff(times)[steps == 1], 0.04, atol=2e-3)
    assert (np.diff(times)[steps > 1] > 1).all()
    assert all(0 <= (b - a).total_seconds() < 10 for a, b in zip(taken, arrived, strict=True))
    assert list(taken) == sorted(taken)
    assert source.problems == []
    assert len(source.warnings) == 1
    assert "broke off and came back 2 times" in source.warnings[0]


def test_a_camera_that_stays_away_is_no_success(server):
    patience = StreamSettings(reconnect_tries=2, reconnect_wait=0.1)
    with open_source(server.url, stream=patience) as source:
        for frame in source:
            if frame.index == 30:
                server.kill()
    assert source.frames_read >= 30
    assert source.broke_off is not None
    assert source.broke_off.startswith(f"the stream broke off after frame {source.frames_read} (")
    assert source.broke_off.endswith("did not come back in 2 tries")


def test_parts_of_a_stream_have_every_picture_once(server, tmp_path):
    """Pieces of three seconds, while the camera dies once: the images in them are those that were tracked."""
    (tmp_path / "det.txt").write_text("".join(f"{n},-1,{10 + n % 50},5,20,40,0.9\n" for n in range(1, 301)))

    def die():
        time.sleep(5)
        server.kill()
        time.sleep(1)
        server.start()

    dying = threading.Thread(target=die)
    dying.start()
    words = ["--detector", str(tmp_path / "det.txt"), "--weights", "none", "--no-boxes", "--no-labels", "--no-trails"]
    words += ["--frames", "300", "--segment", "0.05", "--jsonl", "--quiet", "--reconnect-wait", "0.2"]
    assert main([server.url, *words, "--output", str(tmp_path / "out")]) == 0
    dying.join()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    numbers, frames = list[int](), list[int]()
    assert len(summary["parts"]) >= 4
    for part in summary["parts"]:
        video, lines = (next(name for name in part["files"] if name.endswith(end)) for end in (".mp4", ".jsonl"))
        with av.open(str(tmp_path / "out" / video)) as container:
            shown = [number_in(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
        rows = [json.loads(line) for line in (tmp_path / "out" / lines).read_text().splitlines()]
        assert len(shown) == len(rows) == part["frames"]
        assert [rows[0]["frame"], rows[-1]["frame"]] == [part["first_frame"], part["last_frame"]]
        assert [rows[0]["utc"], rows[-1]["utc"]] == [part["first_utc"], part["last_utc"]]
        assert video == f"video-{part['part']:04d}-{re.sub('[-:]', '', part['first_utc'])[:15]}Z.mp4"
        assert [row["utc"] for row in rows] == sorted(row["utc"] for row in rows)
        numbers += shown
        frames += [row["frame"] for row in rows]
    assert len(frames) == summary["frames"]
    assert (np.diff(frames) > 0).all()
    # On a slow machine frames are passed over, which their numbers tell: they are the images' own but for the break.
    apart = np.diff(numbers) - np.diff(frames)
    assert (apart >= 0).all(), "no image twice"
    assert (apart > 0).sum() == 1, "none is missing but those of the time it was away, across the cuts too"


def test_the_time_of_day_is_the_senders(server):
    """Its reports come after a second or so; from then on every image says when it was taken, not when it came."""
    with open_source(server.url, frames=150) as source:
        frames = list(source)
    late = frames[100:]
    assert all(frame.utc is not None for frame in late)
    spans = np.diff([frame.utc.timestamp() for frame in late if frame.utc])
    # By the time of arrival the network and the machine's load would show.
    np.testing.assert_allclose(spans, 0.04, atol=5e-3)
