"""A run's folder where one of its files is asked for."""

import shutil

import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.output_files import reserve_folder
from remix_track.run_files import files_at, parts_in
from remix_track.trackers.sinks.people_page import PeoplePageSink
from tests.cli.test_eval import write_sequence


def test_parts_come_in_order_and_nothing_else_does(tmp_path):
    names = ["tracks.txt", "tracks-0002.txt", "tracks-0010-20261129T150000Z.txt"]
    for name in [*names, "tracks.csv", "tracks-0002.csv", "tracks-old.txt", "mytracks.txt", "tracks-2.txt"]:
        (tmp_path / name).touch()
    assert [path.name for path in parts_in(tmp_path, "tracks.txt")] == names
    assert files_at(tmp_path, "tracks.txt", "") == parts_in(tmp_path, "tracks.txt")
    assert files_at(tmp_path / "x.txt", "tracks.txt", "") == [tmp_path / "x.txt"]
    with pytest.raises(InputError, match=r"holds no embeddings.npz; track again$"):
        files_at(tmp_path, "embeddings.npz", "track again")


def test_eval_takes_the_folder_of_a_run_over_one_sequence(tmp_path, capsys):
    sequence = write_sequence(tmp_path / "own", "street")
    run = tmp_path / "another-name"
    run.mkdir()
    shutil.copyfile(sequence / "gt" / "gt.txt", run / "tracks.txt")
    words = ["eval", "--data", str(sequence), "--results", str(run), "--quiet", "--min", "MOTA=100"]
    assert main(words) == 0
    shutil.copyfile(run / "tracks.txt", run / "tracks-0002.txt")
    assert main(words) == 2
    assert "a run in 2 parts; put tracks.txt and the others into one file" in capsys.readouterr().err


def test_eval_puts_errors_onto_the_page_of_people_of_a_run(tmp_path, capsys):
    sequence = write_sequence(tmp_path / "own", "street")
    run = tmp_path / "run"
    with PeoplePageSink(reserve_folder(run) / "people.html", 25, title="street"):
        shutil.copyfile(sequence / "gt" / "gt.txt", run / "tracks.txt")
    words = ["eval", "--data", str(sequence), "--results", str(run), "--errors", str(tmp_path / "errors.html")]
    assert main(words) == 0
    assert f"errors on the timeline of people: {run / 'people.html'}" in capsys.readouterr().out.replace("\n", "")
    text = (run / "people.html").read_text(encoding="utf-8")
    assert 'id="errors-data">{"missed":[],"alarms":[],"switches":[]}</script>' in text


def test_search_says_what_a_folder_lacks(tmp_path, capsys):
    assert main(["search", str(tmp_path), "--like", "x.jpg"]) == 2
    assert "holds no embeddings.npz; give the folder of a run that was tracked with --embeddings" in (
        capsys.readouterr().err
    )
