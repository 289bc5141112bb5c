"""Frames that a network takes together, on a CPU with the code of a GPU: the same boxes, vectors and tracks."""

import threading

import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.encoder.load import load_embedder
from remix_track.errors import InputError
from remix_track.trackers.detectors.detected_shapes import Found
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.pipeline.together import for_threads
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings
from remix_track.trackers.sources import open_source


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads on a busy machine wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(shared):
    return shared("weights/yolo11n.pt")


@pytest.fixture(scope="module")
def frames(shared):
    """Three frames of PETS, the second one cut to another size."""
    film = cv2.VideoCapture(str(shared("data/pets09-s2l1/video.avi")))
    images = [np.asarray(film.read()[1]) for _ in range(3)]
    return [Frame(1, images[0], 0.0), Frame(2, images[1][:400, :600].copy(), 0.1), Frame(3, images[2], 0.2)]


@pytest.fixture(scope="module")
def detector(weights):
    return YoloDetector(weights, YoloOptions(imgsz=320, device="cpu", backend="torch"))


def test_a_detector_sees_in_many_frames_what_it_sees_in_each(detector, frames):
    many = detector.many(frames)
    assert [dropped for _, dropped in many] == [0, 0, 0]
    for (found, _), frame in zip(many, frames, strict=True):
        alone = detector(frame)
        assert len(found) == len(alone) > 1
        np.testing.assert_allclose(found.xyxy, alone.xyxy, atol=0.01)
        np.testing.assert_allclose(found.score, alone.score, atol=1e-4)


def test_each_thread_gets_what_belongs_to_its_frame(detector, frames):
    embedder = load_embedder("default", device="cpu", backend="torch")
    pairs = for_threads(detector, embedder, 3)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def look(place):
        boxes = pairs[place].detector(frames[place])
        own = pairs[place].embedder
        assert own is not None
        found[place] = boxes.xyxy, own(frames[place].image, boxes.xyxy)

    threads = [threading.Thread(target=look, args=(place,), daemon=True) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert embedder is not None
    for place, frame in enumerate(frames):
        xyxy, vectors = found[place]
        np.testing.assert_allclose(xyxy, detector(frame).xyxy, atol=0.01)
        np.testing.assert_allclose(vectors, embedder(frame.image, xyxy), atol=1e-4)


def test_boxes_that_are_not_finite_count_for_the_thread_whose_frame_it_is(detector, frames, monkeypatch):
    rows = np.array([[1, 2, 3, 4, 0.9, 0], [np.nan, 2, 3, 4, 0.8, 0]], np.float32)
    monkeypatch.setattr(detector._on_torch(), "find", lambda images, classes, shapes: [Found(rows)] * len(images))
    one, other = (pair.detector for pair in for_threads(detector, None, 2))
    assert len(one(frames[0])) == len(one(frames[1])) == 1
    assert (one.dropped, other.dropped) == (2, 0)
    assert vars(one)["class_names"] == detector.class_names
    assert vars(one)["classes"] == detector.classes == [0]


def test_tracks_are_those_of_frames_one_by_one(weights, shared):
    rows, batches = [], list[int]()
    for batch in (1, 4):
        session = Session(
            TrackSettings(
                detector=DetectorSettings(
                    str(weights), imgsz=320, detector_backend="torch", detector_batch=batch, device="cpu"
                ),
                appearance=AppearanceSettings(backend="torch"),
            ),
            threads=1,
        )
        run = session.run(open_source(shared("data/pets09-s2l1/video.avi")))
        seen = []
        for number, tracked in enumerate(run):
            seen += [(number, *one) for one in zip(tracked.tracks.ids, tracked.tracks.xyxy, strict=True)]
            if number == 7:
                break
        run.close()
        rows.append(seen)
        batches.append(session._at_once)
    assert batches == [1, 4]
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]]
    assert len(rows[0]) > 12
    np.testing.assert_allclose([row[2] for row in rows[0]], [row[2] for row in rows[1]], atol=0.05)


def test_openvino_takes_no_batches():
    with pytest.raises(InputError, match="looks at one frame at a time"):
        Session(TrackSettings(detector=DetectorSettings("yolo11n.pt", detector_batch=2, device="cpu")))


def test_a_gpu_takes_eight_where_nothing_is_said(monkeypatch):
    from remix_track.trackers.pipeline import session

    assert session._batch(DetectorSettings(device="cuda"), openvino=False) == 8
    assert session._batch(DetectorSettings(device="cpu"), openvino=False) == 1
    assert session._batch(DetectorSettings(device="cuda", detector_batch=3), openvino=False) == 3


def test_the_flag_is_there_and_bounded(capsys):
    assert main(["video.mp4", "--detector-batch", "65"]) == 2
    assert "--detector-batch = 65" in capsys.readouterr().err
