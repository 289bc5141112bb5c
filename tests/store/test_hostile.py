"""Whatever lies in a store that is not ours, or is damaged: one line that says what and where, and nothing is run."""

import json
import os
import shutil
import sqlite3
import struct

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.store import StoredJob, open_store
from remix_track.store.archive.claims import Claims
from remix_track.store.archive.failures import Failures
from remix_track.store.layout import crop_path, inside
from remix_track.store.parquet import TRACKLETS, TRACKS, Column, read_table, write_table
from remix_track.store.people import LOG, PeopleFiles
from tests.store.frames import frame, job, write

pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "S", create=True)
    write(store, job(), [frame(1, [1, 2])])
    return store


@pytest.fixture
def stored(store):
    return store.job(job())


def one_line(caught):
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def refused(call, match):
    with pytest.raises(InputError, match=match) as caught:
        call()
    one_line(caught)


def replaced(path, write):
    path.unlink()
    write(path)


def test_a_table_of_another_schema(stored):
    path = stored.folder / "tracklets.parquet"
    others = [Column("track", "string"), *TRACKLETS[1:]]
    values = {"track": ["1"], "crops": [""]} | {one.name: [None if one.optional else 0] for one in TRACKLETS[1:-1]}
    replaced(path, lambda path: write_table(path, others, values))
    refused(
        stored.tracklets, r"tracklets\.parquet: a table of another schema \(column track is string, expected int64\)"
    )
    replaced(path, lambda path: write_table(path, TRACKS[:1], {"frame": [1]}))
    refused(stored.tracklets, r"another schema \(column track is missing, expected int64\)")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"x" * 1000, b"PAR1" + b"x" * 100 + struct.pack("<I", 2**31) + b"PAR1"]
)
def test_what_is_no_table(stored, content):
    (stored.folder / "tracklets.parquet").write_bytes(content)
    refused(stored.tracklets, r"tracklets\.parquet: cannot be read as a table of a store \(.*\); remove")


def test_a_table_that_is_cut_off_anywhere(stored):
    path = stored.folder / "tracklets.parquet"
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        refused(stored.tracklets, r"tracklets\.parquet: cannot be read as a table of a store")


def test_a_table_with_any_byte_changed_is_read_or_refused(stored):
    path = stored.folder / "tracklets.parquet"
    whole = path.read_bytes()
    drawn = np.random.default_rng(0)
    for place in drawn.integers(0, len(whole), 300).tolist():
        changed = bytearray(whole)
        changed[place] ^= 1 << int(drawn.integers(8))
        path.write_bytes(changed)
        try:
            stored.tracklets()
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_a_footer_that_claims_too_much(stored):
    path = stored.folder / "tracklets.parquet"
    with path.open("r+b") as file:
        file.truncate(100 << 20)  # sparse
        file.seek(-8, os.SEEK_END)
        file.write(struct.pack("<I", 99 << 20) + b"PAR1")
    refused(stored.tracklets, r"its footer claims 104 MB")


def test_missing_values_and_tracks_out_of_order(stored):
    path = stored.folder / "tracklets.parquet"
    rows = read_table(path, TRACKLETS)
    missing = [one._replace(optional=one.optional or one.name == "boxes") for one in TRACKLETS]
    values = dict(rows) | {"boxes": [1, None]}
    replaced(path, lambda path: write_table(path, missing, values))
    refused(stored.tracklets, "column boxes lacks values")
    swapped = rows | {"track": rows["track"][::-1]}
    replaced(path, lambda path: write_table(path, TRACKLETS, swapped))
    refused(stored.tracklets, "its tracks are not in order")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path, whole: path.write_bytes(whole[:-1]), "it was cut off or changed"),
        (lambda path, whole: path.write_bytes(whole + b"x"), "it was cut off or changed"),
        (lambda path, whole: path.write_bytes(b""), "cannot be read as vectors"),
        (lambda path, whole: np.save(path, np.zeros((2, 8), np.float32)), "expected float16"),
        (lambda path, whole: np.save(path, np.zeros((2, 8), object), allow_pickle=True), "expected float16"),
        (lambda path, whole: np.save(path, np.zeros((3, 8), np.float16)), "3 rows for 2 tracklets"),
        (
            lambda path, whole: np.save(path, np.zeros((2, 9), np.float16)),
            "vectors 9 long in a store of vectors 8 long",
        ),
        (lambda path, whole: np.save(path, np.zeros((2, 8, 1), np.float16)), "expected float16"),
        (lambda path, whole: path.unlink(), "cannot be read"),
    ],
)
def test_vectors_that_are_cut_off_or_of_others(store, stored, make, expected):
    tracklets = store.tracklets()
    path = stored.folder / "vectors.npy"
    make(path, path.read_bytes())
    refused(lambda: store.vectors(tracklets), rf"vectors\.npy: .*{expected}")


def test_a_header_that_asks_for_terabytes(stored):
    header = {"descr": "<f2", "fortran_order": False, "shape": (2, 60000)}
    with (stored.folder / "vectors.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    refused(lambda: stored.vectors(2), "it was cut off or changed")


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "crops/1/../../../x.jpg", "crops/1/1.png", "crops/١/1.jpg", "crops/1/1.jpg\n"]
)
def test_a_crop_that_leads_out_of_the_store(stored, name):
    refused(lambda: crop_path(stored.folder, name), "which is no crop of this job")


def test_links_that_lead_out_of_the_store(store, stored, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(stored.folder, outside / "job")
    (crop,) = stored.crops(stored.tracklets()["crops"][0])
    crop.unlink()
    crop.symlink_to(tmp_path / "secret.jpg")
    refused(lambda: stored.crops(f"crops/1/{crop.name}"), "a link that leads out of the store")
    (stored.folder / "vectors.npy").unlink()
    (stored.folder / "vectors.npy").symlink_to(outside / "job" / "vectors.npy")
    refused(lambda: stored.vectors(2), "a link that leads out of the store")
    (store.path / "jobs" / "elsewhere").symlink_to(outside / "job")
    refused(lambda: store.job("elsewhere"), "a link that leads out of the store")
    (store.path / "inside").symlink_to(stored.folder)
    assert inside(store.path, store.path / "inside") == store.path / "inside"


@pytest.mark.parametrize("name", ["locks", "locks/KEY", "failed", "people", "people/.lock"])
def test_nothing_is_written_where_a_link_leads_out_of_the_store(store, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    path = store.path / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside if "/" not in name else outside / "made")

    def write_there():
        Claims(store.path).take("KEY")
        Failures(store.path).keep("KEY", "a.mp4", "no video")
        with PeopleFiles(store.path).locked():
            pass

    refused(write_there, "a link that leads out of the store")
    assert not list(outside.iterdir())


def test_the_log_of_people_is_not_written_through_a_link(store, tmp_path):
    files = PeopleFiles(store.path)
    with files.locked():
        (files.folder / LOG).symlink_to(tmp_path / "log")
        refused(lambda: files.note("name", 1, name="Ann"), "a link that leads out of the store")
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("key", ["../x", "a/b", ".hidden", "", "x" * 300, "a\nb"])
def test_a_key_that_is_a_path(store, key):
    refused(lambda: store.job(key), "cannot be the key of a job")


def test_a_folder_that_is_a_pipe_or_a_file(store, tmp_path):
    os.mkfifo(store.path / "jobs" / "pipe")
    (store.path / "jobs" / "file").touch()
    assert store.jobs() == (job().key,)
    assert len(store.tracklets()) == 2


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "cannot be read as the job of a store"),
        ("[]", "cannot be read as the job of a store"),
        ("[" * 100_000, "cannot be read as the job of a store"),
        ('{"format": 99, "job": {}, "result": {}}', "format 99, this release reads 1"),
        ('{"format": 1, "job": {}, "result": {}}', "cannot be read as the job of a store"),
    ],
)
def test_a_job_that_says_other_things(stored, content, expected):
    (stored.folder / "job.json").write_text(content)
    refused(lambda: StoredJob.read(stored.folder), expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda values: values["result"].update(boxes=-1), "boxes = -1"),
        (lambda values: values["result"].update(more=1), "unknown key 'more'"),
        (lambda values: values["job"]["weights"].update(width=10**30), "width"),
        (lambda values: values["job"].update(camera="a\nb"), "camera"),
        (lambda values: values["job"].update(start="yesterday"), "cannot be read"),
        (lambda values: values["job"].update(settings=[]), "its settings are no table"),
        (lambda values: values["job"]["source"].pop("name"), "cannot be read"),
    ],
)
def test_a_job_with_values_that_none_has(stored, change, expected):
    path = stored.folder / "job.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    refused(lambda: StoredJob.read(stored.folder), expected)


@pytest.mark.parametrize("name", ["store.json", "weights.json"])
def test_a_store_whose_own_files_are_damaged(store, name):
    (store.path / name).write_text("nothing")
    refused(lambda: open_store(store.path).weights, f"{name}: cannot be read as a file of a store")


def test_a_store_of_a_later_format(store):
    (store.path / "store.json").write_text('{"format": 2}')
    refused(lambda: open_store(store.path), "format 2, this release reads 1; update remix-track")


def test_the_command_says_what_a_store_holds_and_which_jobs_are_damaged(store, capsys):
    assert main(["store", str(store.path)]) == 0
    assert "1 job, 0.00 hours, 2 tracklets, 0 people" in capsys.readouterr().out
    broken = write(store, job("yard"), [frame(1, [1])])
    (broken.folder / "vectors.npy").write_bytes(b"")
    # The files of a job never change, so it is looked at once; a line says how to look again.
    assert main(["store", str(store.path), "--rebuild"]) == 2
    said = capsys.readouterr()
    assert "1 job, 0.00 hours, 2 tracklets" in said.out
    (line,) = {line for line in said.err.splitlines() if "vectors.npy" in line}
    assert "cannot be read as vectors of a store" in line
    assert main(["store", str(store.path / "jobs")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tracklets SET row = 1000000",
        "UPDATE tracklets SET row = -1",
        "UPDATE tracklets SET first_frame = 'yesterday'",
        "UPDATE tracklets SET job = 99",
        "UPDATE jobs SET first = 1000000",
        "INSERT INTO meta VALUES ('sketched', 'nothing')",
        "UPDATE meta SET value = ' nothing' WHERE name = 'people'",
        "INSERT INTO meta VALUES ('sketch', '../../x:8')",
        "INSERT INTO cells VALUES (1, 1, 2, 2, x'00')",
    ],
)
def test_an_index_whose_rows_are_not_those_of_the_folders(store, monkeypatch, change):
    from remix_track.store import search

    assert len(store.tracklets()) == 2
    with sqlite3.connect(store.path / "index.sqlite") as connection:
        connection.execute(change)
    connection.close()
    for at_once in (10**6, 0):
        monkeypatch.setattr(search, "AT_ONCE", at_once)
        try:
            hits = open_store(store.path).search(np.ones(8))
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert "`rebuild`" in str(error)  # noqa: PT017
        else:
            assert len(hits) == 2
    store.rebuild()
    assert len(store.search(np.ones(8))) == 2
