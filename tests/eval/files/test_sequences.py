"""Sequences are found as every download lies on disk, and results as every tracker writes them."""

from pathlib import Path

import pytest

from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS
from remix_track.eval.files.result_files import find_results
from remix_track.eval.files.sequences import default_root, find_sequences

LINE = "1,1,0,0,10,10,1,1,1\n"


def _sequence(folder, *, gt=LINE, frames=None, det=True):
    folder.mkdir(parents=True)
    if gt is not None:
        (folder / "gt").mkdir()
        (folder / "gt" / "gt.txt").write_text(gt)
    if frames is not None:
        (folder / "seqinfo.ini").write_text(f"[Sequence]\nname={folder.name}\nseqLength={frames}\n")
    if det:
        (folder / "det").mkdir()
        (folder / "det" / "det.txt").write_text(LINE)
    return folder


def _names(found):
    return [sequence.name for sequence in found.sequences]


@pytest.mark.parametrize(
    ("layout", "root"),
    [
        ("MOT17/train", "MOT17/train"),
        ("MOT17/train", "MOT17"),
        ("MOT17/train", ""),
        ("data/gt/mot_challenge/MOT17-train", "data"),
        ("data/gt/mot_challenge/MOT17-train", ""),
        ("flat", "flat"),
    ],
)
def test_every_layout(tmp_path, layout, root):
    for name in ("MOT17-04-SDP", "MOT17-02-FRCNN"):
        _sequence(tmp_path / layout / name, frames=7)
    found = find_sequences(tmp_path / root, PRESETS["mot17"])
    assert _names(found) == ["MOT17-02-FRCNN", "MOT17-04-SDP"]
    first = found.sequences[0]
    assert (first.frames, first.detector, found.skipped) == (7, "FRCNN", ())
    assert first.gt.read_text() == LINE
    assert first.detections == first.folder / "det" / "det.txt"


def test_one_sequence_is_taken_whatever_its_name(tmp_path):
    folder = _sequence(tmp_path / "MOT20-01", frames=3)
    assert _names(find_sequences(folder, PRESETS["mot17"])) == ["MOT20-01"]


def test_the_current_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(_sequence(tmp_path / "street", frames=3))
    assert _names(find_sequences(Path(), PRESETS["data"])) == ["street"]


def test_what_is_skipped_is_said(tmp_path):
    _sequence(tmp_path / "MOT17" / "train" / "MOT17-02-DPM", frames=5)
    test = _sequence(tmp_path / "MOT17" / "test" / "MOT17-01-DPM", gt=None, frames=5)
    again = _sequence(tmp_path / "A copy" / "MOT17-02-DPM", frames=5)
    other = _sequence(tmp_path / "MOT20" / "train" / "MOT20-01", frames=5)
    found = find_sequences(tmp_path, PRESETS["mot17"])
    assert _names(found) == ["MOT17-02-DPM"]
    kept, dropped = found.sequences[0].folder, {skipped.folder: skipped.reason for skipped in found.skipped}
    assert dropped[test] == "no gt/gt.txt (a test sequence?)"
    assert dropped[other] == "not a MOT17 sequence"
    assert kept == again
    assert dropped[tmp_path / "MOT17" / "train" / "MOT17-02-DPM"] == f"same name as {again}"


def test_benchmarks_side_by_side(tmp_path):
    for name in ("MOT16-02", "MOT20-01", "ADL-Rundle-6", "dancetrack0004"):
        _sequence(tmp_path / "train" / name, frames=5)
    taken = {preset: _names(find_sequences(tmp_path, PRESETS[preset])) for preset in ("mot15", "mot16", "dancetrack")}
    assert taken == {"mot15": ["ADL-Rundle-6"], "mot16": ["MOT16-02"], "dancetrack": ["dancetrack0004"]}
    assert len(find_sequences(tmp_path, PRESETS["data"]).sequences) == 4


def test_renamed_sequences_are_taken_where_none_has_the_usual_name(tmp_path):
    _sequence(tmp_path / "street-a", frames=5)
    assert _names(find_sequences(tmp_path, PRESETS["mot17"])) == ["street-a"]


def test_number_of_frames_without_seqinfo(tmp_path):
    pictures = _sequence(tmp_path / "a") / "img1"
    pictures.mkdir()
    for number in (1, 2, 3):
        (pictures / f"{number:06}.jpg").touch()
    (pictures / "Thumbs.db").touch()
    (pictures / "._000001.jpg").touch()
    _sequence(tmp_path / "b", gt=LINE + "12,1,0,0,10,10,1,1,1\n")
    (tmp_path / "b" / "clip.MP4").touch()
    first, second = find_sequences(tmp_path, PRESETS["data"]).sequences
    assert (first.frames, first.pictures, first.video) == (3, pictures, None)
    assert (second.frames, second.pictures, second.video) == (12, None, tmp_path / "b" / "clip.MP4")


def test_links_are_followed_and_do_not_go_round(tmp_path):
    _sequence(tmp_path / "disk" / "MOT17-02-DPM", frames=5)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "MOT17").symlink_to(tmp_path / "disk")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert _names(find_sequences(tmp_path / "data", PRESETS["mot17"])) == ["MOT17-02-DPM"]


def test_nothing_found(tmp_path):
    folder = _sequence(tmp_path / "MOT17-01-DPM", gt=None)
    with pytest.raises(InputError) as error:
        find_sequences(tmp_path, PRESETS["mot17"])
    assert str(error.value) == (
        f"{tmp_path}: no MOT17 sequence with ground truth (SEQUENCE/gt/gt.txt) here or below; 1 skipped, the first: "
        f"{folder} (no gt/gt.txt (a test sequence?)); give the folder that holds the sequences"
    )
    with pytest.raises(InputError, match="no such folder"):
        find_sequences(tmp_path / "absent", PRESETS["mot17"])


def test_too_many_folders_end_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr("remix_track.eval.files.folders._MOST_FOLDERS", 3)
    for name in "abcd":
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="more than 3 folders below"):
        find_sequences(tmp_path, PRESETS["mot17"])


def test_default_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REMIX_TRACK_DATA", raising=False)
    with pytest.raises(InputError) as error:
        default_root(PRESETS["mot17"])
    assert str(error.value) == (
        "MOT17: not found in MOT17, mot17, data/MOT17, data/mot17; get it from https://motchallenge.net/data/MOT17.zip "
        "and unpack it to ./data/MOT17, or give its folder: `mot17` ROOT"
    )
    (tmp_path / "data" / "MOT17").mkdir(parents=True)
    assert str(default_root(PRESETS["mot17"])) == "data/MOT17"
    (tmp_path / "elsewhere" / "MOT17").mkdir(parents=True)
    monkeypatch.setenv("REMIX_TRACK_DATA", str(tmp_path / "elsewhere"))
    assert default_root(PRESETS["mot17"]) == tmp_path / "elsewhere" / "MOT17"
    monkeypatch.setenv("REMIX_TRACK_DATA", str(tmp_path / "elsewhere" / "MOT17"))
    assert default_root(PRESETS["mot17"]) == tmp_path / "elsewhere" / "MOT17"


@pytest.mark.parametrize("layout", ["", "data", "MOT17-train/mine/data"])
def test_results_in_every_layout(tmp_path, layout):
    for name in ("MOT17-02-DPM", "MOT17-04-DPM"):
        _sequence(tmp_path / "MOT17" / name, frames=5)
    sequences = find_sequences(tmp_path / "MOT17", PRESETS["mot17"]).sequences
    folder = tmp_path / "results" / layout
    folder.mkdir(parents=True)
    (folder / "MOT17-02-DPM.txt").write_text(LINE)
    found = find_results(tmp_path / "results", sequences)
    assert found.files == {"MOT17-02-DPM": folder / "MOT17-02-DPM.txt"}
    assert found.missing == ("MOT17-04-DPM",)
    assert found.folder == folder


def test_results_of_several_trackers(tmp_path):
    sequences = find_sequences(_sequence(tmp_path / "street", frames=5), PRESETS["data"]).sequences
    for tracker in ("a", "b"):
        (tmp_path / "results" / tracker).mkdir(parents=True)
        (tmp_path / "results" / tracker / "street.txt").write_text(LINE)
    with pytest.raises(InputError) as error:
        find_results(tmp_path / "results", sequences)
    assert str(error.value) == (
        f"{tmp_path / 'results'}: holds the results of 2 trackers (a, b); give the folder of one"
    )
    one = tmp_path / "results" / "a" / "street.txt"
    assert find_results(one, sequences).files == {"street": one}


def test_a_name_in_seqinfo_cannot_lead_out_of_the_folder(tmp_path):
    folder = _sequence(tmp_path / "street")
    (folder / "seqinfo.ini").write_text("[Sequence]\nname=../secret\nseqLength=5\n")
    (tmp_path / "secret.txt").write_text(LINE)
    (tmp_path / "results").mkdir()
    found = find_results(tmp_path / "results", find_sequences(folder, PRESETS["data"]).sequences)
    assert found.missing == ("street",)


def test_real_footage(shared):
    root = shared("data/pets09-s2l1")
    (pets,) = find_sequences(root, PRESETS["data"]).sequences
    assert (pets.name, pets.info.name, pets.frames, pets.video) == (
        "pets09-s2l1", "PETS09-S2L1", 795, root / "video.avi",
    )  # fmt: skip
    found = find_sequences(shared("data/mot17"), PRESETS["mot17"])
    assert _names(found)[:2] == ["MOT17-02-FRCNN", "MOT17-04-FRCNN"]
    assert len(found.sequences) == 6
    results = find_results(shared("data/mot17-results") / "bytetrack_public", found.sequences)
    assert results.missing == ("MOT17-09-DPM", "MOT17-09-SDP")
