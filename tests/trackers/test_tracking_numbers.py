"""Both sides of each number that decides in tracking, and that the documents state the numbers which the code has."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from remix_track.detections import Detections, Tracks
from remix_track.trackers.association.camera_motion import CameraMotion
from remix_track.trackers.association.reid_skipping import unambiguous
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.drawing.drawer import Drawer, DrawingSettings
from remix_track.trackers.drawing.label import find_place
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.linking.finished_video import Boxes
from remix_track.trackers.linking.interpolation import BOX, fill_gaps
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.linking.within_video import link_tracks
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person

FRONT, SIDE = np.eye(4, dtype=np.float32)[:2]
NOTHING = np.empty((0, 0, 3), np.uint8)
LIMIT = 0.2
"""The largest appearance distance in these tests."""


def tracker(fps: float = 30, **changes: Any) -> Tracker:
    if changes.get("tracker") != "deep-sort":
        changes.setdefault("confirm_by_score", False)  # has numbers of its own, in test_life_cycle
    return Tracker("none", fps=fps, max_cosine_distance=LIMIT, **changes)


def look(distance: float) -> NDArray[np.float32]:
    """A unit vector at this cosine distance from FRONT."""
    return np.asarray((1 - distance) * FRONT + np.sqrt(1 - (1 - distance) ** 2) * SIDE, np.float32)


def standing(tracking: Tracker, frames: int = 5, embedding: Any = None) -> Tracker:
    """Somebody stands at 100, 40 pixels wide, and is seen for some frames."""
    for _ in range(frames):
        tracking.update(frame_of(person(100), embedding=embedding), NOTHING)
    return tracking


def ids_at(tracking: Tracker, left: float, *, score: float = 0.9, frames: int = 1, embedding: Any = None) -> list[int]:
    """Who is reported after somebody was seen at `left` for some frames. A shift s has an IoU of (40-s)/(40+s)."""
    tracks = Tracks.empty()
    for _ in range(frames):
        seen = frame_of(person(left), score=np.array([score], np.float32), embedding=embedding)
        tracks = tracking.update(seen, NOTHING)
    return list(map(int, tracks.ids))


# --- scores and overlap ---


@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
@pytest.mark.parametrize(("score", "ids"), [(0.5, [1]), (0.4999, [])])
def test_min_confidence_begins_a_track(kind, score, ids):
    assert ids_at(tracker(tracker=kind, n_init=1), 100, score=score) == ids


@pytest.mark.parametrize(("score", "ids"), [(0.1, [1]), (0.0999, [])])
def test_low_score_continues_one(score, ids):
    assert ids_at(standing(tracker()), 100, score=score) == ids


@pytest.mark.parametrize(("shift", "ids"), [(13, [1]), (14, [])])
def test_a_low_score_asks_for_an_overlap_of_one_half(shift, ids):
    assert ids_at(standing(tracker()), 100 + shift, score=0.3) == ids


@pytest.mark.parametrize(("shift", "ids"), [(21, [1]), (22, [])])
def test_a_sure_detection_asks_for_an_overlap_of_three_tenths(shift, ids):
    assert ids_at(standing(tracker()), 100 + shift) == ids


@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
@pytest.mark.parametrize(("shift", "ids"), [(21, [1]), (22, [])])
def test_so_does_a_track_that_is_not_confirmed(kind, shift, ids):
    tracking = standing(tracker(tracker=kind), frames=1)
    tracking.update(frame_of(person(100 + shift)), NOTHING)
    # Where the second box began a track of its own, that is seen for the second time now.
    assert ids_at(tracking, 100 + shift) == ids


# --- appearance ---


@pytest.mark.parametrize(("distance", "ids"), [(1.49 * LIMIT, [1]), (1.51 * LIMIT, [])])
def test_overlap_forgives_one_and_a_half_times_the_appearance_distance(distance, ids):
    tracking = standing(tracker(), embedding=FRONT)
    assert ids_at(tracking, 100, embedding=look(distance)) == ids


@pytest.mark.parametrize(("distance", "ids"), [(0.99 * LIMIT, [1]), (1.01 * LIMIT, [])])
def test_without_overlap_it_is_once_the_distance(distance, ids):
    tracking = standing(tracker(), embedding=FRONT)
    assert ids_at(tracking, 145, embedding=look(distance)) == ids


@pytest.mark.parametrize(("distance", "ids"), [(0.99 * LIMIT, [1]), (1.01 * LIMIT, [])])
def test_deep_sort_s_cascade_asks_for_the_distance(distance, ids):
    # After a missed frame the IoU stage leaves a track alone.
    tracking = standing(tracker(tracker="deep-sort"), embedding=FRONT)
    tracking.update(Detections.empty(), NOTHING)
    assert ids_at(tracking, 100, embedding=look(distance)) == ids


@pytest.mark.parametrize(("distance", "chosen"), [(0.049, 0), (0.055, 1)])
def test_appearance_weighs_three_times_what_overlap_does(distance, chosen):
    """The box in its place costs 3/4 d / (1.5 limit), the one that looks right and is 14 pixels off 1/4 (1 - IoU)."""
    tracking = standing(tracker(), embedding=FRONT)
    seen = tracking.update(frame_of(person(100), person(114), embedding=[look(distance), FRONT]), NOTHING)
    assert seen.detection.tolist() == [chosen]


@pytest.mark.parametrize(
    ("options", "shift", "ids"),
    [({}, 43, [1]), ({}, 44, []), ({"gate_scale": 8}, 87, [1]), ({"gate_scale": 8}, 88, [])],
)
def test_who_looks_alike_is_found_four_gates_away(options, shift, ids):
    """The gate of somebody who stood for eight frames, 40 pixels wide, reaches 11 pixels to the side."""
    assert ids_at(standing(tracker(**options), 8, FRONT), 100 + shift, embedding=FRONT) == ids


@pytest.mark.parametrize(("share", "ids"), [(0.99, [1]), (1.01, [])])
def test_the_mean_keeps_nine_tenths_of_what_it_was(share, ids):
    """One more vector tilts the mean; a third one is measured to that, from a direction that neither has."""
    tracking, tilted = standing(tracker(), embedding=FRONT), look(0.25)
    tracking.update(frame_of(person(100), embedding=tilted), NOTHING)
    mean = 0.9 * FRONT + 0.1 * tilted
    limit = share * 1.5 * LIMIT
    away = np.array([0, 0, np.sqrt(1 - (1 - limit) ** 2), 0])
    assert ids_at(tracking, 100, embedding=(1 - limit) * mean / np.linalg.norm(mean) + away) == ids


# --- classes ---


@pytest.mark.parametrize("embedding", [None, FRONT], ids=["motion", "appearance"])
@pytest.mark.parametrize("frames", [1, 5], ids=["unconfirmed", "confirmed"])
@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
@pytest.mark.parametrize("kept_apart", [True, False])
def test_match_classes(kind, frames, embedding, kept_apart):
    tracking = standing(tracker(tracker=kind, match_classes=kept_apart), frames, embedding)
    reported = 0
    for _ in range(3):
        seen = tracking.update(frame_of(person(100), class_id=[1], embedding=embedding), NOTHING)
        reported += len(seen)
    assert reported == (1 if kept_apart else 2 if frames == 1 else 3)
    # One that was not confirmed, and is not continued, has no id to lose.
    assert seen.ids.tolist() == [2 if kept_apart and frames == 5 else 1]


# --- how long ---


@pytest.mark.parametrize(("fps", "most"), [(30, 90), (15, 45)])
@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
@pytest.mark.parametrize("more", [0, 1])
def test_max_age_is_90_frames_at_30_fps(kind, fps, most, more):
    """Frames missed; Deep SORT counts, as the package does, the one in which somebody is found again as well."""
    tracking = standing(tracker(fps, tracker=kind), embedding=FRONT)
    for _ in range(most + more - (kind == "deep-sort")):
        tracking.update(Detections.empty(), NOTHING)
    assert ids_at(tracking, 100, embedding=FRONT) == ([] if more else [1])


@pytest.mark.parametrize(
    ("options", "missed", "ids"),
    [
        ({"tracker": "deep-sort"}, 29, [1]),
        ({"tracker": "deep-sort"}, 30, []),
        ({"tracker": "remix"}, 59, [1]),
        ({"tracker": "remix"}, 60, []),
        ({"tracker": "remix", "max_motion_age": 30}, 29, [1]),
        ({"tracker": "remix", "max_motion_age": 30}, 30, []),
    ],
)
def test_max_motion_age_is_30_frames_for_deep_sort_and_60_for_remix(options, missed, ids):
    tracking = standing(tracker(**options))
    for _ in range(missed):
        tracking.update(Detections.empty(), NOTHING)
    assert ids_at(tracking, 100) == ids


@pytest.mark.parametrize("kind", ["remix", "deep-sort"])
@pytest.mark.parametrize(("frames", "ids"), [(2, []), (3, [1])])
def test_n_init_is_three_frames(kind, frames, ids):
    assert ids_at(tracker(tracker=kind), 100, frames=frames) == ids


@pytest.mark.parametrize(("coast", "missed", "ids"), [(0, 1, []), (2, 2, [1]), (2, 3, [])])
def test_max_coast(coast, missed, ids):
    tracking = standing(tracker(max_coast=coast))
    for _ in range(missed):
        tracks = tracking.update(Detections.empty(), NOTHING)
    assert tracks.ids.tolist() == ids


# --- re-ID skipping ---


@pytest.mark.parametrize(("shift", "alone"), [(9.9, True), (10, True), (10.1, False)])
def test_unambiguous_is_an_overlap_of_one_half(shift, alone):
    expected, found = np.array([[100.0, 100, 30, 100]]), np.array([[100.0 + shift, 100, 30, 100]])
    pair = np.zeros(1, np.intp)
    assert unambiguous(expected, found, pair, pair, known=np.ones(1, np.bool_)).tolist() == [alone]


@pytest.mark.parametrize(("fps", "begun", "skipped"), [(30, 3, 10), (15, 2, 5)])
def test_a_look_is_good_for_ten_frames_at_30_fps(fps, begun, skipped):
    tracking = tracker(fps, reid="when-ambiguous")
    # The third frame (at 15 fps the second) confirms, and is the last look for a while.
    standing(tracking, begun + skipped, FRONT)
    assert (tracking.crops, tracking.crops_saved) == (begun, skipped)
    standing(tracking, 1, FRONT)
    assert (tracking.crops, tracking.crops_saved) == (begun + 1, skipped)


# --- linking ---

Ends = tuple[Boxes, Boxes, NDArray[np.float64]]


def two(
    gap: float, *, way: float = 0.0, vectors: Any = (FRONT, FRONT), left: float = 300.0, turned: float = 0.0
) -> Ends:
    """Somebody 40 x 100 pixels is lost at `left`, and found `gap` seconds later `way` pixels further; at 10 fps."""
    later = 10 + round(10 * gap)
    place = np.array([[left + 20, 200, 40, 100], [left + 20 + way, 200, 40, 100]])
    count = len(vectors)
    spans = np.array([[1, 10], [later, later + 9], [1, 10]])[:count]
    place = np.concatenate([place, [[900, 200, 40, 100]]])[:count]
    first, last = np.zeros((2, count), BOX)
    first["frame"], last["frame"] = spans.T
    first["xywh"] = last["xywh"] = place
    first["way"] = np.array([0.0, turned, 0.0])[:count]
    return first, last, np.array(vectors, np.float64)


def is_linked(tracks: Ends, **options: Any) -> bool:
    person = link_tracks(*tracks, LIMIT, max_gap=5.0, fps=10, **options)
    return bool(person[0] == person[1])


@pytest.mark.parametrize(("gap", "linked"), [(5.0, True), (5.1, False)])
def test_link_seconds(gap, linked):
    assert is_linked(two(gap)) is linked


@pytest.mark.parametrize(("gap", "way", "linked"), [(1, 299, True), (1, 301, False), (3, 699, True), (3, 701, False)])
def test_walking_distance_is_one_height_and_two_a_second(gap, way, linked):
    assert is_linked(two(gap, way=way)) is linked


@pytest.mark.parametrize(("distance", "linked"), [(0.99 * LIMIT, True), (1.01 * LIMIT, False)])
def test_linked_people_are_within_the_appearance_distance(distance, linked):
    assert is_linked(two(1, vectors=(FRONT, look(distance)))) is linked


@pytest.mark.parametrize(("share", "linked"), [(0.59, True), (0.61, False)])
def test_and_within_six_tenths_of_the_distance_to_others(share, linked):
    other = np.array([0.9, 0, np.sqrt(1 - 0.81), 0], np.float32)
    assert 1 - other @ FRONT == pytest.approx(0.1)
    assert is_linked(two(1, vectors=(FRONT, look(0.1 * share), other))) is linked


@pytest.mark.parametrize(("first", "linked"), [(10, False), (11, True)])
def test_others_are_those_who_share_a_frame_with_one_of_the_two(first, linked):
    """Another person who looks much the same, in the first track's last frame: appearance decides nothing here."""
    given = two(1, vectors=(FRONT, look(0.1), look(0.05)))
    given[0]["frame"][2], given[1]["frame"][2] = first, 19
    assert is_linked(given) is linked


@pytest.mark.parametrize(("class_id", "linked"), [(0, True), (1, False), (-1, False)])
def test_linked_people_are_of_one_class(class_id, linked):
    given = two(1)
    given[0]["class_id"][1] = given[1]["class_id"][1] = class_id
    assert is_linked(given) is linked


@pytest.mark.parametrize(
    ("left", "gap", "turned", "linked"),
    [
        (587.1, 1.0, 0.0, True),  # its right side is 12.9 pixels from that of the image, 2 % are 12.8
        (587.3, 1.0, 0.0, False),
        (12.9, 1.0, 0.0, True),
        (12.7, 1.0, 0.0, False),
        (12.7, 0.5, 0.0, True),  # not seen for half a second: hidden
        (12.7, 0.6, 0.0, False),
        (12.7, 1.0, 12.9, True),  # the camera turned
        (12.7, 1.0, 12.7, False),
    ],
)
def test_frame_borders(left, gap, turned, linked):
    assert is_linked(two(gap, left=left, turned=turned), frame_width=640) is linked


@pytest.mark.parametrize(("apart", "rows"), [(21, 22), (22, 2)])
def test_fill_seconds_is_seven_tenths(apart, rows):
    boxes = np.zeros(2, BOX)
    boxes["frame"], boxes["xywh"] = [1, 1 + apart], 50
    assert len(fill_gaps(boxes, round(OfflineSettings().fill_seconds * 30), 0)) == rows


# --- drawing ---


@pytest.mark.parametrize(("covered", "moves"), [(10, False), (11, True)])
def test_a_label_may_cover_an_eighth_of_others(covered, moves):
    """A label of 80 x 10 pixels; another one reaches `covered` pixels into it, over its whole height."""
    box, place = np.array([100, 100, 140, 200]), (100, 90)
    taken = np.array([[20, 90, 100 + covered, 100]])
    assert (find_place((80, 10), box, taken, (640, 480)) != place) is moves


def test_the_nearest_choose_first_where_their_label_goes():
    image = np.zeros((300, 400, 3), np.uint8)
    far, near = [100.0, 60, 140, 150], [104.0, 60, 150, 250]
    one = np.ones(2, np.int64)
    tracks = Tracks(np.array([1, 2]), np.array([far, near], np.float32), np.ones(2, np.float32), 0 * one, one)
    both = Drawer(DrawingSettings(boxes=False, trails=False)).draw(TrackedFrame(1, image, 0.0, tracks))
    alone = dataclasses.replace(
        tracks, **{f.name: v[1:] for f in dataclasses.fields(tracks) if (v := getattr(tracks, f.name)) is not None}
    )
    single = Drawer(DrawingSettings(boxes=False, trails=False)).draw(TrackedFrame(1, image, 0.0, alone))
    there = single.any(axis=2)
    assert np.array_equal(both[there], single[there])


# --- the camera ---

FIELD = (
    np.stack(np.meshgrid(np.linspace(200, 440, 6), np.linspace(120, 240, 5)), axis=-1)
    .reshape(-1, 1, 2)
    .astype(np.float32)
)


def camera_between(monkeypatch: pytest.MonkeyPatch, moved: NDArray[np.float32], found: int | None = None) -> Any:
    """What the camera is said to have done where its corners in one image are at `moved` in the next."""
    count = len(moved) if found is None else found
    status = (np.arange(len(moved)) < count).astype(np.uint8)[:, None]
    monkeypatch.setattr(cv2, "goodFeaturesToTrack", lambda *_, **__: FIELD)
    monkeypatch.setattr(cv2, "calcOpticalFlowPyrLK", lambda *_, **__: (moved, status, None))
    motion, picture = CameraMotion(), np.zeros((360, 640, 3), np.uint8)
    motion(picture, np.empty((0, 4)))
    return motion(picture, np.empty((0, 4)))


@pytest.mark.parametrize(("share", "believed"), [(0.29, True), (0.31, False)])
@pytest.mark.parametrize("side", [(1, 0), (0, -1)])
def test_a_camera_moves_by_three_tenths_of_the_longer_side_at_most(monkeypatch, share, believed, side):
    warp = camera_between(monkeypatch, FIELD + np.array(side, np.float32) * share * 640)
    assert (warp is not None) is believed


@pytest.mark.parametrize(("scale", "believed"), [(1.24, True), (1.26, False), (1 / 1.24, True), (1 / 1.26, False)])
def test_a_camera_zooms_by_a_quarter_at_most(monkeypatch, scale, believed):
    middle = np.array([320, 180], np.float32)
    assert (camera_between(monkeypatch, middle + scale * (FIELD - middle)) is not None) is believed


@pytest.mark.parametrize(("found", "believed"), [(12, True), (11, False)])
def test_twelve_corners_have_to_be_found(monkeypatch, found, believed):
    assert (camera_between(monkeypatch, FIELD + np.float32(5), found) is not None) is believed


# --- the documents ---

DOCUMENT = Path(__file__).parents[2] / "docs/guide/tracking.md"
DEFAULTS = {f.name: f.default for kind in (DeepSortSettings, AssociationSettings) for f in dataclasses.fields(kind)}
STATED = (
    re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]+) \|", DOCUMENT.read_text("utf-8"), re.M)
    if DOCUMENT.is_file()
    else []
)
"""Settings and what the table says of them: `low_score`, 0.1."""


@pytest.mark.skipif(not STATED, reason="the documents are not beside the installed package")
def test_the_documents_state_the_defaults():
    rows = [
        (name, value.strip())
        for names, values in STATED
        for name, value in zip(re.findall(r"\w+", names), values.split(", "), strict=False)
        if name in DEFAULTS and re.fullmatch(r"(on|off|\w+|[\d.]+)( frames at 30 fps)?", value.strip())
    ]
    assert len(rows) >= 14
    said = {name: value.removesuffix(" frames at 30 fps") for name, value in rows}
    wrong = {name: value for name, value in said.items() if not _is(DEFAULTS[name], value)}
    assert not wrong


def _is(default: Any, said: str) -> bool:
    if isinstance(default, bool):
        return said == ("on" if default else "off")
    if default is None:
        return said == "none"
    if isinstance(default, int | float):
        return float(said) == default
    return said == str(default)
