"""What is told after the end of a video: who was lost and found, where they were, and when they came."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import remix_track
from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.linking.finished_video import Boxes, FinishedVideo
from remix_track.trackers.linking.interpolation import BOX, fill_gaps, smooth
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.linking.within_video import link_tracks
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import frame_of, person
from tests.trackers.pipeline.test_run import Film, run_over

FRONT, BACK, SIDE = np.eye(8, dtype=np.float32)[:3]
NOTHING = np.empty((0, 0, 3), np.uint8)
OFFLINE = OfflineSettings(offline=True)
Ends = tuple[Boxes, Boxes, NDArray[np.float64]]


def finished(frames: list[Detections], settings: OfflineSettings = OFFLINE, **shared) -> FinishedVideo:
    tracker = Tracker.around(
        None, fps=30, settings=DeepSortSettings(**shared), association=AssociationSettings(tracker="remix")
    )
    noted = FinishedTracks(fps=30)
    for number, frame in enumerate(frames, 1):
        tracker.update(frame, NOTHING)
        tracker.note(noted, number)
    return tracker.finish(noted, settings)


def ids(done: FinishedVideo, frames: int) -> list[list[int]]:
    return [done.tracks(number).ids.tolist() for number in range(1, frames + 1)]


@pytest.mark.parametrize(("key", "value"), [("fill_seconds", -1.0), ("smoothness", float("nan"))])
def test_a_value_out_of_range_is_named(key, value):
    with pytest.raises(InputError, match=rf"^{key} = .*; expected at least 0$"):
        dataclasses.replace(OFFLINE, **{key: value})


def test_people_are_there_from_their_first_frame_and_false_alarms_are_not():
    #   frame   1  2  3  4  5
    #   person  x  x  x  x  x      confirmed in frame 3
    #   alarm      x
    there, alarm = person(100), person(400)
    frames = [frame_of(there), frame_of(there, alarm), *[frame_of(there)] * 3]
    assert ids(finished(frames), 5) == [[1]] * 5


def test_a_gap_is_filled_in_a_straight_line_without_score():
    frames = [Detections.empty() if 5 <= i < 9 else frame_of(person(100 + 4 * i)) for i in range(14)]
    done = finished(frames)
    assert ids(done, 14) == [[1]] * 14
    for i in range(14):
        tracks = done.tracks(i + 1)
        assert tracks.xyxy[0, 0] == pytest.approx(100 + 4 * i, abs=1e-3)
        assert (tracks.detection[0] == -1) == np.isnan(tracks.score[0]) == (5 <= i < 9)


def test_a_long_gap_stays():
    frames = [Detections.empty() if 5 <= i < 30 else frame_of(person(100)) for i in range(40)]
    assert [bool(seen) for seen in ids(finished(frames), 40)] == [not 5 <= i < 30 for i in range(40)]
    filled = finished(frames, dataclasses.replace(OFFLINE, fill_seconds=1.0))
    assert all(ids(filled, 40))


def lost_and_found(look: np.ndarray, left: float = 100) -> list[list[int]]:
    """FRONT for 6 frames, 40 frames nobody, then somebody of the given look; ids before and after."""
    frames = [frame_of(person(100), embedding=FRONT)] * 6 + [Detections.empty()] * 40
    frames += [frame_of(person(left), embedding=look)] * 6
    done = finished(frames, max_age=10)
    return [done.tracks(6).ids.tolist(), done.tracks(50).ids.tolist()]


def test_who_looks_alike_and_could_walk_there_is_one_person():
    assert lost_and_found(FRONT, left=300) == [[1], [1]]


def test_another_look_or_too_far_a_way_is_somebody_else():
    assert lost_and_found(BACK) == [[1], [2]]
    assert lost_and_found(FRONT, left=900) == [[1], [2]], "eight heights in 1.3 seconds"


def tracks(*spans: tuple[int, int], looks: list[np.ndarray], left: float = 0.0) -> Ends:
    """First and last box, and mean appearance, of each."""
    first, last = np.zeros((2, len(spans)), BOX)
    first["frame"], last["frame"] = np.array(spans).T
    first["xywh"] = last["xywh"] = [left, 100.0, 40.0, 100.0]
    return first, last, np.array(looks, np.float64)


def test_a_chain_is_one_person_and_overlap_in_time_never():
    #   0  ====
    #   1        ====
    #   2                ====
    #   3     ====                 the same look, at the same time as 0 and 1
    chain = tracks((1, 4), (8, 11), (16, 19), (5, 9), looks=[FRONT, FRONT, FRONT, BACK])
    assert link_tracks(*chain, 0.2, max_gap=9, fps=30).tolist() == [0, 0, 0, 3]
    clash = tracks((1, 10), (5, 15), looks=[FRONT, FRONT])
    assert link_tracks(*clash, 0.2, max_gap=9, fps=30).tolist() == [0, 1]


def test_people_seen_together_say_how_alike_different_people_look():
    #   0  ====            0 and 1 are two people, and nearly alike: so are 2 and 0, and that proves nothing
    #   1  ====
    #   2        ====
    near = np.array([[1, 0.0, 0], [1, 0.30, 0], [1, 0, 0.45]])
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    assert 1 - near[0] @ near[1] < 1 - near[0] @ near[2] < 0.2
    together = tracks((1, 4), (1, 4), (8, 11), looks=list(near))
    assert link_tracks(*together, 0.2, max_gap=9, fps=30).tolist() == [0, 1, 2]
    alone = tracks((1, 4), (8, 11), looks=[near[0], near[2]])
    assert link_tracks(*alone, 0.2, max_gap=9, fps=30).tolist() == [0, 0]


def at(left: float, right: float) -> Ends:
    """Two tracks that look alike; the first ends 40 pixels wide at `left`, the second begins at `right`."""
    given = tracks((1, 4), (8, 11), looks=[FRONT, FRONT])
    first, last, mean = given
    last["xywh"][0, 0], first["xywh"][1, 0] = left + 20, right + 20
    return first, last, mean


@pytest.mark.parametrize(
    ("left", "right", "linked"),
    [
        (600, 600, False),  # out at the right side, in at the right side: anybody
        (-20, 1, False),
        (0, 100, True),  # in at the side, but lost inside: not gone
        (100, 0, True),
        (300, 320, True),
    ],
)
def test_who_left_at_the_side_and_who_comes_in_are_two(left, right, linked):
    given = at(left, right)
    found = link_tracks(*given, 0.2, max_gap=9, fps=1, frame_width=640)
    assert found.tolist() == ([0, 0] if linked else [0, 1])
    given[0]["way"] = 13
    assert link_tracks(*given, 0.2, max_gap=9, fps=1, frame_width=640).tolist() == [0, 0], "the camera turned"
    soon = link_tracks(*given, 0.2, max_gap=9, fps=10, frame_width=640)
    assert soon.tolist() == [0, 0], "not seen for 0.4 seconds: nobody looked well"
    assert link_tracks(*given, 0.2, max_gap=9, fps=1).tolist() == [0, 0], "where the sides are not known"


PICTURE = np.zeros((300, 640, 3), np.uint8)


def away(
    left: float,
    gap: int,
    settings: OfflineSettings = OFFLINE,
    picture: np.ndarray = PICTURE,
    tracker: Literal["deep-sort", "remix"] = "remix",
    turns: float = 0.0,
) -> FinishedVideo:
    """Somebody stands at `left` for ten frames at 30 fps, is not seen for `gap`, and stands there again, turned.

    The camera turns by `turns` pixels to and fro in every frame.
    """
    association = AssociationSettings(tracker=tracker)
    shared = DeepSortSettings(max_age=30, max_cosine_distance=2)
    made = Tracker.around(None, fps=30, settings=shared, association=association)
    noted = FinishedTracks(fps=30)
    seen = [frame_of(person(left), embedding=FRONT)] * 10 + [Detections.empty()] * gap
    for number, frame in enumerate([*seen, *[frame_of(person(left), embedding=SIDE)] * 10], 1):
        sideways = turns if number % 2 else -turns
        made.update(frame, picture, np.array([[1, 0, sideways], [0, 1, 0.0]]))
        made.note(noted, number)
    return made.finish(noted, settings)


@pytest.mark.parametrize(
    ("left", "gap", "people"), [(600, 20, 2), (0, 20, 2), (600, 10, 1), (300, 20, 1), (600, 60, 2)]
)
def test_who_was_gone_at_the_side_is_two_people_and_who_was_hidden_one(left, gap, people):
    assert len(away(left, gap).means) == people


@pytest.mark.parametrize("gap", [20, 60])
def test_across_the_sides_is_one_person_where_the_user_wants_that(gap):
    across = dataclasses.replace(OFFLINE, relink_reentries=True)
    done = away(600, gap, across)
    looks = done.tracks(5).embedding
    assert len(done.means) == 1, "kept by the tracker, or linked"
    assert looks is not None
    assert np.allclose(looks[0], (FRONT + SIDE) / np.sqrt(2), atol=1e-6)


def test_sides_mean_nothing_while_the_camera_turns_or_nobody_looks_whether_it_does():
    assert len(away(600, 20, turns=0.4).means) == 2, "8.4 pixels in all: it trembles"
    assert len(away(600, 20, turns=1.0).means) == 1, "21 of 640: it turns"
    assert len(away(600, 20, tracker="deep-sort").means) == 1


def test_a_camera_whose_motion_cannot_be_seen_may_turn():
    seen, far = frame_of(person(600), embedding=FRONT), dataclasses.replace(OFFLINE, link_seconds=0)
    for still, people in ((True, 2), (False, 1)):
        tracker = Tracker.around(None, fps=30, settings=DeepSortSettings(max_age=30))
        noted = FinishedTracks(fps=30)
        for number in range(1, 41):
            # An image of one colour shows no motion.
            tracker.update(Detections.empty() if 10 < number < 31 else seen, PICTURE, np.eye(2, 3) if still else None)
            tracker.note(noted, number)
        assert len(tracker.finish(noted, far).means) == people


@pytest.mark.parametrize("fps", [30, 1.5])
@pytest.mark.parametrize("across", [False, True])
def test_who_stands_at_the_side_is_one_person_at_any_rate(fps, across):
    tracker = Tracker.around(None, fps=fps, settings=DeepSortSettings())
    noted = FinishedTracks(fps)
    for number in range(1, 13):
        tracker.update(frame_of(person(600), embedding=FRONT), PICTURE, np.eye(2, 3))
        tracker.note(noted, number)
    done = tracker.finish(noted, dataclasses.replace(OFFLINE, relink_reentries=across))
    assert [done.tracks(number).ids.tolist() for number in range(1, 13)] == [[1]] * 12


def test_whoever_was_confirmed_in_a_later_part_is_there_when_the_parts_are_joined():
    #            2 frames   gone   10 frames, confirmed in the third of them
    tracker = Tracker.around(None, fps=2, settings=DeepSortSettings(max_age=90, n_init=3))
    noted = FinishedTracks(fps=2)
    frames = [True, True, True, False, False, *[True] * 8]
    for number, there in enumerate(frames, 1):
        seen = frame_of(person(600), embedding=FRONT) if there else Detections.empty()
        tracker.update(seen, PICTURE, np.eye(2, 3))
        tracker.note(noted, number)
    done = tracker.finish(noted, dataclasses.replace(OFFLINE, relink_reentries=True, fill_seconds=0))
    assert [bool(len(done.tracks(number))) for number in range(1, 14)] == frames


def test_offline_gives_the_frames_that_came():
    #   stride 2 from frame 3 on; 7 could not be decoded
    class Sparse(Film):
        stride = 2

        def __iter__(self):
            yield from (frame for frame in super().__iter__() if frame.index in (3, 5, 9))

    run = run_over(Sparse(), 1, 0)
    film: Any = Sparse()
    offline = Run(film, run.detect_and_embed, run.tracker, fps=12.5, offline=OfflineSettings(offline=True))
    assert [frame.index for frame in offline] == [3, 5, 9]


@pytest.mark.parametrize(("seconds", "filled"), [(0.16, [1]), (0.08, [])])
def test_gaps_are_counted_in_wanted_frames(seconds, filled):
    #   stride 2 at 25 fps, so 12.5 come a second: 11 was not seen, and 0.16 seconds are two of them
    noted = FinishedTracks(fps=12.5, stride=2)
    tracker = Tracker.around(None, fps=12.5, settings=DeepSortSettings())
    for frame in (3, 5, 7, 9, 13, 15):
        tracker.update(frame_of(person(100)), NOTHING)
        tracker.note(noted, frame)
    done = tracker.finish(noted, dataclasses.replace(OFFLINE, fill_seconds=seconds))
    assert done.tracks(11).ids.tolist() == filled
    assert [done.tracks(frame).ids.tolist() for frame in (3, 4, 9, 10, 13, 15)] == [[1], [], [1], [], [1], [1]]


@pytest.mark.parametrize(
    ("sequence", "width", "fps", "left"),
    [
        ("pets09-s2l1", 768, 7, 10),
        ("mot17/train/MOT17-02-FRCNN", 1920, 30, 8),
        ("mot17/train/MOT17-04-FRCNN", 1920, 30, 4),
        ("mot17/train/MOT17-09-FRCNN", 1920, 30, 14),
        ("mot17/train/MOT17-13-FRCNN", 1920, 25, 54),
    ],
)
def test_in_the_benchmarks_truth_whoever_leaves_at_a_side_keeps_no_number(shared, sequence, width, fps, left):
    """What `relink_reentries = false` follows: many leave, and no number is ever gone for half a second."""
    rows = np.loadtxt(shared(f"data/{sequence}/gt/gt.txt"), delimiter=",")
    if "MOT17" in sequence:
        rows = rows[rows[:, 7] == 1]
    last, near, gone = rows[:, 0].max(), 0.02 * width, 0
    for number in np.unique(rows[:, 1]):
        one = rows[rows[:, 1] == number]
        one = one[np.argsort(one[:, 0])]
        assert np.diff(one[:, 0]).max(initial=0) <= fps / 2
        frame, _, x, _, w, *_ = one[-1]
        gone += frame < last - fps / 2 and (x <= near or x + w >= width - near)
    assert gone == left


def test_each_part_of_a_track_has_its_own_look():
    done = away(600, 20)
    for frame, look in ((5, FRONT), (35, SIDE)):
        looks = done.tracks(frame).embedding
        assert looks is not None
        assert np.allclose(looks[0], look)


def test_without_pictures_nobody_knows_the_sides_unless_told():
    assert len(away(600, 20, picture=NOTHING).means) == 1
    tracker = Tracker.around(None, fps=30, settings=DeepSortSettings(), frame_width=640)
    tracker.update(Detections.empty(), NOTHING)
    assert tracker.frame_width == 640


def test_no_group_ever_holds_two_at_one_time():
    rng = np.random.default_rng(2)
    first = rng.integers(0, 200, 60)
    spans = [(start, start + length) for start, length in zip(first, rng.integers(5, 40, 60), strict=True)]
    looks = [np.eye(60)[i] for i in rng.integers(0, 25, 60)]
    given = tracks(*spans, looks=looks)
    person = link_tracks(*given, 0.2, max_gap=9, fps=30)
    assert len(set(person.tolist())) < 60
    for one in range(60):
        for other in range(one):
            if person[one] == person[other]:
                assert spans[one][1] < spans[other][0] or spans[other][1] < spans[one][0]
                assert np.array_equal(looks[one], looks[other])


def test_the_smooth_curve_is_the_least_of_the_sum():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=(12, 2)), np.array([1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1], float)
    bend = np.diff(np.eye(12), n=2, axis=0)
    expected = np.linalg.solve(np.diag(weight) + 5 * bend.T @ bend, weight[:, None] * values)
    assert np.allclose(smooth(values, weight, 5.0), expected)


def test_smoothing_takes_the_trembling_out():
    boxes = np.zeros(40, BOX)
    boxes["frame"], boxes["track"] = np.arange(40), 1
    boxes["xywh"] = np.column_stack([2.0 * np.arange(40), *[np.full(40, 50.0)] * 3])
    trembling = boxes.copy()
    trembling["xywh"] += np.random.default_rng(1).normal(size=(40, 4))
    calm = fill_gaps(trembling, 10, 10.0)
    assert np.abs(calm["xywh"] - boxes["xywh"]).mean() < 0.7 * np.abs(trembling["xywh"] - boxes["xywh"]).mean()


def test_nobody_at_all_is_no_error():
    assert ids(finished([Detections.empty()] * 3), 3) == [[], [], []]
    assert not len(fill_gaps(np.empty(0, BOX), 5, 0.0))


# --- end to end ---


def walk(folder: Path) -> Path:
    """A MOT sequence of 16 images, with somebody in det.txt who is missed in frames 7 to 9."""
    (folder / "img1").mkdir(parents=True)
    (folder / "det").mkdir()
    lines = []
    for frame in range(1, 17):
        picture = np.full((120, 160, 3), 90, np.uint8)
        cv2.rectangle(picture, (10 + 4 * frame, 30), (30 + 4 * frame, 100), (0, 0, 200), -1)
        cv2.imwrite(str(folder / "img1" / f"{frame:06d}.jpg"), picture)
        if not 7 <= frame < 10:
            lines.append(f"{frame},-1,{10 + 4 * frame},30,20,70,0.9,-1,-1,-1\n")
    (folder / "det" / "det.txt").write_text("".join(lines))
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=WALK\nimDir=img1\nframeRate=30\nseqLength=16\nimWidth=160\nimHeight=120\nimExt=.jpg\n"
    )
    return folder


def test_the_files_hold_the_offline_result(tmp_path):
    folder = walk(tmp_path / "WALK")
    words = [str(folder), "--detector", str(folder / "det/det.txt"), "--weights", "none", "--quiet", "--csv"]
    assert main([*words, "--tracker", "remix", "--offline", "--output", str(tmp_path / "out")]) == 0
    rows = mot_text.read(tmp_path / "out/tracks.txt")
    assert rows.frame.tolist() == list(range(1, 17))
    assert set(rows.id.tolist()) == {1}
    assert rows.tlwh[:, 0] == pytest.approx(10 + 4 * rows.frame, abs=0.01)
    video = cv2.VideoCapture(str(tmp_path / "out/video.mp4"))
    pictures = 0
    while video.read()[0]:
        pictures += 1
    assert pictures == 16
    assert main([*words, "--tracker", "deep-sort", "--offline", "--no-video", "--output", str(tmp_path / "more")]) == 0
    assert len(mot_text.read(tmp_path / "more/tracks.txt")) == 16


def test_from_python_the_pictures_come_too(tmp_path):
    folder = walk(tmp_path / "WALK")
    run = remix_track.track(folder, detector=str(folder / "det/det.txt"), weights="none", offline=True)
    frames = list(run)
    assert [frame.index for frame in frames] == list(range(1, 17))
    assert all(frame.image.shape == (120, 160, 3) and frame.ids.tolist() == [1] for frame in frames)
    assert (run.frames, run.boxes, run.people) == (16, 16, {1})
