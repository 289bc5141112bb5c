"""Kill -9 at random moments: the text and the video are whole up to a recent frame."""

import random
import signal
import subprocess
import sys
import time

import av
import cv2
import numpy as np
import pytest

# A process that tracks for ever: frame i has i % 4 people and shows its number as twelve black or white columns.
TRACKING = """
import itertools, sys
from pathlib import Path
import numpy as np
from remix_track.detections import Tracks
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.tables import JsonLinesSink
from remix_track.trackers.sinks.video import VideoSink

folder, frames = Path(sys.argv[1]), int(sys.argv[2])
text, lines = MotTextSink(folder / "tracks.txt"), JsonLinesSink(folder / "tracks.jsonl")
sinks = [text, lines, VideoSink(folder / "video.mp4", 30)]
for index in range(1, frames + 1) if frames else itertools.count(1):
    image = np.zeros((96, 192, 3), np.uint8)
    for bit in range(12):
        image[:, 16 * bit : 16 * bit + 16] = 255 * (index >> bit & 1)
    count = index % 4
    xyxy = np.tile(np.array([[10, 20, 30, 60]], np.float32), (count, 1))
    ids = np.arange(1, count + 1)
    tracks = Tracks(ids, xyxy, np.full(count, 0.9, np.float32), np.zeros(count, np.int64), ids - 1)
    for sink in sinks:
        sink.write(TrackedFrame(index, image, index / 30, tracks))
    print(index, flush=True)
print("closing", flush=True)
for sink in sinks:
    sink.close()
"""


def killed(folder, seconds, frames=0, after="1"):
    """Start tracking, and kill it some time after it has printed `after`; the last frame that was written for sure."""
    command = [sys.executable, "-c", TRACKING, str(folder), str(frames)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = 0
        for line in process.stdout:
            last = int(line) if line.strip().isdigit() else last
            if line.strip() == after:
                break
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            last = int(line) if line.endswith("\n") and line.strip().isdigit() else last
    return last


def check_text(folder, last):
    """Whole lines, and of every frame up to the last either all people or, beyond it, none."""
    text = (folder / "tracks.txt").read_text()
    lines = text.splitlines()
    assert not text or text.endswith("-1,-1,-1\n")
    assert all(len(line.split(",")) == 10 for line in lines)
    frames = [int(line.split(",")[0]) for line in lines]
    end = max(frames, default=0)
    assert end >= last - 1 - (last % 4 == 0)
    assert frames == [index for index in range(1, end + 1) for _ in range(index % 4)]
    objects = (folder / "tracks.jsonl").read_text()
    assert objects.endswith("}\n")
    assert len(objects.splitlines()) >= last


def check_video(path, last, missing):
    """The first frames in order, all but `missing`, with PyAV and with OpenCV."""
    with av.open(str(path)) as container:
        numbers = [number_in(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= last - missing
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    assert count == len(numbers)


def number_in(picture):
    columns = picture.reshape(96, 12, 16).mean(axis=(0, 2)) > 127
    return int((columns << np.arange(12)).sum())


def kill_in_mid_video(folder, seed):
    # The first fragment is there after 21 frames; before that there is no video to speak of.
    last = killed(folder, random.Random(seed).uniform(0, 0.5), after="25")
    assert last >= 25
    check_text(folder, last)
    check_video(folder / "video.mp4", last, missing=22)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_leaves_whole_files(tmp_path, seed):
    kill_in_mid_video(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 13))
def test_a_killed_run_leaves_whole_files_each_of_ten_times(tmp_path, seed):
    kill_in_mid_video(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", range(0, 30, 3))
def test_a_run_that_is_killed_while_it_closes_leaves_whole_files(tmp_path, milliseconds):
    last = killed(tmp_path, milliseconds / 1000, frames=400, after="closing")
    assert last == 400
    check_text(tmp_path, 400)
    check_video(tmp_path / "video.mp4", 400, missing=22)
