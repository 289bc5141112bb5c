"""Rows of people: added in parts, read as one table, also where a process was killed or another one is at work."""

import shutil

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.store import index as index_module
from remix_track.store import open_store, parquet
from remix_track.store.gallery import Recognition
from remix_track.store.people import PeopleFiles
from remix_track.store.people_rows import joined_rows, no_rows, recognised_rows
from tests.store.frames import frame, job, write

pytest.importorskip("pyarrow")


@pytest.fixture
def files(tmp_path):
    made = PeopleFiles(open_store(tmp_path / "S", create=True).path)
    made.folder.mkdir()
    return made


def rows(job, people):
    return recognised_rows(
        job, {track: Recognition(person, 0.1, 0, np.nan, sure=True) for track, person in people.items()}
    )


def said(table):
    columns = zip(table["job"].tolist(), table["track"].tolist(), table["person"].tolist(), strict=True)
    return {(job, track): person for job, track, person in columns}


def names(files):
    return sorted(path.name for path in files.folder.iterdir() if path.suffix == ".parquet")


def test_what_is_added_in_parts_is_one_table(files):
    drawn, expected = np.random.default_rng(1), dict[tuple[str, int], int]()
    for step in range(25):
        people = {int(track): step for track in drawn.choice(30, drawn.integers(1, 9), replace=False) + 1}
        key = f"camera~{drawn.integers(1, 4):04d}"
        files.add_rows(rows(key, people))
        expected |= {(key, track): person for track, person in people.items()}
        assert said(files.table()) == expected
    assert not list(files.folder.glob(".*"))


def test_a_row_is_written_few_times_and_there_are_few_files(files, monkeypatch):
    written, write_table = list[int](), parquet.write_table

    def counted(path, columns, table, notes):
        written.append(len(table["track"]))
        write_table(path, columns, table, notes)

    monkeypatch.setattr("remix_track.store.people_rows.write_table", counted)
    files.write_table(rows("archive", dict.fromkeys(range(1, 5001), 1)))
    for part in range(1, 65):
        files.add_rows(rows(f"camera~{part:04d}", {1: 7, 2: 8}))
        assert len(names(files)) <= 8
    assert len(files.table()["track"]) == 5000 + 128
    # Each of the 128 rows at most once for each doubling of its file, and the 5,000 once.
    assert sum(written) <= 5000 + 128 * 7
    assert max(written[1:]) <= 128


def test_a_large_addition_takes_in_the_table(files):
    files.write_table(rows("archive", {1: 1, 2: 2}))
    files.add_rows(rows("camera~0001", {1: 3}))
    assert len(names(files)) == 2
    files.add_rows(rows("camera~0002", {1: 4}))
    assert names(files) == ["people.parquet"]
    assert list(said(files.table()).values()) == [1, 2, 3, 4]
    files.add_rows(no_rows())
    assert names(files) == ["people.parquet"]


def test_what_was_taken_in_does_not_count_where_a_process_was_killed_before_it_was_removed(files, tmp_path):
    files.write_table(rows("archive", dict.fromkeys(range(1, 100), 1)))
    files.add_rows(rows("camera~0001", {1: 5, 2: 5}))
    files.add_rows(rows("camera~0002", {1: 6}))
    kept = tmp_path / "kept"
    shutil.copytree(files.folder, kept)
    files.add_rows(rows("camera~0001", {1: 9, 3: 5}))  # takes in both
    after = said(files.table())
    assert after["camera~0001", 1] == 9
    bring_back(kept, files)
    assert said(files.table()) == after
    files.add_rows(rows("camera~0003", {1: 4}))
    assert len(names(files)) == 3  # the table and two parts: what does not count is removed
    files.write_table(rows("archive", {1: 2}))
    bring_back(kept, files)
    assert said(files.table()) == {("archive", 1): 2}
    files.add_rows(rows("camera~0004", {1: 8}))
    assert said(files.table()) == {("archive", 1): 2, ("camera~0004", 1): 8}


def bring_back(kept, files):
    for path in kept.glob("people-*"):
        shutil.copyfile(path, files.folder / path.name)


def test_a_reader_sees_all_rows_while_another_process_takes_parts_in(files, monkeypatch):
    files.write_table(rows("archive", dict.fromkeys(range(1, 100), 1)))
    for part in range(1, 3):
        files.add_rows(rows(f"camera~{part:04d}", dict.fromkeys(range(1, 1 + 6 // part), part)))
    read_table, others = parquet.read_table, iter([{1: 7}, dict.fromkeys(range(1, 200), 3)])

    def disturbed(path, columns, **more):
        people = next(others, None)
        if people:
            with monkeypatch.context() as undisturbed:
                undisturbed.setattr("remix_track.store.people_rows.read_table", read_table)
                files.add_rows(rows("camera~0009", people))
        return read_table(path, columns, **more)

    monkeypatch.setattr("remix_track.store.people_rows.read_table", disturbed)
    assert len(said(files.table())) == 99 + 6 + 3 + 199


def test_a_damaged_part_is_one_line(files):
    files.write_table(rows("archive", {1: 1, 2: 2}))
    files.add_rows(rows("camera~0001", {1: 3}))
    part = next(files.folder.glob("people-*"))
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(InputError, match=part.name):
        files.table()
    part.unlink()
    part.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="leads out"):
        files.table()


def test_the_index_touches_only_what_was_added(files, monkeypatch):
    store = open_store(files.folder.parent)
    for camera in ("gate", "yard"):
        write(store, job(camera), [frame(1, [1, 2, 3])])
    gate, yard = job("gate").key, job("yard").key
    files.write_table(joined_rows(rows(gate, {1: 4, 2: 5}), rows(yard, {1: 6, 2: 1}), rows(job("door").key, {7: 3})))
    assert store.people() == {4: 1, 5: 1, 6: 1, 1: 1}
    monkeypatch.setattr(index_module, "set_all_people", None)
    files.add_rows(rows(yard, {2: 5, 3: 9}))
    assert store.people() == {4: 1, 5: 2, 6: 1, 9: 1}
    write(store, job("door"), [frame(1, [7])])  # its row was there before it
    assert store.people() == {4: 1, 5: 2, 6: 1, 9: 1, 3: 1}
    files.add_rows(rows(yard, {3: 6}))
    assert store.people() == {4: 1, 5: 2, 6: 2, 3: 1}
    monkeypatch.undo()
    files.write_table(rows(gate, {1: 4}))
    assert store.people() == {4: 1}


def test_rows_of_one_tracklet_are_one():
    rng = np.random.default_rng(3)
    tables = [rows(f"j{rng.integers(3)}", {int(t): int(rng.integers(9)) for t in rng.integers(1, 6, 4)})
              for _ in range(20)]  # fmt: skip
    expected = dict[tuple[str, int], int]()
    for table in tables:
        expected |= said(table)
    found = joined_rows(no_rows(), *tables)
    assert said(found) == expected
    assert len(found["track"]) == len(expected)
    assert len(joined_rows(no_rows())["job"]) == 0
