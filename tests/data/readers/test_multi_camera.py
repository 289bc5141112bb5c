"""Readers of labelled sets, on replicas with the published names; bad files and wrong counts included."""

import logging
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest

from remix_track.data.crop_set import DISTRACTOR, JUNK, Crop, Split, crop_set, join_crop_sets
from remix_track.data.name_table import NameTable
from remix_track.data.readers.crop_table import read_crop_table
from remix_track.data.readers.msmt17 import read_msmt17
from remix_track.data.readers.multi_camera import (
    read_cuhk03_np,
    read_dukemtmc_reid,
    read_market1501,
    read_randperson,
)
from remix_track.data.readers.own_crops import read_crop_folder
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError
from tests.crop_replicas import jpeg, market, msmt17, rubbish, write


def names(crops, split=None):
    rows = range(len(crops)) if split is None else crops.rows(split)
    return [crops.store.name(int(row)).rpartition("/")[2] for row in rows]


def test_name_table_gives_back_the_names():
    table = NameTable.of([b"a", b"", b"ccc"])
    assert [table[row] for row in range(len(table))] == [b"a", b"", b"ccc"]
    assert [table.at([2, 0])[row] for row in range(2)] == [b"ccc", b"a"]
    for row in (-1, 3):
        with pytest.raises(IndexError):
            table[row]
    with pytest.raises(ValueError, match="do not cut"):
        NameTable(b"abc", np.array([0, 2], np.int64))


@pytest.mark.parametrize("outer", [True, False])
def test_market(tmp_path, caplog, outer):
    folder = market(tmp_path)
    crops = read_market1501(tmp_path if outer else folder, strict=False)
    assert names(crops, Split.TRAIN) == [
        "0002_c1s1_000451_03.jpg",
        "0002_c6s4_000776_01.jpg",
        "0007_c3s1_000101_01.jpg",
    ]
    assert crops.identity_names == ("0001", "0002", "0007")
    assert crops.camera_names == ("c1", "c2", "c3", "c6")
    # train 2 2 7, query 1, gallery -1 0000 1 1 ("-1" sorts before digits)
    assert crops.identity.tolist() == [1, 1, 2, 0, JUNK, DISTRACTOR, 0, 0]
    assert crops.camera.tolist() == [0, 3, 2, 0, 0, 0, 0, 1]
    assert [str(a.dtype) for a in (crops.identity, crops.camera, crops.split)] == ["int32", "int16", "uint8"]
    assert crops.store.read(0) == jpeg(1)
    assert "1 images are left out" in caplog.text
    assert "readme_first.jpg" in caplog.text


def test_training_labels_are_dense_per_split(tmp_path):
    train = read_market1501(market(tmp_path), strict=False).of_split(Split.TRAIN)
    assert train.identity.tolist() == [0, 0, 1]
    assert train.identity_names == ("0002", "0007")
    assert train.camera.tolist() == [0, 3, 2]
    assert train.store.read(2) == jpeg(0)


def test_counts_name_what_is_missing(tmp_path, caplog):
    folder = market(tmp_path)
    with pytest.raises(InputError) as error:
        read_market1501(folder)
    assert str(error.value) == (
        f"{folder}: Market-1501 is not whole: 3 train images, published 12,936 (12,933 missing); "
        "2 train identities, published 751 (749 missing); 1 query images, published 3,368 (3,367 missing); "
        "1 query identities, published 750 (749 missing); 3 gallery images, published 15,913 (15,910 missing); "
        "1 junk images, published 3,819 (3,818 missing); 4 cameras, published 6 (2 missing); "
        "unpack it again, or read it with strict = false to go on with what is there"
    )
    with caplog.at_level(logging.WARNING):
        assert len(read_market1501(folder, strict=False)) == 8
    assert "12,933 missing" in caplog.text


def market_names(people, per_person_and_camera, cameras=range(1, 7)):
    for person, camera, number in product(people, cameras, range(per_person_and_camera)):
        yield f"{person:04d}_c{camera}s1_{number:06d}_01.jpg"


def test_a_copy_with_the_published_counts_is_whole(tmp_path):
    """Empty files under as many names as Market-1501 has; then one is taken away."""
    first_of_each = [f"{person:04d}_c1s1_999999_00.jpg" for person in range(1, 752)]
    train = first_of_each + list(islice(market_names(range(1, 752), 3), 12_936 - 751))
    queries = [f"{person:04d}_c1s1_999999_00.jpg" for person in range(752, 1_502)]
    queries += list(islice(market_names(range(752, 1_502), 1), 3_368 - 750))
    gallery = [f"-1_c1s1_{n:06d}_00.jpg" for n in range(3_819)] + [f"0000_c2s1_{n:06d}_00.jpg" for n in range(2_798)]
    gallery += list(islice(market_names(range(752, 1_502), 3), 15_913 - 2_798))
    for inner, files in (("bounding_box_train", train), ("query", queries), ("bounding_box_test", gallery)):
        (tmp_path / inner).mkdir()
        for name in files:
            (tmp_path / inner / name).touch()
    crops = read_market1501(tmp_path)
    assert len(crops) == 12_936 + 3_368 + 19_732
    (tmp_path / "query" / queries[-1]).unlink()
    with pytest.raises(InputError, match=r"is not whole: 3,367 query images, published 3,368 \(1 missing\); unpack"):
        read_market1501(tmp_path)


def test_missing_folders_say_where_one_looked(tmp_path):
    with pytest.raises(InputError, match="bounding_box_train is missing"):
        read_market1501(tmp_path)
    write(tmp_path, ["bounding_box_train/0001_c1s1_000001_00.jpg"])
    with pytest.raises(InputError, match=r"query: cannot be listed \(No such file"):
        read_market1501(tmp_path)


def test_duke(tmp_path):
    folder = tmp_path / "DukeMTMC-reID"
    write(folder / "bounding_box_train", ["0005_c8_f0046182.jpg", "0001_c2_f0046182.jpg"])
    write(folder / "query", ["0002_c1_f0044158.jpg"])
    write(folder / "bounding_box_test", ["0002_c2_f0044158.jpg", "0003_c2_f0044158.jpg"])
    rubbish(folder / "query")
    crops = read_dukemtmc_reid(tmp_path, strict=False)
    assert crops.identity.tolist() == [0, 3, 1, 1, 2]
    assert crops.camera_names == ("c1", "c2", "c8")
    with pytest.raises(InputError, match="published 16,522"):
        read_dukemtmc_reid(tmp_path)


@pytest.mark.parametrize(("boxes", "count"), [("labeled", "7,368"), ("detected", "7,365")])
def test_cuhk03(tmp_path, boxes, count):
    folder = tmp_path / "cuhk03-np" / boxes
    write(folder / "bounding_box_train", ["0001_c1_1.png", "0001_c2_6.png"])
    write(folder / "query", ["0003_c1_21.png"])
    write(folder / "bounding_box_test", ["0003_c2_26.png"])
    crops = read_cuhk03_np(tmp_path, boxes=boxes, strict=False)
    assert crops.identity.tolist() == [0, 0, 1, 1]
    assert crops.camera.tolist() == [0, 1, 0, 1]
    assert crops.name == f"CUHK03-NP {boxes}"
    with pytest.raises(InputError, match=f"published {count}"):
        read_cuhk03_np(tmp_path, boxes=boxes)


def test_randperson_numbers_a_scenes_cameras_apart(tmp_path):
    files = ["000000_s00_c00_f000264.jpg", "000000_s01_c00_f000264.jpg", "000001_c00_s00_f000001.jpg", "x.jpg"]
    write(tmp_path / "randperson_subset", files)
    crops = read_randperson(tmp_path, strict=False)
    assert crops.identity.tolist() == [0, 0, 1]
    assert crops.camera.tolist() == [0, 1, 0]
    assert set(crops.split.tolist()) == {Split.TRAIN}
    with pytest.raises(InputError, match="published 132,145"):
        read_randperson(tmp_path)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_msmt17_by_its_lists(tmp_path, version):
    folder = msmt17(tmp_path, version)
    # In the folder, but in no list: not part of the set.
    write(folder / ("train" if version == "V1" else "mask_train_v2"), ["0000/0000_009_09_0303morning_0001_0.jpg"])
    crops = read_msmt17(tmp_path, strict=False)
    assert crops.identity_names == ("0000", "0001", "1041", "1042")
    assert crops.identity.tolist() == [0, 1, 1, 2, 2, 3]
    assert [crops.camera_names[c] for c in crops.camera] == ["c1", "c14", "c3", "c10", "c2", "c1"]
    assert crops.camera_names == ("c1", "c2", "c3", "c10", "c14")
    assert crops.split.tolist() == [0, 0, 0, 1, 2, 2]
    assert crops.store.read(3) == jpeg(0)
    with pytest.raises(InputError, match="published 32,621"):
        read_msmt17(folder)


def test_msmt17_merged_shifts_test_people(tmp_path):
    merged = read_msmt17(msmt17(tmp_path, "V1"), merged=True, strict=False)
    assert set(merged.split.tolist()) == {Split.TRAIN}
    assert merged.identity.tolist() == [0, 1, 1, 2, 2, 3]
    with pytest.raises(InputError, match=r"6 train images, published 126,441.*4 train identities, published 4,101"):
        read_msmt17(tmp_path, merged=True)


def test_msmt17_faults(tmp_path, caplog):
    folder = msmt17(tmp_path, "V2")
    (folder / "mask_train_v2").rename(folder / "mask_train_V2")
    gone = "mask_test_v2/0001/0001_000_01_0114morning_1_0.jpg"
    (folder / gone).unlink()
    with pytest.raises(InputError, match=f"1 listed images are missing, the first {gone}; unpack"):
        read_msmt17(tmp_path)
    assert len(read_msmt17(tmp_path, strict=False)) == 5
    assert "going on without them" in caplog.text
    for bad in (
        "../../x_0_1_2.jpg 0",
        "/x_0_1_2.jpg 0",
        "0000/a_b.jpg 0",
        "0000/0000_000_01_x.jpg",
        "a_0_1_b.jpg 99999999999",
    ):
        (folder / "list_query.txt").write_text(bad + "\n")
        with pytest.raises(InputError, match=r"list_query.txt:1: .* is not 'folder/name label'"):
            read_msmt17(tmp_path, strict=False)
    msmt17(tmp_path, "V1")
    with pytest.raises(InputError, match="both versions"):
        read_msmt17(tmp_path, strict=False)
    assert read_msmt17(tmp_path, version="V1", strict=False).name == "MSMT17_V1"
    with pytest.raises(InputError, match="no folders train and test or mask_train_v2"):
        read_msmt17(tmp_path / "nowhere")


def test_folder_of_identities(tmp_path):
    files = ["b/cam2_1.jpg", "a/cam1_1.jpg", "0002/0002_c1s3_000451.jpg", "a/plain.jpg"]
    write(tmp_path, files)
    crops = read_crop_folder(tmp_path)
    assert names(crops) == ["0002_c1s3_000451.jpg", "cam1_1.jpg", "plain.jpg", "cam2_1.jpg"]
    assert crops.identity_names == ("0002", "a", "b")
    assert [crops.camera_names[c] for c in crops.camera] == ["c1", "cam1", "0", "cam2"]


def test_folder_of_names_with_splits(tmp_path, caplog):
    write(
        tmp_path,
        ["train/0000_c1_1.jpg", "query/p1_c1s2_1.jpg", "gallery/p1_c2_1.jpg", "gallery/-1_c2_9.jpg", "x_y.jpg"],
    )
    write(tmp_path, ["train/lonely.jpg"])
    crops = read_crop_folder(tmp_path)
    assert crops.identity_names == ("0000", "p1")
    assert sorted(crops.identity.tolist()) == [JUNK, 0, 1, 1]
    assert sorted(crops.split.tolist()) == [0, 1, 2, 2]
    assert "2 images are left out" in caplog.text


def test_folder_without_pictures_or_with_a_loop(tmp_path):
    with pytest.raises(InputError, match="no images found"):
        read_crop_folder(tmp_path)
    with pytest.raises(InputError, match="cannot be listed"):
        read_crop_folder(tmp_path / "nowhere")
    write(tmp_path, ["a/c1_1.jpg"])
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(read_crop_folder(tmp_path)) == 1


def test_table(tmp_path, caplog):
    write(tmp_path, ["crops/1.jpg", "crops/2.jpg", "crops/3.jpg"])
    table = tmp_path / "mine.csv"
    table.write_text("\ufeffpath,identity,camera,split\ncrops/2.jpg,zoe,door,train\ncrops/1.jpg,adam,hall,\n"
                     "crops/3.jpg,-1,hall,gallery\n", encoding="utf-8")  # fmt: skip
    crops = read_crop_table(table)
    assert crops.identity.tolist() == [1, 0, JUNK]
    assert crops.camera.tolist() == [0, 1, 1]
    assert crops.split.tolist() == [0, 0, 2]
    assert crops.store.read(1) == jpeg(0)
    table.write_text("path,identity,camera\ncrops/2.jpg,zoe,door\ngone.jpg,zoe,door\n")
    with pytest.raises(InputError, match=r"1 listed images are missing, the first gone.jpg; correct the paths"):
        read_crop_table(table)
    assert len(read_crop_table(table, strict=False)) == 1
    assert "gone.jpg" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no column 'path'"),
        (b"path,identity\na,b\n", "no column 'camera'; the first line must be path,identity,camera"),
        (b"path,identity,camera\na.jpg,p\n", ":2: camera is empty"),
        (b"path,identity,camera,split\na.jpg,p,c,test\n", ":2: split 'test' is not known"),
        (b"path,identity,camera\n\xff\xfe,p,c\n", "cannot be read as a CSV in UTF-8 .*; save it as"),
        (b"path,identity,camera\n\x00,p,c\n", "missing|cannot be read as a CSV"),
        (b"path,identity,camera\n" + b"a" * 200_000 + b",p,c\n", "cannot be read as a CSV in UTF-8 .*; save it as"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    (tmp_path / "bad.csv").write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_crop_table(tmp_path / "bad.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_from_a_spreadsheet_on_windows(tmp_path, separator):
    write(tmp_path, ["crops/1.jpg", "crops/2, left.jpg", "a\\b.jpg"])
    rows = [["Path", " identity", "Camera", "split"], ["crops\\1.jpg", "zoe", "door 1", "query"]]
    rows += [['"crops\\2, left.jpg"', '"adam"', "hall", ""], ["", "", "", ""]]
    rows += [["a\\b.jpg", "zoe", "hall", "gallery"]]
    text = "\r\n".join(separator.join(row) for row in rows) + "\r\n"
    for head in ("", f"sep={separator}\r\n"):
        (tmp_path / "mine.csv").write_bytes(b"\xef\xbb\xbf" + (head + text).encode())
        crops = read_crop_table(tmp_path / "mine.csv")
        assert names(crops) == ["1.jpg", "2, left.jpg", "a\\b.jpg"]
        assert [crops.identity_names[label] for label in crops.identity] == ["zoe", "adam", "zoe"]
        assert [crops.camera_names[label] for label in crops.camera] == ["door 1", "hall", "hall"]
        assert crops.split.tolist() == [Split.QUERY, Split.TRAIN, Split.GALLERY]
        broken = (head + text).replace("zoe", "", 1).encode()
        (tmp_path / "mine.csv").write_bytes(broken)
        with pytest.raises(InputError, match=rf"mine.csv:{3 if head else 2}: identity is empty"):
            read_crop_table(tmp_path / "mine.csv")


def test_backslashes_that_lead_nowhere_are_named(tmp_path):
    (tmp_path / "mine.csv").write_text("path,identity,camera\nC:\\crops\\1.jpg,zoe,door\n")
    with pytest.raises(InputError, match="1 of these paths have the backslash of Windows") as told:
        read_crop_table(tmp_path / "mine.csv")
    assert "strict" not in str(told.value)


@pytest.mark.parametrize("splits", [[""], ["query/", "gallery/"]])
@pytest.mark.parametrize("layout", ["{camera}/{person}/{camera}_{person}_1.jpg", "{person}/{camera}/1.jpg"])
@pytest.mark.parametrize("camera", ["cam{:02}", "Camera {}", "c{}", "view-{}"])
def test_folders_of_cameras_and_people(tmp_path, caplog, layout, camera, splits):
    people = ["person01", "person02", "zoe"]
    write(
        tmp_path,
        [s + layout.format(camera=camera.format(n), person=p) for s in splits for n in (1, 2) for p in people],
    )
    crops = read_crop_folder(tmp_path)
    assert crops.identity_names == tuple(people)
    assert crops.camera_names == (camera.format(1), camera.format(2))
    for row in range(len(crops)):
        name = crops.store.name(row)
        assert f"/{crops.identity_names[crops.identity[row]]}/" in name
        assert f"/{crops.camera_names[crops.camera[row]]}/" in name
    assert "folders are read as cameras: 3 identities at 2 cameras" in caplog.text


def test_names_below_folders_of_cameras(tmp_path):
    write(tmp_path, ["cam1/zoe_0001.jpg", "cam1/cam1_adam_1.jpg", "cam2/zoe_7.jpg"])
    crops = read_crop_folder(tmp_path)
    assert crops.identity_names == ("adam", "zoe")
    assert crops.camera_names == ("cam1", "cam2")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["hall/ann/1.jpg", "door/ann/1.jpg", "door/bob/2.jpg"],
            "folders named ann lie in several others; read as people, each by its whole path, they would give 3"
            " identities, by their last name 2; lay the folders out as person/camera_number.jpg",
        ),
        (["cam1/ann/walk1/1.jpg", "cam1/bob/walk1/1.jpg"], "folders named walk1 .* give 2 identities, .* name 1"),
        (["cam1/cam2/1.jpg", "cam2/cam1/1.jpg", "cam2/cam2/1.jpg"], "folders named cam2 lie in several others"),
        (["ann/cam1/1.jpg", "bob/cam1/1.jpg", "bob/2.jpg"], "folders named cam1 lie in several others"),
        (["cam1/ann/w1/1.jpg", "cam2/bob/w2/1.jpg"], "folders lie 3 deep; read as people, .* would give 2 identities"),
        (["cam1/frame_1.jpg", "cam2/frame_1.jpg"], "the names of the images below would give 1 identities"),
        ([f"p{n % 2}/{n:06}_x.jpg" for n in range(21)], r"would give 2 identities at 21 cameras \(000000, 000001"),
    ],
)
def test_folders_that_would_be_misread_are_refused_with_the_count(tmp_path, files, message):
    write(tmp_path, files)
    with pytest.raises(InputError, match=message):
        read_crop_folder(tmp_path)


def test_nested_folders_of_different_people_stay_people(tmp_path):
    write(tmp_path, ["monday/ann/c1_1.jpg", "tuesday/bob/c2_1.jpg"])
    crops = read_crop_folder(tmp_path)
    assert crops.identity_names == ("monday/ann", "tuesday/bob")
    write(tmp_path / "flat", ["c001/c1_1.jpg", "c002/c1_1.jpg"])
    assert read_crop_folder(tmp_path / "flat").identity_names == ("c001", "c002")


def test_labels_do_not_depend_on_hash_order(tmp_path):
    crops = [Crop(f"p{n}", f"c{n % 12}") for n in (5, 3, 11, 3)]
    made = crop_set("x", FolderStore(tmp_path, NameTable.of([b"a"] * 4)), crops)
    assert made.identity_names == ("p11", "p3", "p5")
    assert made.camera_names == ("c3", "c5", "c11")


def test_joined_sets_share_nobody(tmp_path):
    write(tmp_path, ["one/a/c1_1.jpg", "one/b/c2_1.jpg", "two/a/c1_1.jpg", "two/-1/c7_1.jpg"])
    first, second = read_crop_folder(tmp_path / "one"), read_crop_folder(tmp_path / "two")
    both = join_crop_sets([first, second])
    assert both.identity.tolist() == [0, 1, JUNK, 2]
    assert both.camera.tolist() == [0, 1, 3, 2]
    assert both.identity_names == ("1:folder one/a", "1:folder one/b", "2:folder two/a")
    assert both.store.read(3) == (tmp_path / "two/a/c1_1.jpg").read_bytes()
    assert join_crop_sets([first]) is first
    with pytest.raises(InputError, match="name at least one"):
        join_crop_sets([])
    with pytest.raises(IndexError):
        both.store.name(4)


def test_too_many_cameras(tmp_path):
    crops = [Crop("p", f"c{n}") for n in range(40_000)]
    with pytest.raises(InputError, match="40000 cameras"):
        crop_set("x", FolderStore(tmp_path, NameTable.of([b""] * 40_000)), crops)


def test_crop_set_refuses_arrays_that_do_not_belong_together(tmp_path):
    store = FolderStore(tmp_path, NameTable.of([b"a", b"b"]))
    good = crop_set("x", store, [Crop("p", "c"), Crop("q", "c")])
    for change in (
        {"identity": [0]},
        {"identity": [0, 2]},
        {"identity": [-3, 0]},
        {"camera": [0, 1]},
        {"camera": [-1, 0]},
    ):
        with pytest.raises(ValueError, match=next(iter(change))):
            replace(good, **change)  # type: ignore[arg-type]
