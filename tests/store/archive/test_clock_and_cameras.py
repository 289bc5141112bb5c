"""When a file begins, and which camera recorded it."""

from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.store.archive.cameras import CameraNames
from remix_track.store.archive.clock_time import Clock

NOON = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)


def film(path: Path, created: str | None) -> Path:
    with av.open(str(path), "w") as container:
        if created:
            container.metadata["creation_time"] = created
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "20261129-120005.mp4",
        "gate_20261129120005_01.mp4",
        "2026-11-29T12:00:05Z.mkv",
        "cam 3 2026.11.29 12.00.05.avi",
        "gate-2026-11-29_12h00m05s.mp4",
    ],
)
def test_a_name_with_date_and_time_says_when_a_file_begins(name):
    assert Clock("auto").start_of(Path(name)) == NOON


@pytest.mark.parametrize("name", ["gate.mp4", "20261329-120005.mp4", "1202611291200051.mp4", "2026-11-29.mp4"])
def test_a_name_without_says_nothing(name):
    assert Clock("auto").start_of(Path(name)) is None


def test_a_time_without_zone_is_of_the_zone_that_is_given_and_z_is_utc():
    berlin = Clock("auto", "Europe/Berlin")
    assert berlin.start_of(Path("20261129-130005.mp4")) == NOON
    assert berlin.start_of(Path("20261129-120005Z.mp4")) == NOON
    assert berlin.start_of(Path("20260729-140005.mp4")) == NOON.replace(month=7)  # summer
    assert Clock("2026-11-29T13:00:05+01:00").start_of(Path("gate.mp4")) == NOON
    assert Clock("none").start_of(Path("20261129-120005.mp4")) is None


def test_a_pattern_is_looked_for_in_the_name_and_its_absence_is_said():
    clock = Clock("%d%m%y_%H%M%S")
    assert clock.start_of(Path("(cam)_291126_120005.mp4")) == NOON
    with pytest.raises(InputError, match=r"gate\.mp4: its name has no time such as %d%m%y_%H%M%S"):
        clock.start_of(Path("gate.mp4"))
    with pytest.raises(InputError, match="991399"):
        clock.start_of(Path("991399_120005.mp4"))


def test_a_container_says_when_it_was_made_unless_it_has_no_clock(tmp_path):
    auto = Clock("auto")
    assert auto.start_of(film(tmp_path / "a.mp4", "2026-11-29T12:00:05.000000Z")) == NOON
    assert auto.start_of(film(tmp_path / "b.mp4", "1970-01-01T00:00:00.000000Z")) is None
    assert auto.start_of(film(tmp_path / "c.mp4", None)) is None
    (tmp_path / "d.mp4").write_bytes(b"no video")
    assert auto.start_of(tmp_path / "d.mp4") is None


@pytest.mark.parametrize(
    ("start", "zone"), [("noon", "UTC"), ("%Q", "UTC"), ("auto", "Mars/Olympus"), ("auto", "../x")]
)
def test_what_is_no_time_no_pattern_and_no_zone_is_refused(start, zone):
    with pytest.raises(InputError, match=r"`(start_time|time_zone)`"):
        Clock(start, zone)


def test_a_camera_is_the_folder_that_holds_several_videos_else_the_file(tmp_path):
    (tmp_path / "gate").mkdir()
    alone = tmp_path / "yard.mp4"
    one, other = tmp_path / "gate" / "1.mp4", tmp_path / "gate" / "2.mp4"
    for path in (alone, one, other):
        path.touch()
    assert [CameraNames().of(path) for path in (alone, one, other)] == ["yard", "gate", "gate"]
    assert CameraNames("north").of(one) == "north"
    other.unlink()
    assert CameraNames().of(one) == "1"
