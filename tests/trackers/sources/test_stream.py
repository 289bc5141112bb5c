import contextlib
import dataclasses
import http.server
import threading
import time
from datetime import timedelta

import cv2
import numpy as np
import pytest

from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.errors import InputError
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import StreamSettings, open_source, stream
from remix_track.trackers.sources.newest import newest
from remix_track.trackers.sources.source import Picture
from tests.footage import read_stamp, stamped, write_video

QUICK = StreamSettings(
    reconnect_tries=3, reconnect_wait=0.01, reconnect_longest_wait=0.02, stream_timeout=5, stream_keep=1000
)


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


def send_images(handler, numbers, size=(160, 96), *, head=True):
    if head:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
    for number in numbers:
        handler.wfile.write(image_part(number, size))


def image_part(number, size=(160, 96)):
    picture = cv2.imencode(".jpg", stamped(number, *size))[1].tobytes()
    begin = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return begin.encode() + picture + b"\r\n"


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
    assert connections >= 1 + 3
    assert "the stream broke off after frame" in source.problems[-1]
    assert "did not come back in 3 tries" in source.problems[-1]
    assert "secret" not in "".join(source.problems)
    assert capfd.readouterr() == ("", "")


def test_a_live_stream_goes_on_with_the_next_number(caplog):
    def answer(handler, number):
        if number > 3:
            handler.send_error(503)
        else:
            send_images(handler, range(10 * number, 10 * number + 5))

    with serve(answer) as (url, counted), open_source(url + "/live", stream=QUICK) as source:
        frames = list(source)
        assert source.live
        assert source.frames is None
    assert [read_stamp(frame.image) for frame in frames] == [*range(10, 15), *range(20, 25), *range(30, 35)]
    assert [frame.index for frame in frames] == list(range(1, 16))
    assert (np.diff([frame.time for frame in frames]) > 0).all()
    assert len(counted) == 3 + 3
    assert len(source.problems) == 1
    assert source.problems[0].startswith("the stream broke off after frame 15 (")
    assert "trying again in 0.01 s" in caplog.text
    assert "trying again in 0.02 s" in caplog.text
    assert "secret" not in caplog.text


def test_a_live_stream_that_comes_back_in_another_size_goes_on():
    def answer(handler, number):
        send_images(handler, range(1, 6), (160, 96) if number == 1 else (80, 48))

    with serve(answer) as (url, _), open_source(url, frames=8, stream=QUICK) as source:
        assert [frame.image.shape[1] for frame in source] == [160] * 5 + [80] * 3
    assert "the image changes from 160x96 to 80x48 at frame 6;" in source.warnings[-1]


def test_a_live_stream_stops_where_the_user_says():
    with serve(lambda handler, _: send_images(handler, range(1, 200))) as (url, counted):
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
    silent, images = threading.Event(), b"".join(map(image_part, range(1, 60)))

    def answer(handler, _):
        send_images(handler, [])
        handler.wfile.write(images)
        handler.wfile.flush()
        silent.wait(20)

    patience = StreamSettings(reconnect_tries=0, stream_timeout=1, stream_keep=1000)
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


def test_pictures_that_waited_when_the_reading_began_are_not_passed_over():
    """What FFmpeg collected while it looked at the stream comes at once, faster than anybody tracks."""
    closed: list[bool] = []
    dropped: list[int] = []
    left = iter(range(20, -1000, -1))
    reader = newest(pictures(50, closed), 4, threading.Event(), lambda: dropped.append(1), lambda: next(left) > 0)
    first = next(reader).number
    time.sleep(0.3)
    rest = [picture.number for picture in reader]
    assert [first, *rest][:20] == list(range(1, 21))
    assert len(rest) + 1 + len(dropped) == 50


@pytest.mark.parametrize(
    ("reconnect_tries", "auto", "most"),
    [("auto", 5, 5), ("auto", None, None), ("forever", 5, None), (0, 5, 0), (7, None, 7)],
)
def test_how_often_it_is_tried(reconnect_tries, auto, most):
    assert StreamSettings(reconnect_tries=reconnect_tries).tries(auto) == most


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reconnect_tries", -1),
        ("reconnect_wait", -0.1),
        ("reconnect_wait", float("nan")),
        ("reconnect_longest_wait", float("inf")),
        ("stream_timeout", 0.0),
        ("stream_connect_timeout", -1.0),
        ("stream_keep", 0),
        ("stream_keep", 1001),
    ],
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} = .*; expected"):
        StreamSettings(**{name: value})


@pytest.mark.parametrize("most", ["5", "forever", "auto"])
def test_tries_come_from_flags_and_files(tmp_path, most):
    path = tmp_path / "a.toml"
    path.write_text(f"[stream]\nreconnect_tries = {most if most == '5' else repr(most)}\nstream_timeout = 3\n")
    for words in (["--reconnect-tries", most, "--stream-timeout", "3"], ["--config", str(path)]):
        parser = Parser()
        add_sections(parser, TrackSettings)
        made = collect_sections(parser.parse_args(words), TrackSettings).stream
        assert (made.reconnect_tries, made.stream_timeout) == (int(most) if most == "5" else most, 3)


@pytest.mark.parametrize(("clip_seconds", "comes_back"), [(0.0, True), (60.0, False)])
def test_a_stream_over_http_is_waited_for_once_it_has_lasted(monkeypatch, clip_seconds, comes_back):
    """It is away for eight tries: more than a clip gets that has no length, and fewer than a camera."""
    monkeypatch.setattr(stream, "_CLIP_SECONDS", clip_seconds)

    def answer(handler, number):
        if 1 < number < 10:
            handler.send_error(503)
        else:
            send_images(handler, range(number, number + 5))

    patience = dataclasses.replace(QUICK, reconnect_tries="auto")
    with serve(answer) as (url, _), open_source(url, frames=8, stream=patience) as source:
        frames = list(source)
    assert len(frames) == (8 if comes_back else 5)
    assert (source.broke_off is None) == comes_back
    if source.broke_off is None:
        assert "broke off and came back once, and was away for" in source.warnings[-1]
    else:
        assert source.broke_off.startswith("the stream broke off after frame 5 (")
        assert source.broke_off.endswith("did not come back in 6 tries")


def test_a_stream_without_stamps_has_the_times_of_arrival():
    """Ten images a second, which FFmpeg would call twenty-five."""

    taken, frames = threading.Semaphore(0), []

    def answer(handler, _):
        for number in range(1, 16):
            send_images(handler, [number], head=number == 1)
            taken.acquire(timeout=1)  # so that they never arrive together, however late they are read
            time.sleep(0.1)

    once = dataclasses.replace(QUICK, reconnect_tries=0)
    with serve(answer) as (url, _), open_source(url, stream=once) as source:
        for frame in source:
            frames.append(frame)
            taken.release()
        arrived = time.time()
    assert frames[-1].time - frames[0].time > 0.8
    said = [line for line in source.warnings if "its time stamps stand still or are missing" in line]
    assert len(said) == 1
    days = [frame.utc for frame in frames if frame.utc]
    assert len(days) == len(frames)
    assert all(arrived - 60 < day.timestamp() <= arrived for day in days)
    assert days[0].utcoffset() == timedelta(0)
    assert days == sorted(days)


def test_a_live_transport_stream_starts_its_clock_anew_at_each_connection(tmp_path):
    """Its stamps are believed, also where a server plays the same recording round and round."""
    part = write_video(tmp_path / "a.ts", frames=20, options={"bf": "2", "g": "10"}).read_bytes()

    def answer(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp2t")
        handler.end_headers()
        handler.wfile.write(part + part)

    with serve(answer) as (url, counted), open_source(url + "/live.ts", frames=100, stream=QUICK) as source:
        frames = list(source)
        assert source.live
    assert len(counted) == 3
    assert [frame.index for frame in frames] == list(range(1, 101))
    assert [read_stamp(frame.image) for frame in frames] == [*range(1, 21)] * 5
    steps = np.diff([frame.time for frame in frames])
    assert (steps > 0).all()
    np.testing.assert_allclose(np.delete(steps, [39, 79]), 0.04, atol=2e-3)
    assert source.problems == []
    assert not any("stand still" in warning for warning in source.warnings)


def test_a_file_has_no_time_of_day(tmp_path):
    with open_source(write_video(tmp_path / "a.mp4", frames=3)) as source:
        assert [frame.utc for frame in source] == [None] * 3
