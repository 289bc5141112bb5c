"""Material from files: what the teacher says of footage, photographs without people, cut-out things."""

import dataclasses

import cv2
import numpy as np
import pytest

from remix_track.detections import Detections
from remix_track.detector_training import prepare as preparing
from remix_track.detector_training import teacher as teaching
from remix_track.detector_training.footage import empty_place
from remix_track.detector_training.material import LabelledFrame
from remix_track.detector_training.prepare import cut_out_things, prepare
from remix_track.detector_training.settings import MaterialSettings
from remix_track.detector_training.teacher import Teacher, label_video
from remix_track.errors import InputError
from remix_track.trackers.sources import open_source

PERSON = np.array([10, 10, 30, 60], np.float32)


class Finds:
    """A detector that finds one person left of the middle, and in mirror images a pixel beside it."""

    asked: list[int]
    score = 0.9

    def __init__(self, weights, options):
        self.size = options.imgsz

    def __call__(self, frame):
        self.asked.append(self.size)
        left_dark = frame.image[:, :40].mean() < frame.image[:, -40:].mean()
        width = frame.image.shape[1]
        mirrored = np.array([width - PERSON[2] + 1, PERSON[1], width - PERSON[0] + 1, PERSON[3]])
        box = PERSON if left_dark else mirrored
        return Detections(box[None].astype(np.float32), np.array([self.score], np.float32), np.zeros(1, np.int64))


@pytest.fixture
def teacher(monkeypatch):
    monkeypatch.setattr(Finds, "asked", [], raising=False)
    monkeypatch.setattr(teaching, "YoloDetector", Finds)
    return Finds


def write_frames(folder, count):
    """A folder of frames, a source like a video."""
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.png"), half_dark())


def half_dark(width=200):
    image = np.full((100, width, 3), 200, np.uint8)
    image[:, : width // 2] = 20
    return image


def test_a_frame_is_looked_at_in_two_sizes_and_mirrored(teacher, tmp_path):
    labelled = Teacher(tmp_path / "y.pt", 200)(half_dark())
    assert labelled.people.tolist() == [PERSON.tolist()], "one box a person, in pixels of the frame"
    assert len(labelled.unknown) == 0
    assert teacher.asked == [640, 640, 960, 960]
    teacher.asked.clear()
    Teacher(tmp_path / "y.pt", 768)(half_dark())
    assert teacher.asked == [768, 768, 1152], "a large mirror image costs too much"


@pytest.mark.parametrize(("score", "people", "unknown"), [(0.5, 1, 0), (0.49, 0, 1)])
def test_boxes_the_teacher_is_not_sure_of_are_unknown(teacher, monkeypatch, tmp_path, score, people, unknown):
    monkeypatch.setattr(teacher, "score", score)
    labelled = Teacher(tmp_path / "y.pt", 200)(half_dark())
    assert (len(labelled.people), len(labelled.unknown)) == (people, unknown)


def test_of_a_video_every_so_manieth_frame_is_labelled(teacher, tmp_path):
    write_frames(tmp_path / "v", 7)
    assert len(label_video(tmp_path / "v", 3, tmp_path / "y.pt")) == 3


@pytest.mark.parametrize(
    ("count", "known", "kept"),
    [
        (8, True, [0, 2, 4, 6]),
        (9, True, [0, 4, 8]),
        (24, True, [0, 6, 12, 18]),
        (8, False, [0, 2, 4, 6]),
        (9, False, [0, 4, 8]),
        (24, False, [0, 8, 16]),
    ],
)
def test_of_a_long_video_so_many_are_kept_evenly(teacher, monkeypatch, tmp_path, count, known, kept):
    images = [np.full((100, 200, 3), number, np.uint8) for number in range(count)]

    def opened(_, stride):
        source = open_source(images, stride=stride)
        source.frames = source.frames if known else None
        return source

    monkeypatch.setattr(teaching, "open_source", opened)
    labelled = label_video(tmp_path / "v", 2, tmp_path / "y.pt", most=4)
    assert [int(frame.image[0, 0, 0]) for frame in labelled] == kept


def test_the_longest_clip_of_the_shipped_config_is_used_as_before():
    assert -(-1394 // MaterialSettings().every) <= teaching.MOST_FRAMES


def test_an_empty_place_is_the_median_of_what_no_one_hides():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 75, 40, 3), np.uint8)
    left = np.arange(5, dtype=np.float32) * 6
    boxes = [np.array([[x, 25, x + 5, 70]], np.float32) for x in left]
    none = np.zeros((0, 4), np.float32)
    place = empty_place([LabelledFrame(image, box, none) for image, box in zip(images, boxes, strict=True)])
    assert place is not None
    assert (place[:20] == np.median(images[:, :20], axis=0).astype(np.uint8)).all()
    assert (place[30:65, 14] == np.median(images[[0, 1, 3, 4], 30:65, 14], axis=0).astype(np.uint8)).all()
    assert empty_place([LabelledFrame(images[0], boxes[0], none)]) is None


def test_things_are_images_with_holes(tmp_path):
    thing = np.full((300, 100, 4), 255, np.uint8)
    thing[:, :30, 3] = 0
    cv2.imwrite(str(tmp_path / "thing.png"), thing)
    cv2.imwrite(str(tmp_path / "opaque.png"), np.full((20, 20, 4), 255, np.uint8))
    (sprite,) = cut_out_things(tmp_path)
    assert sprite.alpha.shape == (220, 73)
    assert sprite.bgr[:, :20].max() == 0
    assert sprite.bgr[:, 24:].min() == 255
    cv2.imwrite(str(tmp_path / "thing.png"), thing.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "opaque.png"), np.full((20, 20, 4), 65535, np.uint16))
    (deep,) = cut_out_things(tmp_path)
    assert (deep.bgr == sprite.bgr).all(), "16 bits a channel"
    assert (deep.alpha == sprite.alpha).all()
    (tmp_path / "thing.png").unlink()
    with pytest.raises(InputError, match=r"holds no images with transparency; leave it out of material\.things$"):
        cut_out_things(tmp_path)


def test_footage_is_trained_on_or_held_out_and_photographs_have_no_people(teacher, monkeypatch, tmp_path):
    for name in ("shown", "held"):
        write_frames(tmp_path / name, 5)
    (tmp_path / "photographs").mkdir()
    cv2.imwrite(str(tmp_path / "photographs/a.png"), half_dark(240))
    settings = MaterialSettings(
        footage=(str(tmp_path / "shown"),),
        held_out=(str(tmp_path / "held"),),
        every=1,
        photographs=(str(tmp_path / "photographs"),),
        drawn_places=2,
        streets=1,
        held_out_streets=1,
        drawn_people=2,
        cut_people=1,
    )
    made = prepare(settings, seed=0)
    assert (len(made.material.footage), len(made.held_out)) == (5, 2)
    assert (len(made.material.streets), len(made.held_out_streets)) == (4, 4)
    assert len(made.material.drawn) == 2
    assert len(made.material.places) == 2, "the teacher finds someone in the photograph, and the place is never empty"
    monkeypatch.setattr(Finds, "__call__", lambda self, frame: Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0)))
    assert len(prepare(settings, seed=0).material.places) == 2 + 1 + preparing._REPEATS
    (tmp_path / "photographs/a.png").unlink()
    with pytest.raises(InputError, match="holds no photographs"):
        prepare(dataclasses.replace(settings, footage=(), held_out=()), seed=0)
