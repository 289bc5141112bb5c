import hashlib
import math
import os
import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.boxes import iou_tlwh
from remix_track.errors import InputError
from remix_track.mot_sequence import SequenceInfo
from remix_track.synthetic.paths import Path, walk
from remix_track.synthetic.scenes import StreetScene, write_sequence

SMALL = {"width": 320, "height": 180}


@pytest.fixture(scope="module")
def truth():
    """Ground truth of the default scene, small and every other frame, as {id: (frames, boxes, visibility)}."""
    scene = StreetScene(0, frames=75, fps=10, **SMALL)
    rows = scene.ground_truth()
    return {
        person: (rows.frame[rows.id == person], rows.tlwh[rows.id == person], rows.visibility[rows.id == person])
        for person in range(1, len(scene.people) + 1)
    }


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_same_seed_same_bytes_in_any_order_and_another_seed_differs():
    first, second = StreetScene(3, **SMALL), StreetScene(3, **SMALL)
    ahead = first.render(40)
    second.render(1)
    second.ground_truth()
    assert digest(ahead) == digest(second.render(40)) == digest(first.render(40))
    assert digest(ahead) != digest(StreetScene(4, **SMALL).render(40))
    assert digest(ahead) != digest(first.render(41))
    assert first.rows(40).tlwh.tobytes() == second.rows(40).tlwh.tobytes()


def test_the_same_people_come_by_another_camera_and_play_other_parts():
    here, there = StreetScene(3, **SMALL), StreetScene(3, place=1, **SMALL)
    assert here.people == there.people
    assert digest(StreetScene(3, place=0, **SMALL).render(40)) == digest(here.render(40))
    assert digest(there.render(40)) == digest(StreetScene(3, place=1, **SMALL).render(40))
    assert digest(there.render(40)) not in (
        digest(here.render(40)),
        digest(StreetScene(3, place=2, **SMALL).render(40)),
    )
    starts = [[one.place[0].round(3).tolist() for one in scene._walks] for scene in (here, there)]
    assert all(first != second for first, second in zip(*starts, strict=True))
    assert min(len(scene.rows(40)) for scene in (here, there)) > 1


def test_another_process_with_another_hash_seed_draws_the_same_bytes():
    code = (
        "import hashlib; from remix_track.synthetic.scenes import StreetScene as S; import numpy as np;"
        "np.random.seed(5); print(hashlib.sha256(S(3, width=320, height=180).render(40).tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == digest(StreetScene(3, **SMALL).render(40))


def test_visibility_equals_a_naive_count_of_pixels():
    scene = StreetScene(1, frames=75, fps=10, width=160, height=90)
    checked = 0
    for frame in (18, 30, 38):
        top: dict[tuple[int, int], int] = {}
        size: dict[int, int] = {}
        for _, person, sprite in scene._layers(frame):
            for row, line in enumerate(sprite.alpha.tolist()):
                for column, alpha in enumerate(line):
                    if alpha >= 128:
                        size[person] = size.get(person, 0) + 1
                        x, y = sprite.left + column, sprite.top + row
                        if 0 <= x < 160 and 0 <= y < 90:
                            top[x, y] = person
        rows = scene.rows(frame)
        for person, visibility in zip(rows.id.tolist(), rows.visibility.tolist(), strict=True):
            shown = sum(owner == person for owner in top.values())
            assert visibility == shown / size[person]
            checked += 0 < visibility < 1
    assert checked > 3, "a check of people who are all hidden or all in view proves nothing"


def test_someone_in_view_shows_in_the_picture_where_the_truth_says():
    scene = StreetScene(2, **SMALL)
    frames = [scene.render(frame).astype(int) for frame in (20, 60)]
    empty = scene._background.astype(int)
    for frame, image in zip((20, 60), frames, strict=True):
        rows = scene.rows(frame)
        for left, top, width, height in rows.tlwh[rows.visibility > 0.99].astype(int):
            changed = np.abs(image - empty).max(axis=2) > 25
            assert changed[top : top + height, left : left + width].mean() > 0.25


def test_ground_truth_keeps_the_rules_of_mot17():
    scene = StreetScene(5, frames=60, fps=10, **SMALL)
    rows = scene.ground_truth()
    assert rows.frame.min() == 1
    assert rows.frame.max() == 60
    assert set(rows.score) == set(rows.class_id) == {1}
    assert (rows.visibility >= 0).all()
    assert (rows.visibility <= 1).all()
    assert len(set(zip(rows.frame, rows.id, strict=True))) == len(rows), "one row per person and frame"
    assert (np.diff(rows.frame) >= 0).all()
    left, top, width, height = rows.tlwh.T
    assert ((left < 320) & (top < 180) & (left + width > 0) & (top + height > 0)).all(), "each box touches the image"
    assert ((left < 0) | (left + width > 320)).any(), "boxes are not cut at the border"
    assert (rows.tlwh == np.rint(rows.tlwh)).all()
    assert rows.line.tolist() == list(range(1, len(rows) + 1))


def test_people_enter_and_leave(truth):
    first = [frames[0] for frames, _, _ in truth.values()]
    last = [frames[-1] for frames, _, _ in truth.values()]
    assert sum(frame == 1 for frame in first) >= 2
    assert sum(frame > 5 for frame in first) >= 2
    assert sum(frame < 70 for frame in last) >= 2
    for frames, _, _ in truth.values():
        assert (np.diff(frames) == 1).all(), "hidden people keep their rows"


def test_people_hide_and_come_back(truth):
    def returns(visibility):
        hidden = np.flatnonzero(visibility < 0.2)
        return any((visibility[:i] > 0.8).any() and (visibility[i:] > 0.8).any() for i in hidden)

    assert sum(returns(visibility) for _, _, visibility in truth.values()) >= 3
    assert min(visibility.min() for _, _, visibility in truth.values()) == 0


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_two_lookalikes_meet_unseen_and_turn_back(seed):
    scene = StreetScene(seed, frames=50, fps=20 / 3, **SMALL)
    rows = scene.ground_truth()
    hidden = [set(rows.frame[(rows.id == person) & (rows.visibility < 0.1)]) for person in (1, 2)]
    both = sorted(hidden[0] & hidden[1])
    assert len(both) >= 2
    for person, side in ((1, -1), (2, 1)):
        own = rows[rows.id == person]
        middle = own.tlwh[:, 0] + own.tlwh[:, 2] / 2
        turning = middle[own.frame == both[0]][0]
        before, after = middle[own.frame <= both[0] - 8][-1], middle[own.frame >= both[-1] + 8][0]
        assert side * (before - turning) > 20
        assert side * (after - turning) > 20
    assert np.abs(np.subtract(scene.people[0].top_colour, scene.people[1].top_colour)).max() <= 12


def test_boxes_move_smoothly(truth):
    for frames, boxes, _ in truth.values():
        feet = boxes[:, 1] + boxes[:, 3]
        for (frame, foot), (after, later) in pairwise(zip(frames, feet, strict=True)):
            assert after == frame + 1
            assert abs(later - foot) < 9


def test_people_who_stand_nearer_are_taller(truth):
    boxes = np.concatenate([boxes for _, boxes, _ in truth.values()])
    assert np.corrcoef(boxes[:, 1] + boxes[:, 3], boxes[:, 3])[0, 1] > 0.7
    assert 0.25 * 180 < boxes[:, 3].min() < boxes[:, 3].max() < 0.55 * 180


def test_opencv_sees_the_people():
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    found = total = 0
    for seed, frame in ((0, 20), (0, 110), (1, 50), (2, 90), (3, 30), (4, 120)):
        scene = StreetScene(seed)
        enlarged = cv2.resize(scene.render(frame), None, fx=2, fy=2)
        windows, _ = hog.detectMultiScale(enlarged, winStride=(8, 8), padding=(16, 16), scale=1.05, groupThreshold=0)
        left, top, width, height = np.array(windows).reshape(-1, 4).T / 2
        trimmed = np.stack([left + 0.15 * width, top + 0.07 * height, 0.7 * width, 0.88 * height], axis=1)
        rows = scene.rows(frame)
        clear = rows.tlwh[rows.visibility > 0.8]
        found += int((iou_tlwh(trimmed, clear) >= 0.5).any(axis=0).sum())
        total += len(clear)
    assert total >= 20
    assert found >= 0.85 * total


def test_a_sequence_folder_reads_back(tmp_path):
    scene = StreetScene(6, frames=4, fps=12.5, **SMALL)
    write_sequence(scene, tmp_path / "street")
    info = SequenceInfo.read(tmp_path / "street" / "seqinfo.ini")
    assert (info.name, info.frames, info.width, info.height, info.fps) == ("street", 4, 320, 180, 12.5)
    assert sorted(path.name for path in (tmp_path / "street" / "img1").iterdir()) == [f"00000{i}.jpg" for i in "1234"]
    image = cv2.imread(str(tmp_path / "street" / "img1" / "000003.jpg"))
    assert image is not None
    assert np.abs(image.astype(int) - scene.render(3)).mean() < 4
    rows, truth = mot_text.read(tmp_path / "street" / "gt" / "gt.txt"), scene.ground_truth()
    for name in ("frame", "id", "tlwh", "score", "class_id"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(truth, name))
    np.testing.assert_allclose(rows.visibility, truth.visibility, atol=5.1e-6)


def test_a_sequence_is_not_written_over_another(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="there is something already; give another folder for the sequence"):
        write_sequence(StreetScene(0, frames=1, **SMALL), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_iteration_gives_each_frame_with_its_truth():
    scene = StreetScene(1, frames=3, **SMALL)
    seen = list(scene)
    assert len(seen) == len(scene) == 3
    for frame, (image, rows) in enumerate(seen, start=1):
        assert image.shape == (180, 320, 3)
        assert image.dtype == np.uint8
        assert set(rows.frame) == {frame}


@pytest.mark.parametrize("people", [1, 12])
@pytest.mark.parametrize("size", [(64, 36), (40, 90), (7, 5)])
def test_any_size_and_any_number_of_people(people, size):
    scene = StreetScene(2, frames=6, width=size[0], height=size[1], people=people)
    assert scene.render(6).shape == (size[1], size[0], 3)
    rows = scene.ground_truth()
    assert set(rows.id) <= set(range(1, people + 1))
    assert np.isfinite(rows.visibility).all()


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"width": 0}, {"people": 0}, {"fps": 0.0}, {"seed": -1}, {"place": -1}]
)
def test_an_empty_scene_is_refused(wrong):
    with pytest.raises(
        InputError, match="a scene needs a seed and a place from 0 on, and one or more of everything else"
    ):
        StreetScene(**({"seed": 0} | wrong))


@pytest.mark.parametrize("frame", [0, 4, -1])
def test_frames_count_from_one(frame):
    with pytest.raises(IndexError, match=f"frame {frame} of a scene with frames 1 to 3"):
        StreetScene(0, frames=3, **SMALL).render(frame)


def test_a_walk_keeps_its_speed_its_halts_and_turns_around():
    path = Path(((-3.0, 8.0), (0.0, 8.0), (-3.0, 8.0)), speed=1.5, start=-1.0, halts=((1, 2.0),), facing=1.5 * math.pi)
    steps = walk(path, 1.7, frames=60, fps=10)
    assert steps.place[0] == pytest.approx([-1.5, 8.0], abs=0.03), "one second on the way at frame 1"
    assert np.abs(np.diff(steps.place[:6, 0])) == pytest.approx(0.15, abs=0.01)
    standing = slice(14, 28)
    assert steps.place[standing, 0] == pytest.approx(0, abs=0.03)
    assert steps.stride[standing].max() < 0.2
    assert math.cos(steps.heading[25] - 1.5 * math.pi) > 0.99, "faces where it was told to"
    assert math.cos(steps.heading[0]) > 0.99
    assert math.cos(steps.heading[45]) < -0.99
    assert steps.present.tolist() == [frame / 10 <= 5.0 for frame in range(60)]
