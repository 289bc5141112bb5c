"""Which detections a tracker was given: the file asked for, the one beside its results, or the sequence's own."""

import pytest

from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS
from remix_track.eval.files.detection_files import find_detections, read_detections
from remix_track.eval.files.sequences import find_sequences

LINE = "1,-1,10,10,20,40,0.9,-1,-1,-1\n"


@pytest.fixture
def sequences(tmp_path):
    """`one` has detections of its own, `two` has none; two frames each."""
    for name in ("one", "two"):
        (tmp_path / "data" / name / "gt").mkdir(parents=True)
        (tmp_path / "data" / name / "gt" / "gt.txt").write_text("1,1,10,10,20,40,1,1,1\n2,1,10,10,20,40,1,1,1\n")
    (tmp_path / "data" / "one" / "det").mkdir()
    (tmp_path / "data" / "one" / "det" / "det.txt").write_text(LINE)
    return find_sequences(tmp_path / "data", PRESETS["data"]).sequences


def test_its_own_or_what_the_tracker_kept(tmp_path, sequences):
    results = tmp_path / "results"
    assert find_detections(None, results, sequences) == {"one": tmp_path / "data/one/det/det.txt"}
    kept = results / "detections"
    kept.mkdir(parents=True)
    for name in ("one", "two"):
        (kept / f"{name}.txt").write_text(LINE)
    assert find_detections(None, results, sequences) == {"one": kept / "one.txt", "two": kept / "two.txt"}


def test_the_folder_asked_for(tmp_path, sequences):
    given = tmp_path / "given"
    (given / "two" / "det").mkdir(parents=True)
    (given / "two" / "det" / "det.txt").write_text(LINE)
    with pytest.raises(InputError, match=r"neither one\.txt nor one/det/det\.txt"):
        find_detections(given, tmp_path, sequences)
    (given / "one.txt").write_text(LINE)
    found = {"one": given / "one.txt", "two": given / "two/det/det.txt"}
    assert find_detections(given, tmp_path, sequences) == found
    with pytest.raises(InputError, match="no such folder"):
        find_detections(tmp_path / "nowhere", tmp_path, sequences)
    with pytest.raises(InputError, match="no such folder"):
        find_detections(given / "one.txt", tmp_path, sequences)
    assert find_detections(given / "one.txt", tmp_path, sequences[:1]) == {"one": given / "one.txt"}


def test_frames_and_classes_that_are_scored(tmp_path):
    file = tmp_path / "det.txt"
    lines = [f"{frame},-1,10,10,20,40,0.{frame},{frame % 2},-1\n" for frame in (4, 3, 2, 1)]
    file.write_text("".join(lines) + "2,-1,nan,10,20,40,0.9,1,-1\n")
    assert read_detections(file, 4).frame.tolist() == [1, 2, 3, 4]
    half = read_detections(file, 4, "val-half")
    assert half.frame.tolist() == [1]
    assert half.score.tolist() == [0.4]
    assert read_detections(file, 4, classes=(1,)).frame.tolist() == [1, 3]
    file.write_text(LINE)
    assert len(read_detections(file, 4, classes=(1,))) == 1, "a file without classes is used whole"


def test_a_line_that_is_no_mot_text(tmp_path):
    file = tmp_path / "det.txt"
    file.write_text(LINE + "2,-1,ten,10,20,40,0.9\n")
    with pytest.raises(InputError, match=r"det\.txt:2: "):
        read_detections(file, 4)
    file.write_text("1,-1,nan,10,20,40,0.9\n" * 1000)
    with pytest.raises(InputError, match=r"det\.txt:1: "):
        read_detections(file, 4)
    file.write_text("1,-1,nan,10,20,40,0.9\n" * 999)
    assert len(read_detections(file, 4)) == 0
