"""Classes in column 8 of MOT text are said, and chosen by `--classes`, in tracking and evaluation alike."""

import json

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.mot_classes import chosen, counted, doubt_about, numbers_of
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.frame import Frame

FRAMES = 12


def _rows(folder, classes, name="rows.txt"):
    path = folder / name
    path.write_text("".join(f"1,{row + 1},{30 * row},1,9,9,1,{one},1\n" for row, one in enumerate(classes)))
    return path


@pytest.mark.parametrize(
    ("classes", "doubt"),
    [
        ([], None),
        ([-1, -1], None),
        ([1, 1], None),
        ([0], None),
        ([4], "boxes of one class in column 8 (class 4: 1 box)"),
        ([0, 1, 1], "boxes of 2 classes in column 8 (class 1: 2 boxes, 0: 1)"),
        ([-1, 7], "boxes of one class in column 8 (class 7: 1 box, 1 without a class)"),
        ([-1, 1, -1], "boxes of one class in column 8 (class 1: 1 box, 2 without a class)"),
        ([0.5, 1], None),  # MOT15's world coordinates
    ],
)
def test_what_is_said_of_a_file(tmp_path, classes, doubt):
    assert doubt_about(mot_text.read(_rows(tmp_path, classes))) == doubt


def test_many_classes_are_not_all_listed():
    counts = {number: 10 - number for number in range(9)}
    assert counted(counts) == "class 0: 10 boxes, 1: 9, 2: 8, 3: 7, 4: 6, 5: 5, 3 more"


def test_choosing(tmp_path):
    rows = mot_text.read(_rows(tmp_path, [1, -1, 4, 4, 2]))
    assert chosen(rows, (4, 2)).tolist() == [False, False, True, True, True]
    assert chosen(mot_text.read(_rows(tmp_path, [-1, -1])), (4,)).all()
    assert numbers_of(["4", 1, "1"], "x") == (1, 4)
    for wrong in ("person", "-1", "1.5", "²", "9" * 16):
        with pytest.raises(InputError, match="x: classes in MOT text are numbers of column 8, not"):
            numbers_of([wrong], "x")


class TestDetections:
    def seen(self, path, classes=()):
        return PublicDetections(path, classes)(Frame(1, np.zeros((1, 1, 3), np.uint8), 0.0)).class_id.tolist()

    def test_all_are_tracked_as_what_they_are_and_said(self, tmp_path, caplog):
        path = _rows(tmp_path, [1, 4, 4], "det.txt")
        assert self.seen(path) == [1, 4, 4]
        doubt = "boxes of 2 classes in column 8 (class 4: 2 boxes, 1: 1)"
        assert caplog.messages == [f"{path}: {doubt}; all are tracked, `classes` chooses"]

    def test_some_are_chosen_and_nothing_is_said(self, tmp_path, caplog):
        path = _rows(tmp_path, [1, 4, 4, 9], "det.txt")
        assert self.seen(path, ["4", 9]) == [4, 4, 9]
        assert caplog.messages == []

    def test_boxes_without_a_class_are_left_out_in_words(self, tmp_path, caplog):
        path = _rows(tmp_path, [1, -1, -1], "det.txt")
        assert self.seen(path, [1]) == [1]
        assert caplog.messages == [f"{path}: 2 boxes have no class in column 8; left out, as `classes` chooses"]

    @pytest.mark.parametrize("classes", [["person"], ["0"], [0]])
    def test_a_file_without_classes_holds_people(self, tmp_path, classes):
        assert self.seen(_rows(tmp_path, [-1, -1]), classes) == [0, 0]

    def test_a_person_is_the_one_class_there_is(self, tmp_path):
        assert self.seen(_rows(tmp_path, [1, 1]), ["person"]) == [1, 1]

    @pytest.mark.parametrize(
        ("held", "wanted", "message"),
        [
            ([-1], ["4"], "no class in column 8 to choose 4 by; leave out `classes`"),
            ([1, 4], ["person"], "classes in MOT text are numbers of column 8, not 'person'; give numbers"),
            ([1, 4], ["7"], "no box of `classes` 7; it holds class 1: 1 box, 4: 1"),
        ],
    )
    def test_what_cannot_be_chosen(self, tmp_path, held, wanted, message):
        path = _rows(tmp_path, held, "det.txt")
        with pytest.raises(InputError) as error:
            PublicDetections(path, wanted)
        assert str(error.value) == f"{path}: {message}"


@pytest.fixture
def yard(tmp_path, monkeypatch):
    """Two people of class 1 and a car of class 4, whose ids are those of the people; detections of both classes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    truth, found, mixed = [], [], []
    for frame in range(1, FRAMES + 1):
        for id_, class_, left in ((1, 1, 20), (2, 1, 120), (3, 4, 220)):
            box = f"{left + 2 * frame},40,30,60"
            truth.append(f"{frame},{id_},{box},1,{class_},1\n")
            mixed.append(f"{frame},{id_},{box},0.9,{class_},-1\n")
            found += [f"{frame},{id_},{box},0.9,-1,-1,-1\n"] if class_ == 1 else []
    for path, lines in (
        ("own/yard/gt/gt.txt", truth),
        ("own/yard/det/det.txt", mixed),
        ("people/yard.txt", found),
        ("mixed/yard.txt", mixed),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("".join(lines))
    return tmp_path


def _scored(root, *words):
    code = main(["eval", "--data", "own", "--json", "scores.json", "--overwrite", *words])
    assert code == 0
    return json.loads((root / "scores.json").read_text())


class TestEvaluation:
    def test_all_classes_count_and_a_warning_says_so(self, yard, capsys):
        scores = _scored(yard, "--results", "people", "--quiet")
        assert (scores["COMBINED"]["TP"], scores["COMBINED"]["FN"]) == (2 * FRAMES, FRAMES)
        assert "class" not in scores["protocol"]["description"].replace("distractor classes", "")
        assert capsys.readouterr().err.splitlines() == [
            "remix-track: warning: own/yard/gt/gt.txt: boxes of 2 classes in column 8 (class 1: 24 boxes, 4: 12); "
            "all count; --classes chooses"
        ]

    def test_one_class_is_chosen_in_truth_and_results(self, yard, capsys):
        for results in ("people", "mixed"):
            scores = _scored(yard, "--results", results, "--classes", "1")
            assert [scores["COMBINED"][key] for key in ("TP", "FN", "FP")] == [2 * FRAMES, 0, 0]
            assert scores["protocol"]["description"].endswith("; class 1 alone")
        said = capsys.readouterr().err
        assert "note: own/yard/gt/gt.txt: other classes in column 8 (class 4: 12 boxes); left out" in said
        assert "note: mixed/yard.txt: other classes in column 8 (class 4: 12 boxes); left out" in said
        assert "warning" not in said

    def test_several_may_be_chosen(self, yard, capsys):
        scores = _scored(yard, "--results", "mixed", "--classes", "4", "1")
        assert scores["COMBINED"]["TP"] == 3 * FRAMES
        assert "as a person" not in capsys.readouterr().err

    def test_results_of_other_classes_alone_are_no_score_of_zero(self, yard, capsys):
        path = yard / "mixed/yard.txt"
        path.write_text(path.read_text().replace(",1,-1\n", ",0,-1\n").replace(",4,-1\n", ",0,-1\n"))
        assert main(["eval", "--data", "own", "--results", "mixed", "--classes", "1", "--quiet"]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert "yard.txt: no row of class 1, here or in the other results; column 8 holds class 0: 36 boxes" in said
        path.write_text("\n")
        assert _scored(yard, "--results", "mixed", "--classes", "1", "--quiet")["COMBINED"]["Dets"] == 0

    def test_rows_without_a_class_are_left_out_in_words(self, yard, capsys):
        path = yard / "own/yard/gt/gt.txt"
        path.write_text(path.read_text().replace(",4,1\n", ",-1,1\n"))
        _scored(yard, "--results", "people", "--classes", "1")
        assert "other classes in column 8 (12 without a class); left out" in capsys.readouterr().err

    def test_an_id_may_be_used_once_in_each_class(self, yard):
        for path in (yard / "own/yard/gt/gt.txt", yard / "mixed/yard.txt"):
            path.write_text(path.read_text().replace(",3,", ",1,"))
        assert main(["eval", "--data", "own", "--results", "mixed"]) == 2
        assert _scored(yard, "--results", "mixed", "--classes", "4")["COMBINED"]["TP"] == FRAMES

    def test_tracking_and_scoring_take_the_same_classes(self, yard, capsys):
        words = ["--weights", "none", "--no-camera-motion", "--jobs", "1", "--quiet"]
        for wanted, classes in ((FRAMES, ["--classes", "4"]), (3 * FRAMES, [])):
            scores = _scored(yard, *words, *classes)["COMBINED"]
            assert (scores["GT_Dets"], scores["FP"]) == (wanted, 0)
            assert scores["TP"] == scores["Dets"] > wanted * 0.7

    def test_detections_without_classes_are_taken_whole(self, yard):
        path = yard / "own/yard/det/det.txt"
        path.write_text("".join(line for line in path.read_text().replace(",1,-1\n", ",-1,-1\n").splitlines(True)))
        path.write_text(path.read_text().replace(",4,-1\n", ",-1,-1\n"))
        words = ["--weights", "none", "--no-camera-motion", "--jobs", "1", "--quiet", "--classes", "4"]
        assert _scored(yard, *words)["COMBINED"]["Dets"] > 2 * FRAMES

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--data", "own", "--results", "people", "--classes", "7"], "nothing to score against: no row of gt.txt"),
            (["--data", "own", "--results", "people", "--classes", "person"], "give numbers of column 8"),
            (["--mot17", "own", "--results", "people", "--classes", "1"], "MOT17 says itself what counts"),
        ],
    )
    def test_what_cannot_be_chosen_is_one_line(self, yard, capsys, words, message):
        assert main(["eval", *words]) == 2
        said = capsys.readouterr().err.splitlines()
        assert message in said[-1]

    def test_ground_truth_without_classes_cannot_be_chosen_from(self, yard, capsys):
        path = yard / "own/yard/gt/gt.txt"
        path.write_text("1,1,1,1,9,9,1\n")
        assert main(["eval", "--data", "own", "--results", "people", "--classes", "1", "--quiet"]) == 2
        assert "no class in column 8 to choose by; leave out --classes" in capsys.readouterr().err

    def test_nothing_to_score_against_is_an_error_that_says_why(self, yard, capsys):
        path = yard / "own/yard/gt/gt.txt"
        path.write_text(path.read_text().replace(",1,1,1\n", ",0,1,1\n").replace(",1,4,1\n", ",0,4,1\n"))
        assert main(["eval", "--data", "own", "--results", "people", "--quiet", "--json", "no.json"]) == 2
        assert "no row of gt.txt has a flag other than 0 in column 7" in capsys.readouterr().err
        path.write_text("\n\n")
        assert main(["eval", "--data", "own", "--results", "people", "--quiet"]) == 2
        assert "no rows; there is nothing to score against" in capsys.readouterr().err
        assert not (yard / "no.json").exists()
