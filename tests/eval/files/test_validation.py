"""The input doctor: one fault at a time, each with its exact words; and silence on real files."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from remix_track import mot_text
from remix_track.errors import InputError
from remix_track.eval.files.frame_fit import made_on_other_size
from remix_track.eval.files.validation import Issue, raise_errors, validate_results, validate_truth

FRAMES, WIDTH, HEIGHT = 10, 1000, 500
CLEAN = "".join(f"{frame},{id_},{100 * id_},50,80,200,1,-1,-1,-1\n" for frame in range(1, 11) for id_ in range(1, 6))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "MOT17-02-FRCNN.txt"


@pytest.fixture
def results(path):
    """Findings on a results file with this content, as `severity line: message; advice`."""

    def examine(content: str | bytes, **options):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        facts = {"frames": FRAMES, "width": WIDTH, "height": HEIGHT, **options}
        return said(validate_results(path, **facts).issues, path)

    return examine


@pytest.fixture
def truth(path):
    def examine(content: str, **options):
        path.write_text(content)
        facts = {"frames": FRAMES, "width": WIDTH, "height": HEIGHT, **options}
        return said(validate_truth(path, **facts).issues, path)

    return examine


def said(issues, path) -> list[str]:
    assert all(str(issue).startswith(str(path)) for issue in issues)
    return [f"{issue.severity} {str(issue).removeprefix(str(path)).lstrip(':').strip()}" for issue in issues]


def test_a_clean_file_is_passed_in_silence(results):
    assert results(CLEAN) == []


@pytest.mark.parametrize(
    ("content", "issue"),
    [
        (
            "1,7,9,9,9,9\n1,8,9,9,9,9\n1,7,8,8,8,8\n",
            "error 3: id 7 twice in frame 1 (before on line 1); an id has one box per frame; delete one",
        ),
        ("0,7,9,9,9,9\n", "error 1: frame 0, but MOT text counts frames from 1; number the frames from 1"),
        ("-4,7,9,9,9,9\n", "error 1: frame -4, but MOT text counts frames from 1; number the frames from 1"),
        (
            "10,7,9,9,9,9\n11,7,9,9,9,9\n",
            "error 2: frame 11 of a sequence of 10 frames; check which sequence it belongs to, or delete the line",
        ),
        ("1,7,9,9,9,9\n1,-2,9,9,9,9\n", "error 2: id -2 is negative; ids count from 0 or 1"),
        (
            "1,-1,9,9,9,9\n1,-1,10,10,9,9\n",
            "error 1: every id is -1: these are detections, not tracks; give the tracker's results",
        ),
        (
            "1,7,9,9\n",
            "error 1: 4 columns; MOT text has at least 6: frame,id,left,top,width,height; "
            "complete the line or delete it",
        ),
        (
            "1,7,9,9,9,9,1\n2,7,9,9,9,9\n",
            "error 2: 6 columns where line 1 has 7; complete the line or delete it",
        ),
        ("1,7,9,nan,9,9\n", "error 1: 'nan' in column 4; write a finite number or delete the line"),
        ("1,7,9,9,inf,9\n", "error 1: 'inf' in column 5; write a finite number or delete the line"),
        (
            "1,7.5,9,9,9,9\n",
            "error 1: id 7.5 is not a whole number; frames and ids are whole numbers; correct the line",
        ),
        (
            "frame,id,left,top,width,height\n1,7,9,9,9,9\n",
            "error 1: a header line ('frame' ...); delete it: MOT text has none",
        ),
        (
            "1,7,9,9,0,9\n",
            "warning 1: a box without area (width 0, height 9); it counts as a false alarm, as in the official tools",
        ),
        (
            "1,7,9,9,5,-2.5\n",
            "warning 1: a box without area (width 5, height -2.5); it counts as a false alarm, "
            "as in the official tools",
        ),
        (
            "1,7,9,9,9,9,1,3,1\n",
            "warning 1: class 3 in column 8; scored as a person all the same; delete other classes",
        ),
        (
            "1,7,9,9,9,9,1,3,1\n2,7,9,9,9,9,1,4,1\n3,7,9,9,9,9,1,4,1\n",
            "warning 1: boxes of 2 other classes in column 8 (class 4: 2 boxes, 3: 1) (and 2 more such lines: 2, 3); "
            "scored as a person all the same; delete other classes",
        ),
        ("", "warning no rows; scored as no detections"),
        ("1.0,7.0,9,9,9,9\n", "note 1: frame or id with a decimal point; read as a whole number"),
        ("1 7 9 9 9 9\n", "note columns separated by spaces or tabs; read as if by commas"),
        ("1\t7\t9\t9\t9\t9\n", "note columns separated by spaces or tabs; read as if by commas"),
        ("1,7,9,9,9,9\r\n", "note Windows line ends; read as any others"),
        ("\n1,7,9,9,9,9\n\n\n", "note blank lines (3); skipped"),
    ],
)
def test_one_fault_one_finding(results, content, issue):
    assert results(content) == [issue]


@pytest.mark.parametrize("content", ["1, 7, 9, 9, 9, 9\n", "1,7,9,9,9,9", "1,200000000,9,9,9,9\n", "1,0,9,9,9,9\n"])
def test_what_needs_no_word(results, content):
    assert results(content) == []


def test_an_empty_file_with_blank_lines_still_says_that_it_is_empty(results):
    assert results("\n\n") == ["note blank lines (2); skipped", "warning no rows; scored as no detections"]


def test_corner_boxes(results):
    corners = "".join(f"{frame},1,{500 + frame},200,{580 + frame},400,1\n" for frame in range(1, 11))
    issue = (
        "error 1: 10 of 10 boxes leave the image of 1000x500, but fit it as corners: columns 5 and 6 hold x2,y2 "
        "where width,height belong; write width = x2 - x1, height = y2 - y1"
    )
    assert results(corners) == [issue]
    assert results(corners, width=None, height=None) == []


def test_corner_boxes_in_ground_truth_are_a_warning(truth):
    """A camera at arm's length sees nothing but boxes that leave the image and could be corners."""
    found = truth("1,1,500,200,580,400,1\n")
    assert [issue[:36] for issue in found] == ["warning 1: 1 of 1 boxes leave the im"]


def test_people_close_to_the_camera_are_no_corners(results, path):
    """Each box leaves the image at the bottom, and could be read as corners; but so does the ground truth."""
    close = "".join(f"{frame},1,100,100,300,{410 + frame},1\n" for frame in range(1, 11))
    assert len(results(close)) == 1
    path.write_text(close)
    assert results(close, truth=mot_text.read(path)) == []


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.5), (2, 2), (0.5, 1), (4, 4)])
def test_results_at_another_resolution(results, path, x, y):
    path.write_text(CLEAN)
    truth = mot_text.read(path)
    scaled = "".join(
        f"{frame},{id_},{100 * id_ * x},{50 * y},{80 * x},{200 * y},1\n"
        for frame in range(1, 11)
        for id_ in range(1, 6)
    )
    issue = (
        f"warning boxes reach x {580 * x:.0f}, y {250 * y:.0f} where the ground truth reaches 580, 250, and are "
        f"{y:.2f} times as tall: made on an image of another size; scored as they are; scale them to the sequence's "
        "images"
    )
    assert results(scaled, truth=truth) == [issue]


def test_what_does_not_count_does_not_hide_another_resolution(results, path):
    """MOT17-09's ground truth has as many small distractors as people: its median box is not a person's."""
    small = "".join(
        f"{frame},{id_},{100 * id_ - 700},50,20,30,0,8,1,-1\n" for frame in range(1, 11) for id_ in range(8, 14)
    )
    path.write_text(CLEAN + small)
    truth = mot_text.read(path)
    half = "".join(f"{frame},{id_},{50 * id_},25,40,100,1\n" for frame in range(1, 11) for id_ in range(1, 6))
    assert ["made on an image of another size" in issue for issue in results(half, truth=truth)] == [True]


def test_results_in_one_half_of_the_picture_are_not_scaled(results, path):
    path.write_text(CLEAN)
    truth = mot_text.read(path)
    left_half = "".join(line + "\n" for line in CLEAN.split() if line.split(",")[1] in "12")
    assert results(left_half, truth=truth) == []


def test_a_missing_file(path):
    facts: dict[str, Any] = {"frames": FRAMES, "width": WIDTH, "height": HEIGHT}
    assert said(validate_results(path, **facts).issues, path) == [
        "error no results for this sequence; write the file, or give `allow_missing` to score it as no detections"
    ]
    allowed = validate_results(path, **facts, allow_missing=True)
    assert said(allowed.issues, path) == ["warning no such results; scored as no detections"]
    assert len(allowed.rows) == 0
    assert said(validate_truth(path, **facts).issues, path) == ["error no ground truth; give the folder that holds it"]


def test_a_folder_in_place_of_a_file(path):
    path.mkdir()
    found = validate_results(path, frames=FRAMES, width=WIDTH, height=HEIGHT).issues
    assert said(found, path) == ["error not a file; give the path of a MOT text file"]


def test_the_same_fault_on_many_lines_is_one_finding(results):
    content = "".join(f"{frame},7,9,9,9,9\n" for frame in range(9, 18))
    assert results(content) == [
        "error 3: frame 11 of a sequence of 10 frames (and 6 more such lines: 4, 5, 6, 7, 8, ...); "
        "check which sequence it belongs to, or delete the line"
    ]
    assert results("1,7,9,9,9,9\n" * 3)[0].startswith(
        "error 2: id 7 twice in frame 1 (before on line 1) (and 1 more such line: 3);"
    )
    assert results("1,7,9,x,9,9\n1,8,9,9,9,9\n1,9,9,9,9,y\n")[0].startswith(
        "error 1: 'x' in column 4 is not a number (and 1 more such line: 3);"
    )


def test_several_faults_are_all_found(results):
    found = results("0,1,9,9,9,9\n1,2,9,9,nan,9\n99,3,9,9,9,9\n1,4,9,9,9,9\n1,4,9,9,9,9\n1,-5,9,9,9,9\n1,6,9,9,0,9\n")
    assert [issue.split(":")[0] for issue in found] == [
        "error 2", "error 1", "error 3", "error 6", "error 5", "warning 7"
    ]  # fmt: skip


def test_huge_ids_and_frames_cost_nothing(path):
    path.write_text("1,200000000,9,9,9,9\n9000000000,9000000000000,9,9,9,9\n")
    tracemalloc.start()
    try:
        validate_results(path, frames=None, width=None, height=None)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


MOT17 = frozenset(range(1, 14))


@pytest.mark.parametrize(
    ("content", "classes", "issue"),
    [
        ("", (), "error no rows; there is nothing to score against; give the ground truth"),
        (
            "1,7,9,9,9,9,1,-4.1,-7.3,0\n",
            MOT17,
            "error 1: no class in column 8; write 1 for people there, or score with `mot15` or `data`, "
            "which use no classes",
        ),
        (
            "1,7,9,9,9,9,1,1,1\n1,8,9,9,9,9,1,14,1\n",
            MOT17,
            "error 2: class 14 in column 8; classes are 1 to 13; correct the line",
        ),
        (
            "1,7,9,9,9,9,0,1,1\n",
            MOT17,
            "warning column 7 is 0 in every row; no row counts; expected 1 for rows that do",
        ),
        (
            "1,7,9,9,0,9,1,1,1\n",
            MOT17,
            "warning 1: a box without area (width 0, height 9); every tracker misses it, as in the official tools",
        ),
        (
            "12,7,9,9,9,9,1,1,1\n",
            MOT17,
            "error 1: frame 12 of a sequence of 10 frames; check which sequence it belongs to, or delete the line",
        ),
    ],
)
def test_ground_truth(truth, content, classes, issue):
    assert truth(content, classes=classes) == [issue]


def test_world_coordinates_are_no_fault_where_classes_are_not_used(truth):
    assert truth("1,7,9,9,9,9,1,-4.1,-7.3,0\n") == []


def test_errors_end_the_run_and_name_every_one(path):
    def issue(severity, line):
        return Issue(severity, path, line, f"fault {line}", "repair it")

    raise_errors([issue("warning", 1), issue("note", 2)])
    with pytest.raises(InputError) as raised:
        raise_errors([issue("error", 3), issue("warning", 4), issue("error", 5)])
    assert str(raised.value) == f"{path}:3: fault 3; repair it\n{path}:5: fault 5; repair it"
    with pytest.raises(InputError) as raised:
        raise_errors([issue("error", line) for line in range(50)])
    assert str(raised.value).splitlines()[20:] == ["... and 30 more errors"]


FRAMES_OF = {"02": 600, "04": 1050, "09": 525, "13": 750}


def test_real_files_are_passed_in_silence(shared):
    checked = 0
    for sequence in sorted(shared("data/mot17/train").iterdir()):
        facts: dict[str, Any] = {"frames": FRAMES_OF[sequence.name[6:8]], "width": 1920, "height": 1080}
        truth = validate_truth(sequence / "gt/gt.txt", **facts, classes=MOT17)
        assert truth.issues == ()
        for path in shared("data/mot17-results").glob(f"*/{sequence.name}.txt"):
            found = validate_results(path, **facts, truth=truth.rows)
            assert found.issues == ()
            checked += 1
    assert checked == 10
    pets = shared("data/pets09-s2l1")
    assert validate_truth(pets / "gt/gt.txt", frames=795, width=768, height=576).issues == ()


def test_real_results_as_corners_and_at_half_size_are_caught(shared, tmp_path):
    truth = mot_text.read(shared("data/mot17/train/MOT17-04-FRCNN/gt/gt.txt"))
    rows = mot_text.read(shared("data/mot17-results/lif_t/MOT17-04-FRCNN.txt"))
    corners = rows.tlwh.copy()
    corners[:, 2:] += corners[:, :2]

    def messages(tlwh):
        table = np.column_stack([rows.frame, rows.id, tlwh])
        np.savetxt(tmp_path / "x.txt", table, fmt=["%d"] * 2 + ["%.1f"] * 4, delimiter=",")
        found = validate_results(tmp_path / "x.txt", frames=1050, width=1920, height=1080, truth=truth)
        return [issue.message for issue in found.issues]

    assert "fit it as corners" in messages(corners)[0]
    assert "made on an image of another size" in messages(rows.tlwh / 2)[0]


def test_real_results_of_every_sequence_are_told_by_their_size(shared):
    folder = shared("data/mot17-results")
    for path in sorted(folder.glob("*/*.txt")):
        rows = mot_text.read(path).tlwh
        truth = mot_text.read(shared(f"data/mot17/train/{path.stem}/gt/gt.txt"))
        truth = truth.tlwh[truth.score != 0]
        assert made_on_other_size(rows, truth) is None, path
        for scale in (1 / 2, 2 / 3, 3 / 2, 2):
            assert made_on_other_size(rows * scale, truth), (path, scale)
