"""`--reid when-ambiguous`: what is embedded, what that saves, and that a replay gives what a live run gives."""

import json

import cv2
import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.detections import Detections
from remix_track.errors import InputError
from remix_track.trackers.association.frame_detections import FrameDetections
from remix_track.trackers.association.reid_skipping import unambiguous
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import deep_sort

SIZE = (20, 50)
PICTURE = np.zeros((240, 640, 3), np.uint8)


def found_at(*lefts: float) -> Detections:
    """People of one size side by side."""
    xyxy = np.array([[left, 60, left + SIZE[0], 60 + SIZE[1]] for left in lefts], np.float32).reshape(-1, 4)
    return Detections(xyxy, np.full(len(xyxy), 0.9), np.zeros(len(xyxy), np.int64))


class Notebook:
    """An encoder that writes down the left edges of the boxes it looks at."""

    width, max_cosine_distance, description = 4, 0.3, {"name": "notebook"}

    def __init__(self):
        self.seen = []

    def __call__(self, image, xyxy):
        self.seen.append(sorted(round(float(left)) for left in xyxy[:, 0]))
        vectors = np.abs(np.sin(xyxy[:, :1] / 100 + np.arange(4))) + 0.1
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def tracker(notebook, kind="remix", **changes):
    settings = DeepSortSettings(reid="when-ambiguous", max_embedding_age=4, **changes)
    # By count: an option of remix, which deep-sort has to leave as it is.
    association = AssociationSettings(tracker=kind, confirm_by_score=kind != "remix")
    return Tracker.around(notebook, fps=30, settings=settings, association=association)


def test_one_who_walks_alone_is_looked_at_now_and_then():
    notebook = Notebook()
    tracked = tracker(notebook)
    for step in range(12):
        tracks = tracked.update(found_at(100 + 2 * step), PICTURE)
    # Three frames until it is confirmed, then one embedding in five: max_embedding_age is the oldest that will do.
    assert [len(seen) for seen in notebook.seen] == [1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert (tracked.crops, tracked.crops_saved) == (4, 8)
    assert tracks.ids.tolist() == [1]
    assert tracks.embedding is not None
    assert not tracks.embedding.any(), "not looked at: no appearance"


@pytest.mark.parametrize(("kind", "apart"), [("deep-sort", 12), ("remix", 4)])
def test_two_who_stand_together_are_always_looked_at(kind, apart):
    """The gate of `remix` goes by the width of people, that of Deep SORT by their height, so it is wider."""
    notebook = Notebook()
    tracked = tracker(notebook, kind)
    for _ in range(8):
        tracked.update(found_at(100, 100 + apart, 400), PICTURE)
    assert notebook.seen[3:7] == [[100, 100 + apart]] * 4
    assert notebook.seen[7] == [100, 100 + apart, 400]


def test_a_new_person_and_one_who_comes_back_are_looked_at():
    notebook = Notebook()
    tracked = tracker(notebook)
    for _ in range(4):
        tracked.update(found_at(100), PICTURE)
    tracked.update(found_at(100, 500), PICTURE)
    assert notebook.seen[-1] == [500]
    tracked.update(found_at(), PICTURE)
    tracked.update(found_at(100), PICTURE)
    assert notebook.seen[-1] == [100], "it was away for a frame"


def test_a_track_without_an_appearance_is_looked_at_until_it_has_one():
    class Blind(Notebook):
        def __call__(self, image, xyxy):
            vectors = super().__call__(image, xyxy)
            return vectors if len(self.seen) > 3 else np.zeros_like(vectors)

    notebook = Blind()
    tracked = tracker(notebook, n_init=1)
    for _ in range(6):
        tracked.update(found_at(100), PICTURE)
    assert [len(seen) for seen in notebook.seen] == [1, 1, 1, 1, 0, 0]


def test_one_in_the_gate_but_not_where_the_track_is_expected_is_looked_at():
    notebook = Notebook()
    tracked = tracker(notebook)
    for _ in range(4):
        tracked.update(found_at(100), PICTURE)
    tracked.update(found_at(108), PICTURE)
    assert notebook.seen[-1] == [108]


def naive(expected, boxes, pairs, known):
    """The rule as it is said, pair by pair."""

    def overlap(first, second):
        sides = [
            max(
                0.0,
                min(first[axis] + first[axis + 2], second[axis] + second[axis + 2]) - max(first[axis], second[axis]),
            )
            for axis in (0, 1)
        ]
        shared = sides[0] * sides[1]
        return shared / (first[2] * first[3] + second[2] * second[3] - shared)

    found = np.zeros(len(boxes), bool)
    for row, column in pairs:
        only = sum(row == other for other, _ in pairs) == 1 and sum(column == other for _, other in pairs) == 1
        if only and known[row] and overlap(expected[row], boxes[column]) >= 0.5:
            found[column] = True
    return found


@pytest.mark.parametrize("seed", range(20))
def test_unambiguous_is_the_rule_pair_by_pair(seed):
    chance = np.random.default_rng(seed)
    tracks, count = chance.integers(0, 12, 2)
    expected = np.concatenate([chance.uniform(0, 60, (tracks, 2)), chance.uniform(20, 40, (tracks, 2))], axis=1)
    boxes = np.concatenate([chance.uniform(0, 60, (count, 2)), chance.uniform(20, 40, (count, 2))], axis=1)
    if count and tracks:
        boxes[:tracks:2] = expected[:count:2][: len(boxes[:tracks:2])] + 1
    inside = chance.random((tracks, count)) < 0.15
    rows, columns = np.nonzero(inside)
    known = chance.random(tracks) < 0.8
    mask = unambiguous(expected, boxes, rows, columns, known=known)
    assert mask.tolist() == naive(expected, boxes, list(zip(rows, columns, strict=True)), known).tolist()


def walkers(seed):
    """Forty frames of six people on lines that cross, some of them missed now and then."""
    chance = np.random.default_rng(seed)
    start, speed = chance.uniform(0, 500, 6), chance.uniform(-4, 4, 6)
    for step in range(40):
        yield found_at(*(start + step * speed)[chance.random(6) < 0.9])


@pytest.mark.parametrize("seed", range(3))
def test_vectors_that_were_there_already_change_nothing(seed):
    looking, given = tracker(Notebook()), tracker(None)
    for detections in walkers(seed):
        every = detections.with_embedding(Notebook()(PICTURE, detections.xyxy))
        one, other = looking.update(detections, PICTURE), given.update(every, PICTURE)
        for name in ("ids", "xyxy", "detection", "embedding"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    assert (looking.crops, looking.crops_saved) == (given.crops, given.crops_saved)
    assert looking.crops_saved > 20


def test_asking_changes_nothing_in_the_tracker():
    asked, silent = deep_sort(), deep_sort()
    for detections in walkers(1):
        for asking in (detections, found_at(7)):
            every = np.arange(len(asking))
            asked._life_cycle.ambiguous(FrameDetections.of(asking, every, asked.settings))
        one, other = asked.update(detections), silent.update(detections)
        assert one.xyxy.tobytes() == other.xyxy.tobytes()
        assert one.ids.tolist() == other.ids.tolist()


def test_always_looks_at_everybody_and_motion_only_at_nobody():
    notebook = Notebook()
    for embedder, crops in ((notebook, 5), (None, 0)):
        tracked = Tracker.around(embedder, fps=30, settings=DeepSortSettings())
        for _ in range(5):
            tracked.update(found_at(100), PICTURE)
        assert (tracked.crops, tracked.crops_saved) == (crops, 0)


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="reid = 'often'; expected 'always' or 'when-ambiguous'"):
        DeepSortSettings(reid="often")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="max_embedding_age = 0; expected at least 1"):
        DeepSortSettings(max_embedding_age=0)


@pytest.fixture
def sequence(tmp_path):
    """A MOT sequence of 30 images: one who walks alone, two who cross; detections are the truth."""
    folder = tmp_path / "data" / "walk"
    (folder / "img1").mkdir(parents=True)
    rows = []
    for frame in range(1, 31):
        image = np.full((120, 320, 3), 90, np.uint8)
        for id_, left in ((1, 10 + frame), (2, 120 + 4 * frame), (3, 240 - 4 * frame)):
            image[40:90, left : left + 20] = 60 * id_
            rows.append((frame, id_, left, 40, 20, 50))
        cv2.imwrite(str(folder / "img1" / f"{frame:06d}.png"), image)
    for name, numbered in (("gt", True), ("det", False)):
        (folder / name).mkdir()
        lines = [f"{row[0]},{row[1] if numbered else -1},{','.join(map(str, row[2:]))},1,1,1\n" for row in rows]
        (folder / name / f"{name}.txt").write_text("".join(lines))
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=walk\nimDir=img1\nframeRate=25\nseqLength=30\nimWidth=320\nimHeight=120\nimExt=.png\n"
    )
    return folder


def test_evaluation_from_the_cache_gives_what_tracking_gives(sequence, tmp_path):
    words = ["--detector", str(sequence / "det" / "det.txt"), "--reid", "when-ambiguous", "--quiet"]
    assert main([str(sequence), *words, "--no-video", "--output", str(tmp_path / "track")]) == 0
    data = [
        "eval",
        "--data",
        str(sequence.parent),
        "--cache",
        str(tmp_path / "cache"),
        "--detector",
        "public",
        "--quiet",
    ]
    for name, mode in (("filled", "always"), ("replayed", "when-ambiguous")):
        assert main([*data, "--reid", mode, "--output", str(tmp_path / name)]) == 0
    assert len(list((tmp_path / "cache").iterdir())) == 1, "both replay the same vectors"
    tracked = (tmp_path / "track" / "tracks.txt").read_text()
    assert (tmp_path / "replayed" / "walk.txt").read_text() == tracked
    assert mot_text.read(tmp_path / "track" / "tracks.txt").id.max() == 3
    crops = json.loads((tmp_path / "track" / "summary.json").read_text())["crops"]
    assert crops["embedded"] + crops["saved"] == 90
    assert crops["saved"] > 20
