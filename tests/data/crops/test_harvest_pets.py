"""How many crops of real tracklets show their tracklet's person: PETS 2009 S2L1, whose truth only judges."""

from collections import Counter

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.boxes import iou_xyxy, xyxy_from_tlwh
from remix_track.data.crops import tracklets as tracklets_module
from remix_track.data.crops.harvest import _tracklets
from remix_track.data.crops.tracklets import HarvestSettings, Tracklet, TrackletCutter
from remix_track.trackers.detectors.find_detector import find_detector
from remix_track.trackers.detectors.yolo import YoloOptions
from remix_track.trackers.sources import open_source


class Remembering:
    """A detector that looks at each frame once."""

    name, dropped = "yolo11n", 0

    def __init__(self, weights):
        self.detector, self.known = find_detector(weights, YoloOptions(conf=0.25)), {}

    def __call__(self, frame):
        if frame.index not in self.known:
            self.known[frame.index] = self.detector(frame)
        return self.known[frame.index]


def purity(sequence, detector, monkeypatch):
    """(share of crops that are their tracklet's most frequent person, tracklets, crops, people)."""
    boxes, add = {}, Tracklet.add

    def remember(self, frame, time, jpeg, most):
        boxes[id(self), frame] = self.xyxy
        add(self, frame, time, jpeg, most)

    truth = mot_text.read(sequence / "gt" / "gt.txt")
    with monkeypatch.context() as patch, open_source(sequence / "video.avi") as source:
        patch.setattr(Tracklet, "add", remember)
        found = list(_tracklets(source, source.fps, detector, HarvestSettings(), lambda: None))
    right, judged = 0, 0
    people: set[int] = set()
    for one in found:
        seen: Counter[int] = Counter()
        for frame, _, _ in one.crops:
            rows = np.flatnonzero(truth.frame == frame)
            iou = iou_xyxy(boxes[id(one), frame][None], xyxy_from_tlwh(truth.tlwh[rows]))[0]
            if iou.max() > 0.4:
                seen[int(truth.id[rows[iou.argmax()]])] += 1
        if seen:
            person, crops = seen.most_common(1)[0]
            right, judged, people = right + crops, judged + seen.total(), people | {person}
    return right / judged, len(found), sum(len(one.crops) for one in found), len(people)


@pytest.mark.slow
def test_tracklets_are_one_person(shared, monkeypatch):
    sequence, weights = shared("data/pets09-s2l1"), shared("weights/yolo11n.pt")
    detector = Remembering(str(weights))
    ours = purity(sequence, detector, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(tracklets_module, "is_steady", lambda before, now: True)
        patch.setattr(tracklets_module, "meets", lambda xyxy, limit: np.zeros(len(xyxy), bool))
        patch.setattr(TrackletCutter, "_vanished", lambda *_: np.empty((0, 4)))
        patch.setattr(TrackletCutter, "_inside", lambda self, xyxy, width, height: np.ones(len(xyxy), bool))
        motion_alone = purity(sequence, detector, monkeypatch)
    for name, (share, tracklets, crops, people) in (("ours", ours), ("motion alone", motion_alone)):
        print(f"{name}: {share:.1%} of {crops} crops, {tracklets} tracklets, {people} people")
    assert ours[0] > 0.985
    assert ours[0] > motion_alone[0]
    assert ours[3] == 19
