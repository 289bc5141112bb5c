import contextlib
import http.server
import threading
import time

import cv2
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import StreamSettings, open_source
from remix_track.trackers.sources.newest import newest
from remix_track.trackers.sources.source import Picture
from tests.footage import read_stamp, stamped, write_video

QUICK = StreamSettings(tries=3, first_wait=0.01, longest_wait=0.02, timeout=5, keep=1000)


@contextlib.contextmanager
def serve(answer):
    """An HTTP server whose n-th connection is answered by `answer(handler, n)`; gives its address."""
    counted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            counted.append(self.path)
            with contextlib.suppress(ConnectionError):
                answer(self, len(counted))
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_port}", counted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler, content, *, claimed=None):
    handler.send_response(200)
    handler.send_header("Content-Type", "video/mp4")
    handler.send_header("Content-Length", str(claimed or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def send_pictures(handler, numbers, size=(160, 96)):
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    handler.end_headers()
    for number in numbers:
        picture = cv2.imencode(".jpg", stamped(number, *size))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        handler.wfile.write(head.encode() + picture + b"\r\n")


@pytest.fixture
def recording(tmp_path):
    path = write_video(tmp_path / "a.mp4", options={"g": "5", "bf": "2"}, muxer={"movflags": "faststart"})
    return path.read_bytes()


def test_a_recording_is_read_to_its_end(recording):
    with (
        serve(lambda handler, _: send(handler, recording)) as (url, _),
        open_source(url + "/walk/a.mp4?key=1") as source,
    ):
        frames = list(source)
        assert (source.live, source.frames, source.fps) == (False, 60, 25)
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames] == [*range(1, 61)]
    assert source.problems == []
    assert "secret" not in source.path + source.name
    assert "key" not in source.path
    assert source.name.endswith("walk-a.mp4")


def test_a_recording_that_breaks_off_goes_on_where_it_broke(recording):
    def answer(handler, number):
        send(handler, recording if number > 3 else recording[: len(recording) // 2], claimed=len(recording))

    with serve(answer) as (url, counted), open_source(url + "/a.mp4", stream=QUICK) as source:
        frames = list(source)
    assert len(counted) >= 4
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames]
    assert frames[-1].index == 60
    assert len(frames) + source.lost_frames == 60
    np.testing.assert_allclose([f.time for f in frames], [(f.index - 1) / 25 for f in frames], atol=1e-3)


def test_a_recording_that_stays_broken_ends_with_one_line(recording, capfd):
    half = recording[: len(recording) // 2]
    with (
        serve(lambda handler, _: send(handler, half, claimed=len(recording))) as (url, counted),
        open_source(url + "/a.mp4", stream=QUICK) as source,
    ):
        frames = list(source)
        connections = len(counted)
    assert 10 < len(frames) < 60
    assert [frame.index for frame in frames] == list(range(1, len(frames) + 1))
    assert connections >= 1 + QUICK.tries
    assert "the stream broke off after frame" in source.problems[-1]
    assert "did not come back in 3 tries" in source.problems[-1]
    assert "secret" not in "".join(source.problems)
    assert capfd.readouterr() == ("", "")


def test_a_live_stream_goes_on_with_the_next_number(caplog):
    def answer(handler, number):
        if number > 3:
            handler.send_error(503)
        else:
            send_pictures(handler, range(10 * number, 10 * number + 5))

    with serve(answer) as (url, counted), open_source(url + "/live", stream=QUICK) as source:
        frames = list(source)
        assert source.live
        assert source.frames is None
    assert [read_stamp(frame.image) for frame in frames] == [*range(10, 15), *range(20, 25), *range(30, 35)]
    assert [frame.index for frame in frames] == list(range(1, 16))
    assert (np.diff([frame.time for frame in frames]) > 0).all()
    assert len(counted) == 3 + QUICK.tries
    assert len(source.problems) == 1
    assert source.problems[0].startswith("the stream broke off after frame 15 (")
    assert "trying again in 0.01 s" in caplog.text
    assert "trying again in 0.02 s" in caplog.text
    assert "secret" not in caplog.text


def test_a_live_stream_that_comes_back_in_another_size_ends():
    def answer(handler, number):
        send_pictures(handler, range(1, 6), (160, 96) if number == 1 else (80, 48))

    with serve(answer) as (url, _), open_source(url, stream=QUICK) as source:
        assert len(list(source)) == 5
    assert source.problems[-1].startswith("the picture changes from 160x96 to 80x48 at frame 6;")


def test_a_live_stream_stops_where_the_user_says():
    with serve(lambda handler, _: send_pictures(handler, range(1, 200))) as (url, counted):
        with open_source(url, start=3, stride=2, frames=4, stream=QUICK) as source:
            assert [frame.index for frame in source] == [3, 5, 7, 9]
        assert len(counted) == 1
    assert source.problems == []


def test_a_stream_that_dies_before_its_first_picture_is_an_error(recording):
    half = recording[: recording.index(b"mdat") + 4]
    with (
        serve(lambda handler, _: send(handler, half, claimed=len(recording))) as (url, _),
        pytest.raises(InputError, match=r"not one frame could be read|cannot be opened|not a video") as raised,
        open_source(url + "/a.mp4", stream=QUICK) as source,
    ):
        list(source)
    assert "secret" not in str(raised.value)


def test_silence_is_a_broken_connection():
    silent = threading.Event()

    def answer(handler, _):
        send_pictures(handler, range(1, 60))
        handler.wfile.flush()
        silent.wait(20)

    patience = StreamSettings(tries=0, timeout=0.3, keep=1000)
    with serve(answer) as (url, _):
        with open_source(url, stream=patience) as source:
            frames = list(source)
        silent.set()
    assert len(frames) >= 58
    assert source.problems[-1].startswith(f"the stream broke off after frame {len(frames)} (")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/a.mp4", "ftp://host: cannot read ftp; give rtsp, rtsps, http or https"),
        ("file:///etc/passwd", r"file://\.\.\.: not an address"),
        ("concat://a|b", "cannot read concat"),
        ("http://", r"http://\.\.\.: not an address; expected something like rtsp://camera/path"),
        ("http://[::1/a", "not an address"),
        (
            "rtsp://user:secret@127.0.0.1:1/live",
            r"rtsp://127\.0\.0\.1:1/live: cannot be opened \(.+\); check the address",
        ),
        ("http://user:secret@127.0.0.1:1/a", r"http://127\.0\.0\.1:1/a: cannot be opened \(.+\); check the address"),
    ],
)
def test_addresses_that_cannot_be_used(capfd, url, message):
    with pytest.raises(InputError, match=message) as raised:
        open_source(url, stream=QUICK)
    assert "secret" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_an_answer_of_404_is_told():
    with (
        serve(lambda handler, _: handler.send_error(404)) as (url, _),
        pytest.raises(InputError, match=r"/a\.mp4: cannot be opened \(.*404.*\)"),
    ):
        open_source(url + "/a.mp4")


def test_an_address_cannot_lead_to_files_of_this_machine(tmp_path):
    path = write_video(tmp_path / "a.ts", frames=5)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n".encode()
    with (
        serve(lambda handler, _: send(handler, playlist)) as (url, _),
        pytest.raises(InputError),
        open_source(url + "/a.m3u8", stream=QUICK) as source,
    ):
        list(source)


def pictures(count, closed):
    try:
        for number in range(1, count + 1):
            yield Picture(number, stamped(number), None)
    finally:
        closed.append(True)


def test_a_slow_tracker_gets_the_newest_pictures():
    closed: list[bool] = []
    dropped: list[int] = []
    stop = threading.Event()
    reader = newest(pictures(50, closed), 4, stop, lambda: dropped.append(1))
    first = next(reader).number
    while not closed:
        time.sleep(0.001)
    rest = [picture.number for picture in reader]
    assert rest[-4:] == [47, 48, 49, 50]
    assert len(rest) <= 5
    assert 1 + len(rest) + len(dropped) == 50
    assert first < rest[0]


def test_leaving_early_ends_the_thread():
    closed: list[bool] = []
    stop = threading.Event()
    reader = newest(pictures(10**9, closed), 4, stop, lambda: None)
    next(reader)
    reader.close()
    assert closed == [True]
    assert not [thread for thread in threading.enumerate() if thread.name == "remix-track stream"]


def test_what_the_thread_raises_reaches_the_caller():
    def broken():
        yield Picture(1, stamped(1), None)
        raise InputError("broken")

    reader = newest(broken(), 4, threading.Event(), lambda: None)
    assert next(reader).number == 1
    with pytest.raises(InputError, match="broken"):
        next(reader)
