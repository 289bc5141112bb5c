import wave

import av
import cv2
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import decoding, open_source
from tests.footage import HEIGHT, WIDTH, cut, read_stamp, scramble, stamped, turn_display, write_video

B_FRAMES = {"bf": "2", "g": "10"}
# name -> codec, pixels, codec options, whether the file's own clock is to be trusted
WHOLE = {
    "a.mp4": ("libx264", "yuv420p", B_FRAMES),
    "a.mkv": ("libx264", "yuv420p", B_FRAMES),
    "a.ts": ("libx264", "yuv420p", B_FRAMES),
    "backwards-stamps.avi": ("libx264", "yuv420p", B_FRAMES),
    "no-stamps.h264": ("libx264", "yuv420p", B_FRAMES),
    "b.avi": ("mpeg4", "yuv420p", B_FRAMES),
    "b.mp4": ("mpeg4", "yuv420p", B_FRAMES),
    "jpeg.avi": ("mjpeg", "yuvj420p", {}),
    "hidden-frames.webm": ("libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "1M"}),
    "nine.webm": ("libvpx-vp9", "yuv420p", {"b": "1M"}),
    "old.mpg": ("mpeg2video", "yuv420p", {"b": "4M"}),
}


def read_all(path, **options):
    with open_source(path, **options) as source:
        return source, list(source)


@pytest.mark.parametrize("name", WHOLE)
def test_every_frame_of_a_whole_file_comes_with_its_number(tmp_path, name):
    codec, pixels, options = WHOLE[name]
    path = write_video(tmp_path / name, codec, pixels=pixels, options=options)
    source, frames = read_all(path)
    assert [frame.index for frame in frames] == list(range(1, 61))
    assert [read_stamp(frame.image) for frame in frames] == list(range(1, 61))
    assert (source.problems, source.warnings, source.lost_frames) == ([], [], 0)
    assert (source.fps, source.fps_known, source.frames_read) == (25, True, 60)
    times = np.array([frame.time for frame in frames])
    assert np.isfinite(times).all()
    assert (np.diff(times) > 0).all()
    if name != "backwards-stamps.avi":
        np.testing.assert_allclose(times, np.arange(60) / 25, atol=2e-3)


def test_pictures_are_the_callers_own(tmp_path):
    _, frames = read_all(write_video(tmp_path / "a.mp4", frames=5))
    for frame in frames:
        assert frame.image.shape == (HEIGHT, WIDTH, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert frame.image.flags.writeable
        frame.image[:] = 0
    assert not np.shares_memory(frames[0].image, frames[1].image)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"start": 5}, [*range(5, 21)]),
        ({"stride": 7}, [1, 8, 15]),
        ({"start": 3, "stride": 4, "frames": 3}, [3, 7, 11]),
        ({"frames": 1}, [1]),
        ({"frames": 500}, [*range(1, 21)]),
    ],
)
def test_selected_frames_keep_their_numbers(tmp_path, options, numbers):
    path = write_video(tmp_path / "a.mp4", frames=20)
    source, frames = read_all(path, **options)
    assert [frame.index for frame in frames] == numbers
    assert [read_stamp(frame.image) for frame in frames] == numbers
    assert source.frames == source.frames_read == len(numbers)
    np.testing.assert_allclose([frame.time for frame in frames], (np.array(numbers) - 1) / 25, atol=1e-6)


def test_the_users_rate_wins_also_in_times(tmp_path):
    source, frames = read_all(write_video(tmp_path / "a.mp4", frames=4), fps=10)
    assert source.fps == 10
    assert [frame.time for frame in frames] == [0, 0.1, 0.2, 0.3]


def test_variable_rate_gives_the_times_of_the_file_and_counts_on(tmp_path):
    stamps = [0, 1, 2, 6, 7, 8, 12, 13]
    source, frames = read_all(write_video(tmp_path / "a.mkv", frames=8, stamps=stamps))
    assert [frame.index for frame in frames] == list(range(1, 9))
    np.testing.assert_allclose([frame.time for frame in frames], np.array(stamps) / 25, atol=2e-3)
    assert source.problems == source.warnings == []


def test_repeated_frames_of_avi_are_not_taken_for_damage(tmp_path):
    path = write_video(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p", frames=8, stamps=[0, 1, 2, 5, 6, 7, 12, 13])
    source, frames = read_all(path)
    assert source.frames == 14  # the header's claim counts the repeats
    assert [read_stamp(frame.image) for frame in frames] == list(range(1, 9))
    assert source.problems == []


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_phone_videos_come_upright(tmp_path, turn):
    path = turn_display(write_video(tmp_path / "a.mp4", frames=3), turn)
    _, frames = read_all(path)
    capture = cv2.VideoCapture(str(path))
    for frame in frames:
        _, expected = capture.read()
        assert frame.image.shape == expected.shape == ((HEIGHT, WIDTH, 3) if turn == 180 else (WIDTH, HEIGHT, 3))
        assert frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(
    ("pixels", "dtype", "value", "expected"),
    [
        ("gray", np.uint8, 100, (100, 100, 100)),
        ("gray16le", np.uint16, 128 * 257, (128, 128, 128)),
        ("bgra", np.uint8, (10, 200, 60, 0), (10, 200, 60)),
    ],
)
def test_gray_deep_and_transparent_videos_come_as_bgr(tmp_path, pixels, dtype, value, expected):
    image = np.full((HEIGHT, WIDTH, *([4] if pixels == "bgra" else [])), value, dtype)
    path = write_video(tmp_path / "a.mkv", "ffv1", pixels=pixels, images=[image] * 3, image_format=pixels)
    _, frames = read_all(path)
    assert frames[2].image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frames[2].image.astype(int) - expected).max() <= 1


def test_ten_bit_video_comes_as_eight_bits(tmp_path):
    _, frames = read_all(write_video(tmp_path / "a.mkv", "ffv1", pixels="yuv420p10le", frames=5))
    assert [read_stamp(frame.image) for frame in frames] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("b.avi", "mpeg4", "yuv420p"),
        ("m.avi", "mjpeg", "yuvj420p"),
        ("v.webm", "libvpx-vp9", "yuv420p"),
    ],
)
def test_a_cut_file_gives_its_frames_and_says_where_it_ends(tmp_path, capfd, name, codec, pixels):
    muxer = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = cut(write_video(tmp_path / name, codec, pixels=pixels, options={"g": "10"}, muxer=muxer), 0.6)
    source, frames = read_all(path)
    assert 10 < len(frames) < 60
    assert [frame.index for frame in frames] == list(range(1, len(frames) + 1))
    assert [read_stamp(frame.image) for frame in frames[:-1]] == list(range(1, len(frames)))
    ended = len(frames) + source.lost_frames
    assert f"the file ends after frame {ended} of 60: the file is cut off or damaged" in source.problems
    assert capfd.readouterr() == ("", "")


def test_a_cut_avi_is_held_to_its_header(tmp_path):
    """FFmpeg guesses the duration of a cut AVI from its bytes; here the guess is right, so time tells nothing."""
    path = write_video(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p")
    whole = path.read_bytes()
    for share, count in ((0.9, 54), (0.98, 59)):
        path.write_bytes(whole)
        source, frames = read_all(cut(path, share))
        assert len(frames) == count
        assert source.problems == [f"the file ends after frame {count} of 60: the file is cut off or damaged"]


def test_threads_cost_no_frame_of_a_cut_file(tmp_path):
    path = write_video(tmp_path / "a.mp4", options={"bf": "3", "g": "20"}, muxer={"movflags": "faststart"})
    cut(path, 0.6)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        single: list[int] = []
        assert isinstance(stream, av.VideoStream)
        for packet in container.demux(stream):
            try:
                single += [read_stamp(np.asarray(f.to_ndarray(format="bgr24"), np.uint8)) for f in packet.decode()]
            except av.error.InvalidDataError:
                continue
    _, frames = read_all(path)
    assert [read_stamp(frame.image) for frame in frames] == single


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_numbers_fit_again_behind_a_damaged_place(tmp_path, capfd, name):
    path = write_video(tmp_path / name, options={"bf": "2", "g": "10"})
    scramble(path, 0.45, 0.55)
    source, frames = read_all(path)
    assert source.lost_frames > 0
    assert len(frames) + source.lost_frames == 60
    behind = [frame for frame in frames if frame.index > 41]
    assert [read_stamp(frame.image) for frame in behind] == [frame.index for frame in behind] == [*range(42, 61)]
    assert any("could not be decoded" in problem for problem in source.problems)
    numbers = [frame.index for frame in frames]
    assert numbers == sorted(set(numbers))
    assert capfd.readouterr() == ("", "")


def test_the_line_about_damage_names_the_frames(tmp_path):
    path = write_video(tmp_path / "a.mp4", "mjpeg", pixels="yuvj420p", frames=20)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][11]
        at, size = packet.pos or 0, packet.size
    content = bytearray(path.read_bytes())
    content[at : at + size] = bytes(size)
    path.write_bytes(content)
    source, frames = read_all(path)
    assert source.problems == ["frame 12 could not be decoded; 1 frame was lost"]
    assert [frame.index for frame in frames] == [read_stamp(frame.image) for frame in frames]
    assert [frame.index for frame in frames] == [*range(1, 12), *range(13, 21)]


def test_a_hole_in_time_is_told(tmp_path):
    stamps = [*range(10), *range(40, 50)]
    source, frames = read_all(write_video(tmp_path / "a.mkv", frames=20, stamps=stamps))
    assert len(frames) == 20
    assert source.problems == []
    assert source.warnings == [
        f"{tmp_path / 'a.mkv'}: no image for 1.24 s (31 frame lengths) after frame 10:"
        " a pause in the recording, or damage"
    ]


def _at(path, seconds):
    """The same video, its clock so many seconds later."""
    moved = path.with_name(f"at-{seconds:.0f}-{path.name}")
    with av.open(str(path)) as source, av.open(str(moved), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None and packet.pts is not None and packet.time_base:
                ticks = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, stream
                target.mux(packet)
    return moved


@pytest.mark.parametrize(
    "options", [B_FRAMES, {"bf": "0", "g": "25"}, {"bf": "3", "g": "20", "x264-params": "open-gop=1"}]
)
@pytest.mark.parametrize(
    ("begins", "apart"),
    [
        ((0, 0), 0),  # cat a.ts a.ts
        ((5000, 0), 0),
        ((100, 80), 0),
        ((0, 20 * 3600), 0),  # more than half of 26.5 hours is less than half of them back
        ((0, 5000), 5000 - 2.36),  # one camera, its clock ran on
        ((0, 50), 50 - 2.36),
        ((95441.3, 0), 0.06),  # the clock wraps
    ],
)
def test_recordings_end_to_end_are_one_video(tmp_path, options, begins, apart):
    part = write_video(tmp_path / "a.ts", options=options)
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(_at(part, begin).read_bytes() for begin in begins))
    source, frames = read_all(path)
    assert [frame.index for frame in frames] == list(range(1, 121))
    assert [read_stamp(frame.image) for frame in frames] == [*range(1, 61)] * 2
    assert (source.problems, source.lost_frames) == ([], 0)
    steps = np.diff([frame.time for frame in frames])
    np.testing.assert_allclose(np.delete(steps, 59), 1 / 25, atol=2e-3)
    assert steps[59] == pytest.approx(max(apart, 1 / 25), abs=0.03)
    if apart < 1:
        assert len(source.warnings) == (apart == 0)
    else:
        assert "no image for " in source.warnings[0]


@pytest.mark.parametrize("later", [0, 2.5, 4, 50])
@pytest.mark.parametrize("cut_off", [False, True])
def test_a_recording_may_begin_with_pictures_that_lean_on_what_was_cut_off(tmp_path, later, cut_off):
    """Decoders order images by numbers of their own, which begin anew at a join: none is lost, none comes too early.

    The second recording lies later by fewer frames than damage may swallow, and nothing was swallowed.
    """
    open_gop = "open-gop=1:keyint=20:min-keyint=20:scenecut=0"
    part = write_video(tmp_path / "a.ts", options={"bf": "3", "g": "20", "x264-params": open_gop})
    other = _at(part, later)
    if cut_off:
        with av.open(str(other)) as source, av.open(str(tmp_path / "cut.ts"), "w") as target:
            stream, keys = target.add_stream_from_template(source.streams.video[0]), 0
            for packet in source.demux(video=0):
                keys += packet.is_keyframe
                if packet.dts is not None and keys > 1:
                    packet.stream = stream
                    target.mux(packet)
        other = tmp_path / "cut.ts"
    alone = [read_stamp(frame.image) for frame in read_all(other)[1]]
    path = tmp_path / "both.ts"
    path.write_bytes(part.read_bytes() + other.read_bytes())
    source, frames = read_all(path)
    assert [frame.index for frame in frames] == list(range(1, 61 + len(alone)))
    assert [read_stamp(frame.image) for frame in frames] == [*range(1, 61), *alone]
    assert source.problems == []


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.mpg", "mpeg2video"), ("a.avi", "mpeg4")])
def test_other_files_end_to_end_are_one_video_too(tmp_path, name, codec):
    path = write_video(tmp_path / name, codec)
    path.write_bytes(2 * path.read_bytes())
    source, frames = read_all(path, start=7, stride=3)
    assert [frame.index for frame in frames] == list(range(7, 121, 3))
    assert [read_stamp(frame.image) for frame in frames] == [(n - 1) % 60 + 1 for n in range(7, 121, 3)]
    assert source.problems == []
    np.testing.assert_allclose(np.diff([frame.time for frame in frames]), 3 / 25, atol=2e-3)


def test_a_camera_that_records_what_moves_keeps_its_hours(tmp_path):
    stamps = [n + 25 * 3600 * (n // 15) for n in range(60)]
    for name in ("a.mkv", "a.mp4"):
        source, frames = read_all(write_video(tmp_path / name, stamps=stamps, options=B_FRAMES))
        assert [read_stamp(frame.image) for frame in frames] == list(range(1, 61))
        np.testing.assert_allclose([frame.time for frame in frames], np.array(stamps) / 25, atol=2e-3)
        assert source.problems == []
        assert "no image for 3600.04 s" in source.warnings[-1]


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@pytest.mark.parametrize(
    ("name", "codec", "muxer"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mp4", "libx264", {"movflags": "faststart"}),
        ("a.mp4", "libx264", FRAGMENTS),
        ("a.mov", "mpeg4", {}),
        ("a.flv", "flv1", {}),
        ("a.ivf", "libvpx", {}),
    ],
)
def test_files_of_which_ffmpeg_reads_the_first_alone_are_one_video_too(tmp_path, name, codec, muxer):
    parts = []
    for part in range(3):
        images = [stamped(number) for number in range(30 * part + 1, 30 * part + 31)]
        path = write_video(tmp_path / f"{part}{name}", codec, images=images, muxer=muxer, options={"g": "10"})
        parts.append(path.read_bytes())
    path = tmp_path / name
    path.write_bytes(b"".join(parts))
    source, frames = read_all(path)
    assert [(frame.index, read_stamp(frame.image)) for frame in frames] == [(n, n) for n in range(1, 91)]
    assert source.problems == []
    assert source.warnings[0] == f"{path}: 3 recordings end to end; they are one video here, without a gap in time"
    np.testing.assert_allclose(np.diff([frame.time for frame in frames]), 1 / 25, atol=2e-3)
    _, some = read_all(path, start=25, stride=10, frames=5)
    assert [read_stamp(frame.image) for frame in some] == [25, 35, 45, 55, 65]


def test_a_recording_that_cannot_be_read_behind_another_is_told(tmp_path):
    path = write_video(tmp_path / "a.mp4", muxer={"movflags": "faststart"}, frames=30)
    content = path.read_bytes()
    path.write_bytes(content + content[: content.index(b"moov") + 4])
    source, frames = read_all(path)
    assert len(frames) == 30
    assert len(source.problems) == 1
    assert source.problems[0].startswith(f"the recording behind frame 30: {path}: holds no video")


@pytest.mark.parametrize(("late", "whole"), [(0, True), (100, True), (100, False)])
def test_matroska_whose_clock_begins_late_is_not_cut_off(tmp_path, late, whole):
    path = write_video(tmp_path / "a.mkv", stamps=[n + 25 * late for n in range(60)])
    if not whole:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with open_source(path) as source:
        assert source.frames == 60
        frames = list(source)
    assert (len(frames) == 60, source.problems == []) == (whole, whole)


def test_after_a_change_of_size_the_source_goes_on(tmp_path):
    path = tmp_path / "a.mjpeg"
    large = [cv2.imencode(".jpg", stamped(n))[1].tobytes() for n in range(1, 6)]
    small = [cv2.imencode(".jpg", stamped(n, 80, 48))[1].tobytes() for n in range(6, 9)]
    path.write_bytes(b"".join(large + small))
    source, frames = read_all(path)
    assert [(frame.index, read_stamp(frame.image)) for frame in frames] == [(n, n) for n in range(1, 9)]
    assert [frame.image.shape[1] for frame in frames] == [160] * 5 + [80] * 3
    assert (source.width, source.height) == (WIDTH, HEIGHT)
    assert source.problems == []
    assert source.warnings[-1] == (
        f"{path}: the image changes from 160x96 to 80x48 at frame 6;"
        " all tracks end there, and a new part of the result begins"
    )


def _wave(path):
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))


def _text(path):
    path.write_text("1,1,10,20,30,40,1,-1,-1,-1\n" * 100)


def _list_of_files(path):
    write_video(path.parent / "other.mp4", frames=3)
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")


def _playlist(path):
    write_video(path.parent / "other.ts", frames=3)
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/other.ts\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("text.mp4", _text, "not a video, or too damaged to be opened; check that it plays"),
        ("empty.mp4", lambda path: path.touch(), "not a video, or too damaged to be opened; check that it plays"),
        ("tracks.txt", _text, "holds no video; give a video file, a folder of images, or a URL"),
        ("sound.wav", _wave, "holds no video; give a video file, a folder of images, or a URL"),
        ("list.ffconcat", _list_of_files, "holds no video; give a video file, a folder of images, or a URL"),
        (
            "no-end.mp4",
            lambda path: cut(write_video(path), 0.5),
            "not a video, or too damaged to be opened; check that it plays",
        ),
    ],
)
def test_what_is_no_video_gets_one_line(tmp_path, capfd, name, write, reason):
    write(tmp_path / name)
    with pytest.raises(InputError) as raised:
        read_all(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {reason}"
    assert capfd.readouterr() == ("", "")


def test_a_playlist_on_disk_reaches_no_network(tmp_path):
    _playlist(tmp_path / "a.m3u8")
    with pytest.raises(InputError, match=r"a\.m3u8: "):
        read_all(tmp_path / "a.m3u8")


def test_a_missing_file_gets_one_line(tmp_path):
    with pytest.raises(
        InputError, match=r"nothing\.mp4: no such file or folder; give a video, a folder or glob of images"
    ):
        open_source(tmp_path / "nothing.mp4")


def test_what_is_no_regular_file_is_not_opened():
    with pytest.raises(InputError, match="/dev/zero: not a file"):
        open_source("/dev/zero")


def test_a_colon_in_the_name_is_no_protocol(tmp_path, monkeypatch):
    write_video(tmp_path / "12:30 walk.mp4", frames=3)
    monkeypatch.chdir(tmp_path)
    source, frames = read_all("12:30 walk.mp4")
    assert len(frames) == 3
    assert source.name == "12-30-walk"


def test_start_beyond_the_end(tmp_path):
    path = write_video(tmp_path / "a.mp4", frames=7)
    with pytest.raises(InputError, match=r"a\.mp4: has only 7 frames, `start` 8 is beyond its end"):
        read_all(path, start=8)


def test_a_header_without_frames(tmp_path):
    path = write_video(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p", frames=30)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    with pytest.raises(InputError, match=r"a\.avi: (not one frame could be read|not a video)"):
        read_all(path)


def test_absurd_pictures_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", frames=2)
    monkeypatch.setattr(decoding, "MAX_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(InputError, match="images of 160x96, more than the 15359 pixels that are read; scale it down"):
        read_all(path)


def test_a_stream_that_grows_absurd_loses_those_frames_only(tmp_path, monkeypatch):
    path = tmp_path / "a.mjpeg"
    bomb = cv2.imencode(".jpg", stamped(2, 320, 192))[1].tobytes()
    path.write_bytes(b"".join([cv2.imencode(".jpg", stamped(1))[1].tobytes(), bomb, bomb]))
    monkeypatch.setattr(decoding, "MAX_PIXELS", 2 * WIDTH * HEIGHT)
    source, frames = read_all(path)
    assert [frame.index for frame in frames] == [1]
    assert source.lost_frames == 2


def test_a_title_in_another_encoding_is_no_obstacle(tmp_path):
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        container.metadata["title"] = "Strasse"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stamped(1), format="bgr24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"Strasse", b"Stra\xdfe "))
    assert len(read_all(path)[1]) == 1


def test_closing_early_and_twice_is_fine(tmp_path):
    source = open_source(write_video(tmp_path / "a.mp4", frames=30))
    for _ in source:
        break
    source.close()
    source.close()
    assert source.frames_read == 1


def test_real_footage_has_its_frames(shared):
    for path, count, size in [
        ("data/pets09-s2l1/video.avi", 795, (768, 576)),
        ("data/videos/one-by-one-person-detection.mp4", 1394, (768, 432)),
    ]:
        with open_source(shared(path), stride=100) as source:
            capture = cv2.VideoCapture(str(shared(path)))
            position = 0
            for frame in source:
                while position < frame.index:
                    _, expected = capture.read()
                    position += 1
                assert np.abs(frame.image.astype(int) - expected).max() <= 2
            assert source.frames == source.frames_read == -(-count // 100)
            assert (source.width, source.height) == size
            assert source.problems == []
        with open_source(shared(path), start=count) as source:
            assert [frame.index for frame in source] == [count]
