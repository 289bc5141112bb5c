"""Readers of unlabelled crops: LMDB with keys.pkl, folders, tar shards; hostile files included."""

import copy
import io
import os
import pickle
import pickletools
import subprocess
import sys
import tarfile
from collections import OrderedDict

import numpy as np
import pytest

from remix_track.data.name_table import NameTable
from remix_track.data.readers.key_list import read_keys
from remix_track.data.readers.key_rule import KeyRule, sort_by_video
from remix_track.data.readers.lmdb_store import open_lmdb
from remix_track.data.readers.single_camera import read_luperson, read_luperson_nl, read_tar_shards, read_video_folders
from remix_track.data.readers.video_set import VideoSet, join_video_sets
from remix_track.data.stores import LARGEST_IMAGE, FolderStore
from remix_track.errors import InputError
from tests.crop_replicas import jpeg, write

LUPERSON_KEYS = [
    "01_00_0002_00000001",
    "00_03_0001_00000007",
    "00_03_0001_00000002",
    "00_03_0000_00000001",
]
NL_KEYS = ["00001_000000_0000300_00", "00000_000001_0000020_01", "00000_000001_0000010_00", "00000_000002_0000010_00"]


def make_lmdb(folder, keys, pickled=None, inner="lmdb"):
    lmdb = pytest.importorskip("lmdb")
    (folder / inner).mkdir(parents=True)
    with lmdb.open(str(folder / inner), map_size=2**24) as database, database.begin(write=True) as transaction:
        for seed, key in enumerate(keys):
            transaction.put(key.encode(), jpeg(seed))
    if pickled is not False:
        (folder / "keys.pkl").write_bytes(pickle.dumps(keys if pickled is None else pickled))
    return folder


def contents(crops):
    return {crops.videos[v].decode(): names(crops, crops.rows(np.array([v]))) for v in range(len(crops.videos))}


def names(crops, rows):
    return [crops.store.name(int(row)).rpartition(":")[2].rpartition("/")[2] for row in rows]


def test_luperson_groups_keys_by_their_first_three_fields(tmp_path):
    crops = read_luperson(make_lmdb(tmp_path, LUPERSON_KEYS), strict=False)
    assert contents(crops) == {
        "00_03_0000": ["00_03_0000_00000001"],
        "00_03_0001": ["00_03_0001_00000002", "00_03_0001_00000007"],
        "01_00_0002": ["01_00_0002_00000001"],
    }
    assert crops.store.read(0) == jpeg(3)
    assert crops.hidden_identity is None
    assert crops.video_of(np.array([0, 1, 2, 3])).tolist() == [0, 1, 1, 2]
    assert crops.rows(np.array([2, 0])).tolist() == [3, 0]
    assert crops.rows(np.array([], np.int64)).tolist() == []


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        lambda keys: {"keys": keys},
        lambda keys: {key: number for number, key in enumerate(keys)},
        lambda keys: {key: (number, 70_000, -3, 0.5, None, True) for number, key in enumerate(keys)},
        lambda keys: dict(enumerate(keys)),
        lambda keys: {number: [key] for number, key in enumerate(keys)},
        lambda keys: {"video": keys[:2], "other": keys[2:]},
    ],
)
def test_key_files_of_every_form(tmp_path, form, protocol):
    keys = [*LUPERSON_KEYS, "ключ", "long" * 100]
    path = tmp_path / "keys.pkl"
    path.write_bytes(pickle.dumps(form(keys), protocol))
    assert read_keys(path) == [key.encode() for key in keys]
    path.write_bytes(pickletools.optimize(pickle.dumps(form(keys), protocol)))
    assert read_keys(path) == [key.encode() for key in keys]


def test_key_files_of_bytes_sets_and_repeats(tmp_path):
    path = tmp_path / "keys.pkl"
    path.write_bytes(pickle.dumps([b"a", b"b" * 300], 3))
    assert read_keys(path) == [b"a", b"b" * 300]
    path.write_bytes(pickle.dumps({"x", "y"}, 4))
    assert sorted(read_keys(path)) == [b"x", b"y"]
    path.write_bytes(pickle.dumps({"a": 2**40, "b": -(2**70)}, 2))
    assert read_keys(path) == [b"a", b"b"]
    path.write_bytes(pickle.dumps(["same"] * 3, 2))
    assert read_keys(path) == [b"same"] * 3
    # Python 2's text: SHORT_BINSTRING, BINSTRING.
    path.write_bytes(b"\x80\x02](U\x02abT\x02\x00\x00\x00cde.")
    assert read_keys(path) == [b"ab", b"cd"]


class Runs:
    def __reduce__(self):
        return os.system, ("touch broken-in",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps([Runs()]), "holds more than containers, text and numbers"),
        (pickle.dumps(OrderedDict(a=1)), "holds more than containers"),
        (pickle.dumps(np.array(["a"])), "holds more than containers"),
        (pickle.dumps(["a"], 0), r"\(opcode 0x6c\); write the keys again: pickle.dump"),
        (b"", "cannot be read as a whole pickle"),
        (pickle.dumps(LUPERSON_KEYS)[:-9], "cannot be read as a whole pickle"),
        (b"\x80\x04]r\xff\xff\xff\x7f.", "cannot be read as a whole pickle"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.", "cannot be read as a whole pickle"),
        (b"\x80\x04e.", "cannot be read as a whole pickle"),
        (b"\x80\x04K\x01K\x02a.", "cannot be read as a whole pickle"),
        (b"\x80\x04}](e]s.", "cannot be read as a whole pickle"),
        (pickle.dumps([]), "no list of keys"),
        (pickle.dumps({}), "no list of keys"),
        (pickle.dumps("text"), "no list of keys"),
        (pickle.dumps([1, 2]), "one of its keys is not text"),
    ],
)
def test_hostile_key_files(tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "keys.pkl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as error:
        read_keys(path)
    assert str(path) in str(error.value)
    assert not (tmp_path / "broken-in").exists()


def test_a_list_that_names_one_list_many_times_is_no_index(tmp_path):
    inner = ["x"] * 50_000
    path = tmp_path / "keys.pkl"
    path.write_bytes(pickle.dumps(dict.fromkeys(range(50_000), inner)))
    with pytest.raises(InputError, match="no list of keys"):
        read_keys(path)


def test_key_file_missing(tmp_path):
    with pytest.raises(InputError, match=r"keys.pkl: cannot be read \(No such file"):
        read_keys(tmp_path / "keys.pkl")


def test_luperson_counts(tmp_path, caplog):
    folder = make_lmdb(tmp_path / "a", LUPERSON_KEYS, [*LUPERSON_KEYS, "00_03_0000_00000009", LUPERSON_KEYS[0]])
    with pytest.raises(InputError) as error:
        read_luperson(folder)
    assert str(error.value) == (
        f"{folder}: LUPerson is not whole: 6 keys, but 4 images in the LMDB (2 missing); 6 keys, published 4,180,243 "
        "(4,180,237 missing); copy it again, or read it with strict = false to go on with what is there"
    )
    crops = read_luperson(folder, strict=False)
    assert len(crops) == 5
    assert "more than once" in caplog.text
    gone = names(crops, range(5)).index("00_03_0000_00000009")
    with pytest.raises(FileNotFoundError, match="no such key"):
        crops.store.read(gone)


def test_luperson_nl_knows_people_within_a_video(tmp_path):
    crops = read_luperson_nl(make_lmdb(tmp_path, NL_KEYS))
    assert contents(crops) == {
        "00000": ["00000_000001_0000010_00", "00000_000001_0000020_01", "00000_000002_0000010_00"],
        "00001": ["00001_000000_0000300_00"],
    }
    assert crops.hidden_identity is not None
    first, second, third, fourth = crops.hidden_identity.tolist()
    assert first == second
    assert len({first, third, fourth}) == 3


def test_the_video_rule_is_the_users_to_give(tmp_path):
    folder = make_lmdb(tmp_path, ["clip7-000001.jpg", "clip7-000002.jpg", "clip8-000001.jpg"])
    with pytest.raises(InputError, match=r"3 of 3 names .* the video rule, as 'clip7-000001.jpg'.*video_fields"):
        read_luperson(folder, strict=False)
    crops = read_luperson(folder, rule=KeyRule((0,), separator="-"), strict=False)
    assert contents(crops) == {"clip7": ["clip7-000001.jpg", "clip7-000002.jpg"], "clip8": ["clip8-000001.jpg"]}
    for bad in ({"video_fields": ()}, {"video_fields": (-1,)}, {"separator": ""}):
        with pytest.raises(InputError):
            KeyRule(**bad)  # type: ignore[arg-type]


def test_a_few_odd_keys_are_left_out(tmp_path, caplog):
    crops = read_luperson(make_lmdb(tmp_path, [*LUPERSON_KEYS, "__len__"], inner="data.lmdb"), strict=False)
    # "__len__" has the fields '', '', 'len': a video of its own; "x" has too few.
    assert len(crops) == 5
    grouped = sort_by_video([b"a_b_c_1", b"x", b"a_b_c_0"], KeyRule().split, "here")
    assert grouped.order.tolist() == [0, 2]
    assert "here: 1 names fit no video and are left out: 'x'" in caplog.text


def test_a_database_that_was_cut_off_is_refused_before_a_page_beyond_its_end_is_read(tmp_path):
    """LMDB maps the file: reading a page that is not there ends the whole process."""
    database = make_lmdb(tmp_path, LUPERSON_KEYS, inner="data.lmdb") / "data.lmdb"
    file = database / "data.mdb" if database.is_dir() else database
    content = file.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 5_000):
        file.write_bytes(content[:size])
        with pytest.raises(InputError, match="it was cut off; copy it again"):
            open_lmdb(database)
    file.write_bytes(content)
    open_lmdb(database)


def test_lmdb_without_key_file_and_without_database(tmp_path):
    crops = read_luperson(make_lmdb(tmp_path / "a", LUPERSON_KEYS, pickled=False, inner="."), strict=False)
    assert len(crops) == 4
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="no LMDB here"):
        read_luperson(tmp_path / "b")
    (tmp_path / "b" / "x.lmdb").write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="cannot be read"):
        read_luperson(tmp_path / "b")


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    folder = make_lmdb(tmp_path, LUPERSON_KEYS)
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(InputError, match=r"needs the package lmdb; pip install 'remix-track\[train\]'"):
        read_luperson(folder)


def test_lmdb_store_travels_to_processes(tmp_path):
    crops = read_luperson(make_lmdb(tmp_path, LUPERSON_KEYS), strict=False)
    assert crops.store.read(0) == jpeg(3)
    assert copy.deepcopy(crops.store).read(0) == jpeg(3)
    inherited = open_lmdb(tmp_path / "lmdb")
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        # A forked worker opens its own environment; `os._exit` leaves pytest out of it.
        try:
            os.write(writer, crops.store.read(0)[:100])
            os.write(writer, b"its own" if open_lmdb(tmp_path / "lmdb") is not inherited else b"inherited")
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        assert answer.read() == jpeg(3)[:100] + b"its own"
    os.waitpid(child, 0)
    assert crops.store.read(0) == jpeg(3)


def test_folder_of_folders(tmp_path):
    write(tmp_path, ["clip/b/2_1.jpg", "clip/a/9_1.jpg", "clip/a/8_1.jpg", "alone.jpg", "clip/a/notes.txt"])
    crops = read_video_folders(tmp_path)
    assert contents(crops) == {".": ["alone.jpg"], "clip/a": ["8_1.jpg", "9_1.jpg"], "clip/b": ["2_1.jpg"]}
    assert crops.store.read(1) == jpeg(2)
    with pytest.raises(InputError, match="no images found"):
        read_video_folders(make_empty(tmp_path / "empty"))


def make_empty(folder):
    folder.mkdir()
    return folder


def test_folder_of_folders_with_known_people(tmp_path):
    write(tmp_path, ["a/p1_1.jpg", "a/p1_2.jpg", "a/p2_1.jpg", "b/p1_1.jpg"])
    crops = read_video_folders(tmp_path, identity_fields=(0,))
    assert crops.hidden_identity is not None
    assert crops.hidden_identity.tolist() == [0, 0, 1, 2]


def make_shard(path, members):
    with tarfile.open(path, "w") as tar:
        for seed, name in enumerate(members):
            info = tarfile.TarInfo(name)
            data = jpeg(seed)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("a/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)


def test_tar_shards(tmp_path):
    make_shard(tmp_path / "0.tar", ["b/3.jpg", "a/1.jpg", "a/1.json"])
    make_shard(tmp_path / "1.tar", ["./a/2.jpg", "é/1.jpg"])
    crops = read_tar_shards(tmp_path)
    assert contents(crops) == {"a": ["1.jpg", "2.jpg"], "b": ["3.jpg"], "é": ["1.jpg"]}
    assert [crops.store.read(row) for row in range(4)] == [jpeg(1), jpeg(0), jpeg(0), jpeg(1)]
    assert copy.deepcopy(crops.store).read(2) == jpeg(0)
    assert contents(read_tar_shards(tmp_path / "0.tar", rule=KeyRule((0,))))["3"] == ["3.jpg"]


def test_bad_shards(tmp_path):
    with pytest.raises(InputError, match=r"no .tar files in it"):
        read_tar_shards(tmp_path)
    make_shard(tmp_path / "x.tar", ["a/1.jpg", "top.jpg", "top2.jpg", "top3.jpg"])
    with pytest.raises(InputError, match="video_fields"):
        read_tar_shards(tmp_path / "x.tar")
    crops = read_tar_shards(tmp_path / "x.tar", rule=KeyRule((0,)))
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:600])
    with pytest.raises(OSError, match="ends within"):
        crops.store.read(0)
    with pytest.raises(InputError, match=r"cannot be read as a whole, uncompressed tar"):
        read_tar_shards(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "z.tar", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a/1.jpg"))
    with pytest.raises(InputError, match="gunzip"):
        read_tar_shards(tmp_path / "z.tar")


def test_joined_videos_stay_apart(tmp_path):
    write(tmp_path, ["one/a/p1_1.jpg", "one/b/p1_1.jpg", "two/a/p1_1.jpg"])
    known = read_video_folders(tmp_path / "one", identity_fields=(0,))
    unknown = read_video_folders(tmp_path / "two")
    both = join_video_sets([known, unknown, known])
    assert both.offsets.tolist() == [0, 1, 2, 3, 4, 5]
    assert [both.videos[v] for v in range(5)] == [b"1:a", b"1:b", b"2:a", b"3:a", b"3:b"]
    assert both.hidden_identity is not None
    assert both.hidden_identity.tolist() == [0, 1, -1, 2, 3]
    assert both.store.read(2) == (tmp_path / "two/a/p1_1.jpg").read_bytes()
    assert join_video_sets([unknown, unknown]).hidden_identity is None
    assert join_video_sets([known]) is known
    with pytest.raises(InputError, match="name at least one"):
        join_video_sets([])


def test_video_set_refuses_offsets_that_do_not_fit(tmp_path):
    store = FolderStore(tmp_path, NameTable.of([b"a", b"b"]))
    for offsets in ([0, 1], [1, 2], [0, 0, 2], [0, 3]):
        with pytest.raises(ValueError, match="do not cut"):
            VideoSet("x", store, np.array(offsets), NameTable.of([b"v"] * (len(offsets) - 1 or 1)))


def test_a_file_too_large_for_a_crop_is_an_error_of_that_file(tmp_path):
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(LARGEST_IMAGE + 1)
    with pytest.raises(OSError, match="larger than 32 MiB"):
        FolderStore(tmp_path, NameTable.of([b"big.jpg"])).read(0)


# VmHWM, as ru_maxrss begins with what the parent held.
MEASURE = r"""
import re, sys
from pathlib import Path
from remix_track.data.readers.key_list import read_keys
from remix_track.data.readers.key_rule import KeyRule, sort_by_video
from remix_track.data.name_table import NameTable
keys = read_keys(Path(sys.argv[1]))
keys.sort()
grouped = sort_by_video(keys, KeyRule().split, "x")
table = NameTable.of([keys[row] for row in grouped.order])
print(len(table), re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", [list, lambda keys: {key: n for n, key in enumerate(keys)}])
def test_four_million_keys_index_in_under_a_gigabyte(tmp_path, form):
    keys = [f"{n % 37:02d}_{n % 11:02d}_{n * 7919 % 3300:04d}_{n:08d}" for n in range(4_180_243)]
    path = tmp_path / "keys.pkl"
    path.write_bytes(pickle.dumps(form(keys)))
    run = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    count, peak_kib = map(int, run.stdout.split())
    assert count == len(keys)
    assert peak_kib * 1024 < 1e9
