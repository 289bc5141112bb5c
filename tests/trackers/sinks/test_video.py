"""The video plays, at every size and rate, shows the colours it was given, and survives a full disk."""

import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks import video
from remix_track.trackers.sinks.video import VideoSink
from tests.trackers.sinks.test_sinks import file_size_limit


def frames_of(count, width=64, height=48, start=1):
    """Grey images, each a little lighter than the one before."""
    for index in range(start, start + count):
        image = np.full((height, width, 3), 20 + 2 * (index % 100), np.uint8)
        yield TrackedFrame(index, image, index / 10, Tracks.empty())


def write_all(sink, frames):
    with sink:
        for frame in frames:
            sink.write(frame)


def decoded(path):
    """Images as PyAV decodes them; OpenCV must count as many."""
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    assert count == len(pictures)
    return pictures


def boxes_of(path):
    """Kinds of the top level boxes of an MP4, which must fill the file exactly."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind.decode())
        at += size
    assert at == len(data)
    return kinds


@pytest.mark.parametrize("fps", [10, 7, 29.97, 30000 / 1001, Fraction(15, 2), 59.94, 0.5])
def test_the_video_has_the_frames_and_the_rate(tmp_path, fps):
    path = tmp_path / "video.mp4"
    write_all(VideoSink(path, fps), frames_of(25))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.frames == 25
        assert not stream.codec_context.has_b_frames
        assert stream.average_rate is not None
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.average_rate) == pytest.approx(float(fps), rel=1e-4)
        assert float(stream.duration * stream.time_base) == pytest.approx(25 / float(fps), rel=1e-3)
    shades = [picture.mean() for picture in decoded(path)]
    np.testing.assert_allclose(shades, [20 + 2 * index for index in range(1, 26)], atol=2)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 48), (64, 47), (97, 63), (2, 2), (1, 1), (17, 300)])
def test_odd_sizes_get_one_more_row_or_column_and_are_not_scaled(tmp_path, width, height):
    image = np.full((height, width, 3), 40, np.uint8)
    image[(np.indices((height, width)) // 2 % 2).any(axis=0)] = 200  # a grid that scaling would blur
    path = tmp_path / "video.mp4"
    write_all(VideoSink(path, 10), [TrackedFrame(1, image, 0.0, Tracks.empty())])
    (picture,) = decoded(path)
    assert picture.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(picture[:height, :width].astype(int) - image).mean() < 6


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (200, 30, 90)])
def test_colours_come_back(tmp_path, colour):
    image = np.full((64, 64, 3), colour, np.uint8)
    path = tmp_path / "video.mp4"
    write_all(VideoSink(path, 10), [TrackedFrame(1, image, 0.0, Tracks.empty())])
    assert np.abs(decoded(path)[0].astype(int) - colour).max() <= 6
    read = cv2.VideoCapture(str(path)).read()[1]
    assert np.abs(read.astype(int) - colour).max() <= 6


def test_the_drawn_picture_is_encoded(tmp_path):
    path = tmp_path / "video.mp4"
    sink = VideoSink(path, 10, lambda frame: np.full_like(frame.image, 222))
    assert sink.encoder is None
    write_all(sink, frames_of(2))
    assert sink.encoder == "libx264"
    assert all(abs(picture.mean() - 222) < 3 for picture in decoded(path))


def test_the_growing_file_plays_and_the_closed_one_is_in_one_piece(tmp_path):
    path = tmp_path / "video.mp4"
    sink = VideoSink(path, 10)
    for frame in frames_of(100):
        sink.write(frame)
    assert boxes_of(path)[:4] == ["ftyp", "moov", "moof", "mdat"]
    shades = [picture.mean() for picture in decoded(path)]
    assert 100 - 21 <= len(shades) < 100
    np.testing.assert_allclose(shades, [20 + 2 * (index % 100) for index in range(1, len(shades) + 1)], atol=2)
    sink.close()
    sink.close()
    kinds = boxes_of(path)
    assert "moof" not in kinds
    assert kinds.index("moov") < kinds.index("mdat")
    assert len(decoded(path)) == 100
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("frames", [1, 9, 100])
def test_in_place_the_growing_file_becomes_a_plain_one_without_a_copy(tmp_path, monkeypatch, frames):
    def no_copy(path):
        raise AssertionError(f"{path} is copied")

    monkeypatch.setattr(video, "atomic_write", no_copy)
    path = tmp_path / "video.mp4"
    sink = VideoSink(path, 10, in_place=True)
    for frame in frames_of(frames):
        sink.write(frame)
    inode, grown = path.stat().st_ino, path.read_bytes()
    if frames == 100:
        assert "moof" in boxes_of(path)
        assert 100 - 21 <= len(decoded(path)) < 100
    sink.close()
    sink.close()
    assert [kind for kind in boxes_of(path) if kind != "free"] == ["ftyp", "mdat", "moov"]
    assert path.stat().st_ino == inode
    assert sum(a != b for a, b in zip(grown, path.read_bytes(), strict=False)) <= 16, "a header is all that changes"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.frames, float(stream.average_rate or 0)) == (frames, 10)
    shades = [picture.mean() for picture in decoded(path)]
    np.testing.assert_allclose(shades, [20 + 2 * (index % 100) for index in range(1, frames + 1)], atol=2)
    assert list(tmp_path.iterdir()) == [path]


def test_in_place_without_room_for_the_index_the_fragments_stay(tmp_path):
    path = tmp_path / "video.mp4"
    sink = VideoSink(path, 10, in_place=True)
    for frame in frames_of(200):
        sink.write(frame)
    with file_size_limit(path.stat().st_size + 200), pytest.raises(InputError, match="what came before is whole"):
        sink.close()
    assert "moof" in boxes_of(path)
    assert len(decoded(path)) >= 200 - 22


def test_an_error_elsewhere_leaves_all_frames(tmp_path):
    path = tmp_path / "video.mp4"

    def interrupted():
        yield from frames_of(13)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_all(VideoSink(path, 10), interrupted())
    assert len(decoded(path)) == 13


def test_without_room_for_a_copy_the_fragments_stay(tmp_path, monkeypatch, caplog):
    path = tmp_path / "video.mp4"

    def full(path):
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(video, "atomic_write", full)
    write_all(VideoSink(path, 10), frames_of(33))
    assert "stays in fragments" in caplog.text
    assert len(decoded(path)) == 33


def test_a_full_disk_leaves_the_video_up_to_there(tmp_path):
    path = tmp_path / "video.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (20, 144, 176, 3), np.uint8)
    sink, written = VideoSink(path, 10), []

    def frames():
        for index in range(1, 1000):
            written.append(index)
            yield TrackedFrame(index, noise[index % 20], index / 10, Tracks.empty())

    with file_size_limit(1_000_000), pytest.raises(InputError) as caught:
        write_all(sink, frames())
    assert str(caught.value) == (
        f"{path}: cannot be written (File too large); what came before is whole; make room, run again"
    )
    assert len(written) - 32 <= len(decoded(path)) < len(written)
    boxes_of(path)


def test_a_video_without_frames_is_no_file(tmp_path):
    with VideoSink(tmp_path / "video.mp4", 10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_another_size_in_mid_stream_is_one_clear_error(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoSink(path, 10) as sink:
        for frame in frames_of(3):
            sink.write(frame)
        with pytest.raises(InputError) as caught:
            sink.write(next(frames_of(1, width=32, start=4)))
    assert str(caught.value) == f"{path}: frame 4 is 32x48, the video is 64x48; give `no_video`"
    assert len(decoded(path)) == 3


def test_a_picture_too_large_for_the_encoder_is_one_clear_error(tmp_path):
    image = np.zeros((2, 60_000, 3), np.uint8)
    with pytest.raises(InputError, match="images of 60000x2 cannot be encoded"), VideoSink(tmp_path / "v", 9) as sink:
        sink.write(TrackedFrame(1, image, 0.0, Tracks.empty()))


@pytest.mark.parametrize("fps", [0, -5, float("nan"), float("inf"), 1e6])
def test_a_rate_that_cannot_be_played_is_refused(tmp_path, fps):
    with pytest.raises(InputError, match="frames per second cannot be played"):
        VideoSink(tmp_path / "video.mp4", fps)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "video.mp4").write_text("precious")
    with pytest.raises(InputError, match="there is something already"):
        VideoSink(tmp_path / "video.mp4", 10)
    assert (tmp_path / "video.mp4").read_text() == "precious"
