"""A detector in 8-bit integers: taken where its boxes are float32's, and where they are not one line says so."""

import importlib.util
import logging
from typing import Any

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.errors import InputError
from remix_track.extras import ExtraError
from remix_track.trackers.api import track
from remix_track.trackers.detectors import int8
from remix_track.trackers.detectors.int8 import LEAST_FRAMES, SAMPLE, Agreement, Float32, agreement, divided, in_int8
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.sample import sample

runs = pytest.mark.skipif(not openvino_runtime.is_usable(), reason="openvino does not run here")
has_nncf = pytest.mark.skipif(importlib.util.find_spec("nncf") is None, reason="NNCF is not installed (extra int8)")
CONF = 0.25


def rows(*lefts, score=0.9, class_id=0.0):
    return np.array([[left, 0, left + 100, 100, score, class_id] for left in lefts], np.float32).reshape(-1, 6)


# --- how far boxes agree ---


@pytest.mark.parametrize(("shift", "found"), [(0, 1), (17, 1), (18, 0)])
def test_a_box_is_found_where_it_overlaps_by_seven_tenths(shift, found):
    agreed = agreement([(rows(0), rows(shift))], CONF)
    assert (agreed.boxes, agreed.found, agreed.others, agreed.confirmed) == (1, found, 1, found)
    assert np.isnan(agreed.mean_iou) if not found else agreed.mean_iou == pytest.approx((100 - shift) / (100 + shift))


@pytest.mark.parametrize(("score", "boxes"), [(0.35, 1), (0.3499, 0)])
def test_boxes_near_the_least_confidence_may_be_missing(score, boxes):
    agreed = agreement([(rows(0, score=score), rows())], CONF)
    assert (agreed.boxes, agreed.found) == (boxes, 0)
    agreed = agreement([(rows(), rows(0, score=score))], CONF)
    assert (agreed.others, agreed.confirmed) == (boxes, 0)


def test_a_sure_box_may_be_found_unsure_but_not_as_another_class():
    assert agreement([(rows(0), rows(0, score=0.26))], CONF).found == 1
    assert agreement([(rows(0), rows(0, class_id=1.0))], CONF).found == 0


@pytest.mark.parametrize(
    ("found", "confirmed", "iou", "trouble"),
    [
        (98, 98, 0.97, None),
        (97, 100, 1.0, "97.0 % of float32's boxes are found, where 98 % are needed"),
        (100, 97, 1.0, "97.0 % of its boxes are float32's, where 98 % are needed"),
        (100, 100, 0.969, "its boxes overlap float32's by 0.969, where 0.97 is needed"),
    ],
)
def test_both_sides_of_what_is_asked(found, confirmed, iou, trouble):
    assert Agreement(100, found, 100, confirmed, iou).trouble == trouble


def test_no_frame_is_both_measured_and_compared():
    frames: Any = list(range(72))
    calibration, held_out = divided(frames)
    assert (len(calibration), len(held_out)) == (48, 24)
    assert sorted(calibration + held_out) == frames


# --- what is made of that ---


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(int8, "_refused", {})
    int8._say.cache_clear()
    monkeypatch.setattr(int8, "fastest", lambda networks: networks[0])


def shifting(by):
    """A network that adds a number: how far a detector made of it moves its boxes."""
    ov = openvino_runtime.openvino()
    from openvino import opset13 as op

    given = op.parameter([1, 1], np.float32)
    return ov.Model([op.add(given, np.float32(by))], [given])


def detector(network):
    request = network.create_infer_request()

    def boxes(image):
        request.infer([np.zeros((1, 1), np.float32)])
        by = float(request.get_output_tensor(0).data[0, 0])
        return rows(*(200 * place + by for place in range(image[0, 0, 0])))

    return boxes


class Exact:
    """A detector that finds so many people in each frame, and what quantisation would make of it."""

    def __init__(self, monkeypatch, people=5, shift=0.0):
        self.quantised = 0
        self.people = people

        def quantise(model, images, to_input):
            self.quantised += 1
            assert len({id(image) for image in images}) == len(images)
            return shifting(shift)

        monkeypatch.setattr(int8, "_nncf", lambda: quantise)
        network = openvino_runtime.compiled_exactly(shifting(0), 1)
        self.float32 = Float32(
            name="net.pt",
            facts={"test": people},
            network=network,
            model=lambda: shifting(0),
            boxes=detector,
            scaled=lambda image: image,
            input=lambda image: image.astype(np.float32),
            conf=CONF,
            threads=1,
        )

    def frames(self, count=SAMPLE):
        return lambda: (np.full((4, 4, 3), self.people, np.uint8) for _ in range(count))

    def __call__(self, frames, *, needed=True):
        return in_int8(self.float32, frames, needed=needed)


@runs
@pytest.mark.usefixtures("cache")
class TestMaking:
    def test_boxes_that_agree_are_taken_and_kept(self, monkeypatch, caplog):
        exact = Exact(monkeypatch, shift=1)
        made = exact(exact.frames())
        assert detector(made)(np.full((4, 4, 3), 1, np.uint8))[0, 0] == 1
        assert exact(None) is not None
        assert exact.quantised == 1
        assert not [one for one in caplog.records if one.levelno >= logging.WARNING]

    def test_boxes_that_do_not_are_one_line_and_it_is_not_tried_again(self, monkeypatch, caplog):
        exact = Exact(monkeypatch, shift=30)
        assert [exact(exact.frames()), exact(exact.frames()), exact(None)] == [None] * 3
        assert exact.quantised == 1
        said = "net.pt: computed in float32, not int8: 0.0 % of float32's boxes are found, where 98 % are needed"
        assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == [said]

    def test_what_is_not_faster_is_not_taken(self, monkeypatch, caplog):
        monkeypatch.setattr(int8, "fastest", lambda networks: networks[1])
        exact = Exact(monkeypatch)
        assert exact(exact.frames()) is None
        assert "it is not faster on this CPU" in caplog.text

    @pytest.mark.parametrize(("people", "made"), [(1, False), (2, True)])  # 24 and 48 boxes in 24 frames
    def test_too_few_people_are_no_evidence_for_this_source_alone(self, monkeypatch, caplog, people, made):
        exact = Exact(monkeypatch, people)
        assert (exact(exact.frames()) is not None) == made
        assert ("24 boxes in 24 frames are too few to judge it by" in caplog.text) != made
        # Other threads have no frames, and another source does.
        assert (exact(None) is not None) == made
        exact.people = 2
        assert exact(exact.frames()) is not None

    @pytest.mark.parametrize(("count", "made"), [(LEAST_FRAMES - 1, False), (LEAST_FRAMES, True)])
    def test_a_few_frames_are_needed(self, monkeypatch, caplog, count, made):
        exact = Exact(monkeypatch, people=9)
        assert (exact(exact.frames(count)) is not None) == made
        assert ("track a file of this camera once" in caplog.text) != made

    def test_without_nncf_it_is_an_error_or_a_line(self, monkeypatch, caplog):
        exact = Exact(monkeypatch)

        def absent():
            raise ExtraError("`detector_precision` int8 needs the package nncf; pip install 'remix-track[int8]'")

        monkeypatch.setattr(int8, "_nncf", absent)
        with pytest.raises(ExtraError, match="needs the package nncf"):
            exact(exact.frames())
        # The other threads, which have no frames, say nothing more.
        assert [exact(exact.frames(), needed=False), exact(None, needed=False)] == [None, None]
        assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1
        assert "not int8: `detector_precision` int8 needs the package nncf" in caplog.text

    def test_what_nncf_cannot_take_stays_as_it_is(self, monkeypatch, caplog):
        exact = Exact(monkeypatch)
        monkeypatch.setattr(int8, "_nncf", lambda: lambda *given: 1 / 0)
        assert exact(exact.frames()) is None
        assert "NNCF does not take it (ZeroDivisionError)" in caplog.text


def test_what_openvino_does_not_compute_is_refused_before_it_is_loaded(tmp_path):
    (tmp_path / "net.pt").write_bytes(b"not looked at")
    with pytest.raises(InputError, match=r"int8 is for .* on OpenVINO; leave `detector_precision` out"):
        YoloDetector(tmp_path / "net.pt", YoloOptions(precision="int8", backend="torch"))


# --- the frames ---


def images(count):
    return [np.full((8, 8, 3), number, np.uint8) for number in range(count)]


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, range(0, 90, 9)),
        ({"start": 11}, range(10, 90, 8)),
        ({"stride": 3}, range(0, 90, 9)),
        ({"frames": 40}, range(0, 40, 4)),
        ({"frames": 4}, range(4)),
    ],
)
def test_frames_come_from_all_over_what_is_tracked(options, places):
    with open_source(images(90), **options) as source:
        assert [int(image[0, 0, 0]) for image in sample(source, 10)] == list(places)
        assert source.frames_read == 0
        assert len(list(source)) == source.frames


def test_of_what_comes_once_none_are_taken():
    with open_source(iter(images(20))) as source:
        assert not list(sample(source, 10))
        assert len(list(source)) == 20


@runs
@has_nncf
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_real_people_are_found_in_8_bits_as_in_32(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    video, weights = shared("data/pets09-s2l1/video.avi"), shared("weights/yolo11n.pt")
    counts = []
    for precision in ("float32", "int8"):
        run = track(video, detector=str(weights), weights="none", frames=120, detector_precision=precision)
        counts.append([len(frame.ids) for frame in run])
        assert (", int8)" in run.detector.name) == (precision == "int8")
    assert np.mean(np.abs(np.diff(counts, axis=0))) < 0.2
