"""A real RTSP server on the loopback, with H.264 as cameras send it."""

import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

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
    """No picture comes twice, none is passed over but those of the time it was away, and time goes on."""
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


def test_the_time_of_day_is_the_senders(server):
    """Its reports come after a second or so; from then on every picture says when it was taken, not when it came."""
    with open_source(server.url, frames=150) as source:
        frames = list(source)
    late = frames[100:]
    assert all(frame.utc is not None for frame in late)
    spans = np.diff([frame.utc.timestamp() for frame in late if frame.utc])
    # By the time of arrival the network and the machine's load would show.
    np.testing.assert_allclose(spans, 0.04, atol=5e-3)
