"""What is drawn: colours that keep, labels that can be read, trails that end, and an input that stays as it was."""

import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.errors import InputError
from remix_track.id_colours import colour_of, ink_on, linear, luminance
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.drawing.label import find_place, label_mask, stamp
from remix_track.trackers.frame import TrackedFrame

BOXES_ONLY = DrawingSettings(labels=False, trails=False)
TRAILS_ONLY = DrawingSettings(boxes=False, labels=False)


def frame_of(xyxy, index=1, ids=None, score=0.9, size=(240, 320), time=None, coasts=False):
    xyxy = np.array(xyxy, np.float32).reshape(-1, 4)
    count = len(xyxy)
    ids = np.arange(1, count + 1) if ids is None else np.array(ids)
    image = np.full((*size, 3), 90, np.uint8)
    detection = np.full(count, -1) if coasts else np.arange(count)
    tracks = Tracks(ids, xyxy, np.full(count, score), np.zeros(count, np.int64), detection)
    return TrackedFrame(index, image, index / 10 if time is None else time, tracks)


def changed(frame, picture):
    """Rows and columns of the pixels that differ from the frame's own image."""
    return np.nonzero((frame.image != picture).any(axis=2))


# --- colours


# Linear RGB as seen without green and without red cones: Machado, Oliveira and Fernandes (2009), severity 1.
SIGHT = {
    "full": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def oklab(linear_rgb):
    """Lightness, green-red, blue-yellow (Ottosson, 2020) of linear sRGB (N, 3)."""
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    axes = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(np.clip(linear_rgb, 0, 1) @ np.array(cones).T) @ np.array(axes).T


@pytest.mark.parametrize(("sight", "least"), [("full", 0.11), ("deuteranopia", 0.06), ("protanopia", 0.06)])
def test_any_24_ids_in_a_row_have_colours_that_can_be_told_apart(sight, least):
    # The difference that is just noticed is about 0.02.
    rgb = np.array([[linear(value / 255) for value in colour_of(id_)[::-1]] for id_ in range(1, 25)])
    seen = oklab(rgb @ SIGHT[sight].T)
    distance = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert distance[~np.eye(24, dtype=bool)].min() > least


def test_an_id_keeps_its_colour():
    assert colour_of(1) == (255, 133, 100)
    assert colour_of(25) == colour_of(1)
    assert colour_of(10**15) == colour_of(10**15)


def test_text_has_the_contrast_that_reading_takes_on_every_colour():
    for id_ in range(1, 1001):
        ground, ink = luminance(colour_of(id_)), luminance(ink_on(colour_of(id_)))
        contrast = (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)
        assert contrast >= 4.5, id_  # WCAG 2.1, level AA


# --- labels


def test_a_label_is_ink_on_its_ground():
    image = np.zeros((40, 120, 3), np.uint8)
    mask = label_mask("12 0.87", 14)
    stamp(image, mask, (5, 6), (10, 20, 250))
    part = image[6 : 6 + mask.shape[0], 5 : 5 + mask.shape[1]]
    assert (part[mask == 0] == (10, 20, 250)).all()
    assert (part[mask == 255] == ink_on((10, 20, 250))).all()
    assert 0.05 < (mask > 127).mean() < 0.5  # there are letters, and ground around them
    assert (mask[[0, -1]] == 0).all()
    assert (mask[:, [0, -1]] == 0).all()
    image[6 : 6 + mask.shape[0], 5 : 5 + mask.shape[1]] = 0
    assert not image.any()


def test_labels_of_one_size_have_one_height():
    assert len({label_mask(text, 13).shape[0] for text in ("1", "Agy", "77  0.01", "person 4")}) == 1


@pytest.mark.parametrize("place", [(-20, -5), (115, 35), (-500, 0), (0, 500), (120, 0)])
def test_a_label_beyond_the_border_is_cut_off(place):
    image = np.zeros((40, 120, 3), np.uint8)
    stamp(image, label_mask("12 0.87", 14), place, (1, 2, 3))
    assert image.shape == (40, 120, 3)


def test_a_label_stays_inside_the_picture_wherever_the_box_is():
    rng = np.random.default_rng(0)
    for box in rng.integers(-400, 700, (300, 4)):
        left, top = find_place((60, 18), box, np.empty((0, 4), np.int64), (320, 240))
        assert 0 <= left <= 320 - 60
        assert 0 <= top <= 240 - 18


def test_a_label_sits_on_its_box_when_there_is_room():
    assert find_place((60, 18), np.array([100, 90, 140, 200]), np.empty((0, 4), np.int64), (320, 240)) == (100, 72)


def test_labels_of_people_in_one_spot_do_not_cover_each_other():
    taken = np.empty((0, 4), np.int64)
    for _ in range(4):
        left, top = find_place((30, 18), np.array([100, 90, 140, 200]), taken, (320, 240))
        label = np.array([left, top, left + 30, top + 18])
        shared = np.minimum(label[2:], taken[:, 2:]) - np.maximum(label[:2], taken[:, :2])
        assert (np.clip(shared, 0, None).prod(axis=1) <= 30 * 18 / 8).all()
        taken = np.vstack([taken, label])


def test_the_label_says_id_and_score_and_a_coasting_track_has_no_score():
    seen, coasting = frame_of([[50, 80, 90, 200]]), frame_of([[50, 80, 90, 200]], score=np.nan, coasts=True)
    labels = DrawingSettings(boxes=False, trails=False)
    width = {
        name: np.ptp(changed(frame, Drawer(settings, names).draw(frame))[1]) + 1
        for name, frame, settings, names in [
            ("score", seen, labels, None),
            ("coasting", coasting, labels, None),
            ("no score", seen, DrawingSettings(boxes=False, trails=False, scores=False), None),
            ("class", seen, labels, {0: "person"}),
            ("no class", seen, DrawingSettings(boxes=False, trails=False, class_names=False), {0: "person"}),
        ]
    }
    assert width["score"] == width["no class"] == label_mask("1  0.90", 9).shape[1]
    assert width["coasting"] == width["no score"] == label_mask("1", 9).shape[1]
    assert width["class"] == label_mask("person 1  0.90", 9).shape[1]


# --- images


def test_the_input_stays_as_it_was_and_an_empty_frame_comes_back_bare():
    frame = frame_of([[50, 80, 90, 200]])
    before = frame.image.copy()
    assert (Drawer().draw(frame) != before).any()
    np.testing.assert_array_equal(frame.image, before)
    empty = frame_of([])
    picture = Drawer().draw(empty)
    np.testing.assert_array_equal(picture, empty.image)
    assert picture is not empty.image


def test_asked_twice_for_a_frame_it_draws_once():
    frame, drawer = frame_of([[50, 80, 90, 200]]), Drawer()
    assert drawer.draw(frame) is drawer.draw(frame)


def test_boxes_have_the_colour_of_their_id_and_nearer_people_lie_above():
    frame = frame_of([[50, 80, 90, 200], [60, 70, 90, 150]], ids=[7, 8])
    picture = Drawer(BOXES_ONLY).draw(frame)
    assert tuple(picture[180, 50]) == colour_of(7)
    assert tuple(picture[120, 60]) == colour_of(8)
    assert tuple(picture[120, 90]) == colour_of(7)


def test_everything_can_be_switched_off():
    nothing = DrawingSettings(boxes=False, labels=False, trails=False)
    drawer = Drawer(nothing)
    for index in range(1, 5):
        frame = frame_of([[50 + index, 80, 90 + index, 200]], index)
        np.testing.assert_array_equal(drawer.draw(frame), frame.image)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 900), (240, 320)])
def test_no_box_and_no_picture_is_too_odd_to_draw(size):
    odd = [
        [-1e30, -1e30, 1e30, 1e30],
        [5, 5, 5, 5],
        [90, 200, 50, 80],
        [1e9, 1e9, 2e9, 2e9],
        [-5, -5, 3, 3],
    ]
    drawer = Drawer()
    for index in (1, 2, 3):
        assert drawer.draw(frame_of(odd, index, size=size)).shape == (*size, 3)


def test_pictures_that_are_views_are_drawn_too():
    frame = frame_of([[50, 80, 90, 200]])
    mirrored = TrackedFrame(1, frame.image[:, ::-1], 0.0, frame.tracks)
    assert (Drawer().draw(mirrored) != mirrored.image).any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trail_seconds": -1.0}, "trail_seconds = -1.0; expected 0 to 3,600"),
        ({"line_width": 101}, "line_width = 101; expected 0 to 100"),
        ({"text_size": 3}, "text_size = 3; expected 6 to 200, or 0"),
    ],
)
def test_settings_that_cannot_be_drawn_are_refused(values, message):
    with pytest.raises(InputError) as caught:
        DrawingSettings(**values)
    assert str(caught.value) == message


# --- trails


def walk(drawer, frames, start=1, **more):
    """A person who walks five pixels to the right per frame; the last frame and its image."""
    for index in range(start, start + frames):
        frame = frame_of([[20 + 5 * index, 80, 40 + 5 * index, 200]], index, **more)
        picture = drawer.draw(frame)
    return frame, picture


def test_a_trail_follows_the_feet_for_as_long_as_was_asked():
    frame, picture = walk(Drawer(TRAILS_ONLY), 40)
    rows, columns = changed(frame, picture)
    assert np.abs(rows - 200).max() <= 3
    # Two seconds at ten frames per second and five pixels per frame end at x = 30 + 5 * 40.
    assert columns.max() == pytest.approx(230, abs=3)
    assert columns.min() == pytest.approx(130, abs=3)


def test_a_trail_gets_thinner_towards_its_old_end():
    frame, picture = walk(Drawer(TRAILS_ONLY), 40)
    height = (frame.image != picture).any(axis=2).sum(axis=0)
    assert height[135] < height[225]


def test_a_trail_ends_when_its_person_is_gone():
    drawer = Drawer(TRAILS_ONLY)
    walk(drawer, 10)
    still_there = frame_of([], 20)
    assert (drawer.draw(still_there) != still_there.image).any()
    over = frame_of([], 31)
    np.testing.assert_array_equal(drawer.draw(over), over.image)


@pytest.mark.parametrize("time", [None, 0.0], ids=["clock", "source without a clock"])
def test_memory_stays_bounded_however_many_people_pass(time):
    drawer = Drawer(TRAILS_ONLY)
    for index in range(1, 3001):
        drawer.draw(frame_of([[5, 5, 9, 20], [9, 5, 14, 20]], index, ids=[1, 1 + index], size=(24, 32), time=time))
    assert len(drawer._trails) <= 300
    assert max(len(trail.points) for trail in drawer._trails.values()) <= 256
