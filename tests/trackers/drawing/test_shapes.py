"""Masks and skeletons are drawn where they are, in the id's colour, and nowhere else."""

import numpy as np

from remix_track.detections import Tracks
from remix_track.id_colours import colour_of
from remix_track.masks import Masks
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.frame import TrackedFrame

BARE = DrawingSettings(boxes=False, labels=False, trails=False)


def drawn(settings=BARE, mask=None, keypoints=None, ids=(1,)):
    count = len(ids)
    boxes = np.tile([10, 10, 40, 60], (count, 1)).astype(np.float32)
    score, rows = np.ones(count, np.float32), np.arange(count)
    tracks = Tracks(np.array(ids), boxes, score, 0 * rows, rows, None, mask, keypoints)
    image = np.full((80, 100, 3), 100, np.uint8)
    return Drawer(settings).draw(TrackedFrame(1, image, 0.0, tracks)).astype(int)


def square(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def test_a_mask_is_filled_and_shows_what_is_behind_it():
    image = drawn(mask=Masks.of([square(12, 12, 38, 58)]))
    colour = np.array(colour_of(1))
    np.testing.assert_allclose(image[30, 25], 0.4 * colour + 60, atol=1)
    np.testing.assert_allclose(image[12, 25], colour, atol=90)
    assert (image[:10] == 100).all()
    assert (image[:, 45:] == 100).all()
    assert (drawn(DrawingSettings(boxes=False, labels=False, trails=False, masks=False), Masks.of([square(1, 1, 9, 9)]))
            == 100).all()  # fmt: skip


def test_masks_far_outside_and_none():
    for part in (square(-5e6, -5e6, -4e6, -4e6), square(200, 200, 300, 300)):
        assert (drawn(mask=Masks.of([part])) == 100).all()
    assert (drawn(mask=Masks.none(1)) == 100).all()
    whole = drawn(mask=Masks.of([square(-1e7, -1e7, 1e7, 1e7)]))
    assert (whole != 100).all(axis=2).all() or (whole != 100).any()


def test_a_skeleton_joins_what_is_sure():
    points = np.full((1, 17, 3), np.nan, np.float32)
    points[0, 5], points[0, 7], points[0, 9] = (20, 20, 0.9), (20, 50, 0.8), (60, 50, 0.4)
    image = drawn(keypoints=points)
    np.testing.assert_allclose(image[35, 20], colour_of(1), atol=20)
    assert (image[50, 30:] == 100).all(), "a wrist that is not sure is not joined to its elbow"
    off = drawn(DrawingSettings(boxes=False, labels=False, trails=False, skeletons=False), keypoints=points)
    assert (off == 100).all()
    few = drawn(keypoints=points[:, 5:10])
    assert (few[35] == 100).all(), "of other sets than COCO's the points alone"
    assert (few[20, 18:23] != 100).any()


def test_people_without_them_are_drawn_as_ever():
    plain = drawn(DrawingSettings())
    np.testing.assert_array_equal(plain, drawn(DrawingSettings(masks=False, skeletons=False)))
