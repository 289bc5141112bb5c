"""The log of a run as curves: TensorBoard's format, and no point twice after a resumption."""

import contextlib
import struct
from pathlib import Path

import pytest

from remix_track.errors import InputError
from remix_track.training.event_file import EventFile
from remix_track.training.run_log import CURVES, RunLog, read_log


def fields(data):
    """Fields of a message as (number, value): varints, fixed numbers as bytes, and bytes. Read as the format says."""
    found, at = [], 0

    def varint():
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            found.append((tag >> 3, varint()))
            continue
        size = {1: 8, 5: 4}[tag & 7] if tag & 7 != 2 else varint()
        found.append((tag >> 3, data[at : at + size]))
        at += size
    return found


def crc32c(data):
    """CRC-32C (RFC 3720, appendix B.4), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def unmasked(checksum):
    rotated = (checksum - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated << 15 | rotated >> 17) & 0xFFFFFFFF


def points(folder):
    """(step, tag, number) of the one file in `folder`."""
    (path,) = folder.iterdir()
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        length, checksum = struct.unpack_from("<QI", content, at)
        assert unmasked(checksum) == crc32c(content[at : at + 8])
        data = content[at + 12 : at + 12 + length]
        assert unmasked(struct.unpack_from("<I", content, at + 12 + length)[0]) == crc32c(data)
        event = dict(fields(data))
        at += 16 + length
        for _, value in fields(event.get(5, b"")):
            parts = dict(fields(value))
            found.append((event.get(2, 0), parts[1].decode(), round(struct.unpack("<f", parts[2])[0], 4)))
    return found


def write_run(log, epochs):
    for epoch in epochs:
        log.write("labels", epoch=epoch, clusters=10 * epoch)
        log.write("step", stage="joint", epoch=epoch, step=2, rate=0.1, total=5.5 - epoch, **{"camera/multi": None})
        log.write("step", stage="joint", epoch=epoch, step=3, rate=0.1, total=float("nan"))
        log.write("evaluation", epoch=epoch, map=epoch / 10)


def test_a_point_is_on_the_disk_as_soon_as_it_is_written(tmp_path):
    file = EventFile(tmp_path / CURVES)
    for step in range(3):
        file.write(step, {"loss": step / 2, "no number": float("nan")})
        assert points(tmp_path / CURVES) == [(s, "loss", s / 2) for s in range(step + 1)]


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    file = EventFile(tmp_path / CURVES)
    with Path("/dev/full").open("wb") as full:
        monkeypatch.setattr(file._writer._py_recordio_writer, "_writer", full)
        with pytest.raises(InputError, match=r"tensorboard: cannot be written \(No space left on device\)"):
            file.write(1, {"loss": 1.0})
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()


def test_curves_run_over_the_steps_of_both_stages(tmp_path):
    log = RunLog(tmp_path, tensorboard=True)
    log.write("start", settings="text", multi_camera_images=7)
    log.write("note", stage="pretrain", text="it rises")
    log.write("step", stage="pretrain", epoch=1, step=4, rate=0.5, total=1.0)
    log.write("step", stage="pretrain", epoch=2, step=4, rate=0.5, total=2.0)
    write_run(log, [1, 2])
    found = points(tmp_path / CURVES)
    assert [(step, number) for step, tag, number in found if tag == "pretrain/total"] == [(4, 1), (8, 2)]
    assert [(step, number) for step, tag, number in found if tag == "joint/total"] == [(10, 4.5), (13, 3.5)]
    assert [(step, number) for step, tag, number in found if tag == "labels/clusters"] == [(8, 10), (11, 20)]
    assert [(step, number) for step, tag, number in found if tag == "evaluation/map"] == [(11, 0.1), (14, 0.2)]
    assert {tag for _, tag, _ in found} == {
        "pretrain/total", "pretrain/rate", "joint/total", "joint/rate", "labels/clusters", "evaluation/map"
    }  # fmt: skip


def test_a_resumed_run_has_every_point_once(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    write_run(RunLog(tmp_path / "whole", tensorboard=True), [1, 2, 3])
    log = RunLog(tmp_path / "cut", tensorboard=True)
    write_run(log, [1])
    kept = log.lines
    write_run(log, [2])
    write_run(RunLog(tmp_path / "cut", kept, tensorboard=True), [2, 3])
    assert points(tmp_path / "cut" / CURVES) == points(tmp_path / "whole" / CURVES)
    assert read_log(tmp_path / "cut") == read_log(tmp_path / "whole")


def test_no_curves_unless_wanted(tmp_path):
    write_run(RunLog(tmp_path), [1])
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / CURVES).write_text("in the way")
    with pytest.raises(InputError, match=r"tensorboard: cannot be written \(File exists\)"):
        EventFile(tmp_path / CURVES)


def test_tensorboard_itself_reads_the_same(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = RunLog(tmp_path, tensorboard=True)
    write_run(log, [1, 2])
    read = accumulator.EventAccumulator(str(tmp_path / CURVES)).Reload()
    assert [(one.step, one.value) for one in read.Scalars("joint/total")] == [(2, 4.5), (5, 3.5)]
    write_run(RunLog(tmp_path, 4, tensorboard=True), [2])
    read.Reload()  # it was looking while the run went on
    assert [(one.step, one.value) for one in read.Scalars("joint/total")] == [(2, 4.5), (5, 3.5)]
