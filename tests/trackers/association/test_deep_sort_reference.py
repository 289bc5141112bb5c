"""Parity: with the original Deep SORT's own output, and with the bare package where it is not at fault."""

import numpy as np
import pytest

from remix_track.boxes import tlwh_from_xyxy, xyxy_from_tlwh
from remix_track.detections import Detections
from remix_track.trackers.association.settings import DeepSortSettings
from tests.deep_sort_scenes import (
    bare_package,
    deep_sort,
    memory,
    package_boxes,
    package_tracks,
    street,
    table,
    with_released_gallery,
)


def test_reproduces_the_original_on_mot17_09(shared):
    folder = shared("data/deep-sort-reference")
    found = np.load(folder / "MOT17-09-FRCNN.npy", allow_pickle=False)
    expected = np.loadtxt(folder / "MOT17-09-FRCNN.txt", delimiter=",")
    published = DeepSortSettings(min_confidence=0, max_cosine_distance=0.2, max_age=30, nn_budget=100, max_coast=1)
    adapter, pairs, rows = deep_sort(published), set(), 0
    for frame in range(1, 526):
        now = found[found[:, 0] == frame]
        xyxy = xyxy_from_tlwh(now[:, 2:6]).astype(np.float32)
        # The original takes the features from column 10 on, though the file has seven columns before them.
        persons, features = np.zeros(len(now), np.int64), now[:, 10:].astype(np.float32)
        people = adapter.update(Detections(xyxy, now[:, 6].astype(np.float32), persons, features))
        theirs = expected[expected[:, 0] == frame]
        assert len(people) == len(theirs)
        rows += len(people)
        if len(people):
            apart = np.abs(tlwh_from_xyxy(people.xyxy)[:, None] - theirs[None, :, 2:6]).max(axis=2)
            assert apart.min(axis=1).max() < 0.01
            pairs |= set(zip(people.ids.tolist(), theirs[apart.argmin(axis=1), 1].tolist(), strict=True))
    assert rows == len(expected) == 3025
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({original for _, original in pairs}) == 30


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_released_gallery_reproduces_the_bare_package(seed):
    package = bare_package(max_age=30, nn_budget=100)
    adapter = with_released_gallery(deep_sort(DeepSortSettings(max_age=30, match_classes=False)))
    pairs = set()
    for detections in street(300, people=12, width=16, seed=seed):
        theirs = package_boxes(package_tracks(package, detections))
        people = adapter.update(detections)
        assert len(people) == len(theirs)
        for id_, box in zip(people.ids.tolist(), people.xyxy, strict=True):
            key = min(theirs, key=lambda key: float(np.abs(theirs[key] - box).max()))
            np.testing.assert_allclose(box, theirs[key], atol=1e-3)
            pairs.add((id_, key))
        seen = {id_ for id_, _ in pairs}
        assert len(pairs) == len(seen) == len({key for _, key in pairs})
    held = zip(table(adapter)["public_id"].tolist(), table(adapter)["memory"].tolist(), strict=True)
    galleries = {id_: memory(adapter).vectors(row) for id_, row in held}
    for id_, key in pairs:
        if id_ in galleries:
            samples = np.stack(package.tracker.metric.samples[key])
            samples /= np.linalg.norm(samples, axis=1, keepdims=True)
            assert len(samples) == len(galleries[id_])
            np.testing.assert_allclose(np.sort(samples, axis=0), np.sort(galleries[id_], axis=0), atol=1e-6)
