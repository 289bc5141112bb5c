"""Which number of an image's name is its frame's, and what is said where that is not clear."""

from pathlib import Path

import pytest

from remix_track.image_numbers import LARGEST_NUMBER, numbers_of_folder, numbers_of_sequence
from remix_track.media_files import natural_key
from remix_track.trackers.sources import open_source
from remix_track.trackers.sources.source import Selection
from tests.trackers.sources.test_images import save


def paths(*names):
    return sorted((Path("in") / f"{name}.jpg" for name in names), key=natural_key)


CLEAR = [
    ("plain", ["000001", "000002", "000006"], [1, 2, 6]),
    ("a common prefix", ["frame_000001", "frame_000003"], [1, 3]),
    ("no separator", ["img00001", "img00002"], [1, 2]),
    ("the camera's number stays", ["cam1_000006", "cam1_000007"], [6, 7]),
    ("a date that stays", ["2024-01-02_cam3_0009_x", "2024-01-02_cam3_0011_x"], [9, 11]),
    ("a suffix of its own", ["frame_7_jpg.rf.5a", "frame_8_jpg.rf.e9", "frame_9_jpg.rf.1f"], [7, 8, 9]),
    ("a second number that does not rise", ["frame_01_2people", "frame_02_1people"], [1, 2]),
    ("a prefix in two cases", ["IMG_4", "img_5"], [4, 5]),
    ("from 0", ["000000", "000001", "000003"], [1, 2, 4]),
]


@pytest.mark.parametrize(("names", "numbers"), [case[1:] for case in CLEAR], ids=[case[0] for case in CLEAR])
def test_the_one_number_that_rises_is_the_frames(names, numbers):
    assert numbers_of_sequence(paths(*names), "here") == (numbers, None)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["frame_1_t10", "frame_2_t20"], "state 2 numbers that rise"),
        (["a", "b"], "do not state a frame number each"),
        (["left_1", "right_2"], "do not state a frame number each"),
        (["1", "01"], "do not state a frame number each"),
        (["t1700000000", "t1700000001"], "do not state a frame number each"),
    ],
)
def test_where_the_number_is_not_clear_the_place_counts_and_that_is_said(names, found):
    numbers, doubt = numbers_of_sequence(paths(*names), "here")
    assert numbers is None
    assert doubt == f"here: the names of the images {found}; frames are numbered by their place, from 1"


def test_a_number_beyond_all_recordings_is_no_frames():
    assert numbers_of_sequence(paths(str(LARGEST_NUMBER)), "here").numbers == [LARGEST_NUMBER]
    assert numbers_of_sequence(paths(str(LARGEST_NUMBER + 1)), "here").numbers is None


@pytest.mark.parametrize(
    ("names", "numbers", "said"),
    [
        (["f1", "f2", "f3"], None, None),
        (["f0", "f1"], [1, 2], None),
        (["f0", "f2"], [1, 3], ", which count from 0, and one: 1 to 3, 1 is missing"),
        (["f1", "f2", "f5", "f6"], [1, 2, 5, 6], ": 1 to 6, 2 are missing"),
        (["f5", "f6"], [5, 6], ": 5 to 6"),
        (["f5", "f8"], [5, 8], ": 5 to 8, 2 are missing"),
        (["f5", "f9"], None, "hold numbers of 5 to 9; frames are numbered by their place, 1 to 2"),
        (["f1_2", "f2_3"], None, "hold several numbers; frames are numbered by their place, 1 to 2"),
        (["20240101_120000", "20240101_120500"], None, "hold numbers of 120000 to 120500"),
        (["zoe", "adam"], None, None),
        (["f1", "f2", "f3", "f5", "preview"], None, "hold no number that rises; frames are numbered by their place, 1"),
        (["f6", "f06", "f7"], None, "hold no number that rises"),
        (["left_1", "left_2", "right_1"], None, "hold no number that rises"),
        (["f1", "f2", "mask"], None, None),
        (["zoe", "adam", "mary2"], None, None),
        (["IMG_1234"], None, None),
    ],
)
def test_a_plain_folder_is_numbered_by_names_that_look_like_frames(names, numbers, said):
    found, doubt = numbers_of_folder(paths(*names), "here")
    by_place = list(range(1, len(names) + 1))
    assert (found or by_place) == (numbers or by_place)
    assert said in (doubt or "") if said else doubt is None


@pytest.mark.parametrize("in_sequence", [True, False])
def test_frame_six_is_frame_six_also_behind_a_gap(tmp_path, in_sequence):
    folder = tmp_path / "img1" if in_sequence else tmp_path
    for number in (1, 2, 3, 6, 7):
        save(folder / f"frame_{number:06}.png", number)
    with open_source(tmp_path, fps=10) as source:
        assert [(frame.index, frame.time) for frame in source] == [(n, (n - 1) / 10) for n in (1, 2, 3, 6, 7)]


def test_a_folder_from_the_middle_of_a_recording_is_selected_from_its_first_frame(tmp_path):
    for number in range(301, 309):
        save(tmp_path / f"{number:06}.png", number % 256)
    for start, stride, frames, numbers in (
        (1, 1, 3, [301, 302, 303]),
        (2, 3, None, [302, 305, 308]),
        (306, 1, None, [306, 307, 308]),
    ):
        with open_source(tmp_path, start=start, stride=stride, frames=frames) as source:
            assert source.frames == len(numbers)
            assert [frame.index for frame in source] == numbers


@pytest.mark.parametrize(
    ("start", "stride", "first", "begins"), [(1, 1, 1, 1), (5, 1, 3, 5), (1, 4, 7, 9), (1, 4, 9, 9)]
)
def test_a_selection_begins_at_the_first_frame_that_there_is(start, stride, first, begins):
    assert Selection(start, stride).beginning_at(first).start == begins
