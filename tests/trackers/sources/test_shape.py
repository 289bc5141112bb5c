"""How wide a video's pixels are shown, and how fast a video plays whose file has no clock."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import decoding, open_source
from tests.footage import HEIGHT, WIDTH, read_stamp, stamped, turn_display, write_video


def read_all(path, **options):
    with open_source(path, **options) as source:
        return source, list(source)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.h264"])
@pytest.mark.parametrize(
    ("aspect", "shown"), [(Fraction(2), 320), (Fraction(16, 15), 171), (Fraction(8, 9), 142), (Fraction(1, 2), 80)]
)
def test_pixels_that_are_not_square_are_shown_as_players_show_them(tmp_path, name, aspect, shown):
    path = write_video(tmp_path / name, frames=3, aspect=aspect)
    source, frames = read_all(path)
    assert (source.width, source.height) == (shown, HEIGHT)
    assert [read_stamp(frame.image[:, : shown // 8 * 8]) for frame in frames] == [1, 2, 3]
    assert all(frame.image.flags.c_contiguous for frame in frames)
    said = (
        f"{path}: its pixels are not square (each {float(aspect):.4g} times as wide as high); as in players,"
        f" 160x96 stored is {shown}x96 shown, and boxes count shown pixels"
    )
    assert said in source.warnings


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_video_is_widened_before_it_is_turned(tmp_path, turn):
    plain = write_video(tmp_path / "plain.mp4", frames=1, aspect=Fraction(2))
    turned = turn_display(write_video(tmp_path / "turned.mp4", frames=1, aspect=Fraction(2)), turn)
    upright = np.rot90(read_all(plain)[1][0].image, -turn // 90)
    np.testing.assert_array_equal(read_all(turned)[1][0].image, upright)


@pytest.mark.parametrize(
    ("aspect", "width"), [(None, WIDTH), (Fraction(1), WIDTH), (Fraction(101, 100), WIDTH), (Fraction(51, 50), 163)]
)
def test_square_pixels_and_what_is_rounding_stay_as_they_are(tmp_path, aspect, width):
    source, _ = read_all(write_video(tmp_path / "a.mp4", frames=2, aspect=aspect))
    assert source.width == width
    assert bool(source.warnings) == (width != WIDTH)


def test_shapes_that_cannot_be_meant_are_taken_as_square_and_said(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", frames=2, aspect=Fraction(11, 2))
    source, _ = read_all(path)
    assert source.width == WIDTH
    assert source.warnings == [
        f"{path}: its pixels are not square (each 5.5 times as wide as high), which is implausible; they are taken as"
        " square"
    ]
    monkeypatch.setattr(decoding, "MAX_PIXELS", 2 * WIDTH * HEIGHT - 1)
    assert read_all(write_video(tmp_path / "b.mp4", frames=2, aspect=Fraction(2)))[0].width == WIDTH


@pytest.mark.parametrize(("stated", "width"), [(WIDTH, WIDTH), (2 * WIDTH, 2 * WIDTH), (None, 2 * WIDTH)])
def test_a_sequence_that_states_the_stored_width_counts_stored_pixels(tmp_path, stated, width):
    path = write_video(tmp_path / "a.mp4", frames=2, aspect=Fraction(2))
    size = f"imWidth={stated}\nimHeight={HEIGHT}\n" if stated else ""
    (tmp_path / "seqinfo.ini").write_text(f"[Sequence]\nname=a\nframeRate=10\n{size}")
    source, _ = read_all(tmp_path)
    assert source.width == width
    kept = f"{path}: its pixels are not square (each 2 times as wide as high); they stay as stored, 160x96, which its"
    assert any(line.startswith(kept) for line in source.warnings) == (stated == WIDTH)


@pytest.mark.parametrize("video", [True, False])
@pytest.mark.parametrize("factor", [1, 2])
def test_pictures_of_another_size_than_the_sequence_states_are_said(tmp_path, video, factor):
    if video:
        write_video(tmp_path / "a.mp4", frames=2)
    else:
        (tmp_path / "img1").mkdir()
        cv2.imwrite(str(tmp_path / "img1" / "000001.png"), stamped(1))
    size = f"imWidth={factor * WIDTH}\nimHeight={factor * HEIGHT}\n"
    (tmp_path / "seqinfo.ini").write_text(f"[Sequence]\nframeRate=10\n{size}")
    source, _ = read_all(tmp_path)
    said = [line for line in source.warnings if "images of 160x96, where seqinfo.ini states 320x192" in line]
    assert len(said) == len(source.warnings) == factor - 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_the_rate_of_a_recording_that_pauses_is_not_its_mean(tmp_path, name):
    stamps = [n + 25 * 3600 * (n // 30) for n in range(60)]
    source, frames = read_all(write_video(tmp_path / name, stamps=stamps))
    assert (source.fps, len(frames)) == (25, 60)
    assert "0.0167 frames a second in the mean, but mostly 25 from one to the next" in source.warnings[0]
    doubled = [2 * n - n % 2 for n in range(60)]  # 12.5 in the mean, half of 25
    assert read_all(write_video(tmp_path / f"b{name}", stamps=doubled))[0].fps == pytest.approx(12.5, rel=0.02)


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.264", "libx264"), ("a.hevc", "libx265")])
@pytest.mark.parametrize(("rate", "known"), [(12, True), (240, True), (241, False), (1000, False)])
def test_bare_streams_play_at_the_rate_that_the_codec_states(tmp_path, name, codec, rate, known):
    path = write_video(tmp_path / name, codec, frames=6, rate=rate, options={"x265-params": "log-level=none"})
    source, frames = read_all(path)
    fps = rate if known else 30
    assert (source.fps, source.fps_known) == (fps, known)
    assert [frame.time for frame in frames] == [pytest.approx(index / fps) for index in range(6)]
    doubts = [] if known else [f"{path}: the frame rate is unknown; 30 is assumed, `fps` sets it"]
    assert source.warnings == doubts
    source, frames = read_all(path, fps=5)
    assert (source.fps, frames[5].time, source.warnings) == (5, 1, [])


def test_stamps_that_ffmpeg_makes_up_are_no_times(tmp_path):
    path = write_video(tmp_path / "a.mjpeg", "mjpeg", frames=4, rate=12, pixels="yuvj420p")
    source, frames = read_all(path)
    assert (source.fps, source.fps_known) == (30, False)
    assert frames[3].time == pytest.approx(0.1)


def test_a_rate_in_the_container_is_not_held_to_what_bare_streams_may_claim(tmp_path):
    path = write_video(tmp_path / "a.mp4", frames=6, rate=480)
    assert read_all(path)[0].fps == 480
    with pytest.raises(InputError, match="`fps` = 1001"):
        open_source(path, fps=1001)
