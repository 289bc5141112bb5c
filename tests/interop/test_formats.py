"""Annotation files: what is written is read back, what a format cannot say is known, and hostile files are one line."""

import dataclasses
import io
import json
import zipfile
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.interop import annotated_video, coco_video, cvat_mot, cvat_xml, kitti_rows, label_studio
from remix_track.interop.annotated_video import AnnotatedVideo, TrackNumbers, size_of
from remix_track.interop.formats import FORMATS, READABLE, read_annotations
from remix_track.interop.keyframes import KeyFrame, ends, interpolated

# Two people; the first is away in frames 3 and 4, and the second comes in frame 2. 5 frames of 6 have a box.
#   frame 1 2 3 4 5 6
#   id 3  x x . . x x
#   id 7  . x x x x .
BOXES = [
    (1, 3, 10.25, 20.5, 30, 60), (2, 3, 12.25, 20.5, 30, 60), (5, 3, 18.25, 21.0, 30.5, 60), (6, 3, 20, 21, 30, 60),
    (2, 7, -4.5, 3, 20.25, 50.75), (3, 7, 0, 3, 20, 50), (4, 7, 4, 3, 20, 50), (5, 7, 8, 3, 20, 50),
]  # fmt: skip


def video(**changes: Any) -> AnnotatedVideo:
    rows = np.array(BOXES)
    frame, id_ = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
    given: dict[str, Any] = {
        "name": "street",
        "frame": frame,
        "id": id_,
        "tlwh": rows[:, 2:],
        "label": np.zeros(len(rows), np.int64),
        "score": np.full(len(rows), 0.9),
        "labels": ("person",),
        "width": 640,
        "height": 480,
        "fps": 12.5,
        "frames": 6,
    }
    return AnnotatedVideo(**(given | changes))


def rows_of(one: AnnotatedVideo) -> list[Any]:
    boxes = one.tlwh.round(2).tolist()
    labels = [one.labels[label] for label in one.label]
    return list(zip(one.frame.tolist(), one.id.tolist(), boxes, labels, strict=True))


SAYS = {
    "cvat": set(),
    "cvat-xml": {"name", "width", "height", "frames"},
    "coco": {"name", "width", "height", "fps", "frames"},
    "kitti": set(),
    "label-studio": {"name", "width", "height", "fps", "frames"},
}
"""What of the video each format has room for, beside the boxes."""


@pytest.mark.parametrize("kind", READABLE)
def test_what_is_written_is_read_back(kind, tmp_path):
    path, one = tmp_path / f"other{FORMATS[kind].ending}", video()
    path.write_bytes(FORMATS[kind].write(one))
    for said in (kind, None):
        (back,) = read_annotations(path, said)
        assert rows_of(back) == rows_of(one)
        expected = {name: getattr(one, name) if name in SAYS[kind] else None for name in SAYS["coco"]}
        assert {name: getattr(back, name) for name in SAYS["coco"]} == expected | (
            {} if "name" in SAYS[kind] else {"name": "other"}
        )
    assert FORMATS[kind].write(one) == path.read_bytes(), "the same bytes each time"


@pytest.mark.parametrize("kind", READABLE)
def test_several_labels_and_a_video_without_boxes(kind, tmp_path):
    path = tmp_path / f"street{FORMATS[kind].ending}"
    two = video(label=np.array([row[1] == 7 for row in BOXES]).astype(np.int64), labels=("person", "car & <van>"))
    path.write_bytes(FORMATS[kind].write(two))
    name = "car_&_<van>" if kind == "kitti" else "car & <van>"
    assert {row[1]: row[3] for row in rows_of(read_annotations(path)[0])} == {3: "person", 7: name}
    path.write_bytes(FORMATS[kind].write(empty()))
    (back,) = read_annotations(path, kind)
    assert (len(back), back.frames) == (0, 6 if "frames" in SAYS[kind] else None)


def empty() -> AnnotatedVideo:
    whole, no = np.empty(0, np.int64), np.empty(0)
    return video(frame=whole, id=whole, tlwh=np.empty((0, 4)), label=whole, score=no)


@pytest.mark.parametrize("kind", ["coco", "label-studio", "fiftyone", "ultralytics"])
def test_without_the_size_of_images_some_formats_cannot_be_written(kind):
    with pytest.raises(InputError, match="needs the size of the images; give `size` WIDTHxHEIGHT"):
        FORMATS[kind].write(video(width=None))


# --- CVAT


def test_cvats_zip_has_the_rows_and_labels_that_its_reader_wants():
    with zipfile.ZipFile(io.BytesIO(cvat_mot.write(video()))) as archive:
        assert archive.namelist() == ["gt/gt.txt", "gt/labels.txt"]
        assert archive.read("gt/gt.txt").decode().splitlines()[:2] == [
            "1,3,10.25,20.50,30.00,60.00,1,1,1",
            "2,3,12.25,20.50,30.00,60.00,1,1,1",
        ]
        assert archive.read("gt/labels.txt") == b"person\n"


def test_rows_of_cvat_that_are_not_to_count_stay_so(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("task/gt/gt.txt", "1,1,2,3,4,5,0,2,0.5\n1,2,2,3,4,5,1,1,1\n")
        archive.writestr("task/gt/labels.txt", "person\ncar\n")
    (back,) = read_annotations(path)
    assert (back.score.tolist(), rows_of(back)[0][3]) == ([0, 1], "car")
    assert cvat_mot.gt_text(back).splitlines()[0] == "1,1,2.00,3.00,4.00,5.00,0,2,1"


def test_a_person_who_is_away_is_outside_in_cvat():
    text = cvat_xml.write(video()).decode()
    outside = [line.split('"')[1] for line in text.splitlines() if 'outside="1"' in line]
    # From 0: id 3 is gone in frame 2, and seen in the last frame; id 7 is gone in frame 5.
    assert outside == ["2", "5"]
    assert text.count("<track ") == 2


def test_key_frames_of_cvat_are_filled_and_its_zip_is_opened(tmp_path):
    track = "".join(
        f'<box frame="{frame}" outside="{out}" keyframe="1" xtl="{left}" ytl="0" xbr="{left + 10}" ybr="20"/>'
        for frame, left, out in ((0, 0, 0), (4, 8, 0), (6, 8, 1), (9, 0, 0))
    )
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("annotations.xml", f'<annotations><track id="0" label="person">{track}</track></annotations>')
    (back,) = read_annotations(tmp_path / "a.zip")
    assert back.frame.tolist() == [1, 2, 3, 4, 5, 6, 10]
    assert back.tlwh[:, 0].tolist() == [0, 2, 4, 6, 8, 8, 0]


def test_images_of_cvat_have_no_tracks(tmp_path):
    (tmp_path / "a.xml").write_text('<annotations><image id="0" name="a.jpg"></image></annotations>')
    with pytest.raises(InputError, match=r'a.xml: cannot be read as .*images without tracks; export it as "CVAT for'):
        read_annotations(tmp_path / "a.xml")


# --- COCO


def coco(**changes: Any) -> dict[str, Any]:
    return {**json.loads(coco_video.write(video())), **changes}


def coco_rows(given: dict[str, Any]) -> list[Any]:
    (back,) = coco_video.read(json.dumps(given).encode(), "other")
    return rows_of(back)


def test_frames_of_coco_count_from_0_or_from_1():
    given = coco()
    assert [image["frame_id"] for image in given["images"]] == [0, 1, 2, 3, 4, 5]
    assert coco_rows(given) == rows_of(video())
    given["images"] = [{**image, "frame_id": image["frame_id"] + 1} for image in given["images"]]
    assert coco_rows(given) == rows_of(video())


def test_coco_as_tao_and_as_cvat_have_it():
    given = coco()
    tao = [
        {key: value for key, value in one.items() if key not in ("frame_id", "file_name")}
        | {"frame_index": one["frame_id"]}
        for one in given["images"]
    ]
    assert coco_rows({**given, "images": tao}) == rows_of(video())
    images = [{"id": one["id"], "file_name": f"frame_{one['frame_id']:06d}.PNG"} for one in given["images"]]
    boxes = [
        {key: one[key] for key in ("id", "image_id", "category_id", "bbox")}
        | {"attributes": {"occluded": False, "track_id": one["track_id"]}}
        for one in given["annotations"]
    ]
    assert coco_rows({"images": images, "annotations": boxes, "categories": given["categories"]}) == rows_of(video())


def test_every_video_of_coco_is_one():
    one, other = coco(), coco()
    for kind in ("images", "annotations"):
        for row in other[kind]:
            row["video_id"] = 2
            row["id"] += 1000
            if "image_id" in row:
                row["image_id"] += 1000
    other["videos"][0] |= {"id": 2, "name": "../../square"}
    both = {key: one[key] + other[key] if key != "categories" else one[key] for key in one}
    found = coco_video.read(json.dumps(both).encode(), "x")
    assert [back.name for back in found] == ["street", "square"]
    assert [rows_of(back) for back in found] == [rows_of(video())] * 2


def test_boxes_of_coco_without_tracks_are_refused():
    given = coco()
    for one in given["annotations"]:
        del one["track_id"], one["instance_id"]
    with pytest.raises(InputError, match="annotation 1 has no track_id; export tracks, not single boxes"):
        coco_rows(given)


# --- KITTI


def test_rows_of_kitti_count_from_0_and_have_corners():
    first = kitti_rows.write(video()).decode().splitlines()[0]
    assert first == "0 3 Pedestrian -1 -1 -10 10.25 20.50 40.25 80.50 -1 -1 -1 -1000 -1000 -1000 -10 0.9000"


def test_what_kitti_does_not_care_for_is_left_out():
    text = (
        "0 -1 DontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n\n0 0 Car 0 0 -1.5 1 2 4 6 1 1 1 1 1 1 0.1\n"
    )
    (back,) = kitti_rows.read(text.encode(), "a")
    assert rows_of(back) == [(1, 0, [1, 2, 3, 4], "Car")]
    with pytest.raises(InputError, match="line 2 has 3 columns; tracking rows of KITTI have 17"):
        kitti_rows.read(b"\n1 2 3\n", "a")


# --- Label Studio


def task() -> dict[str, Any]:
    (made,) = json.loads(label_studio.write(video()))
    return dict(made)


def test_regions_of_label_studio_are_in_percent_and_end_where_a_person_is_away():
    made = task()
    first = made["predictions"][0]["result"][0]
    assert (first["id"], first["type"], first["value"]["framesCount"]) == ("track-3", "videorectangle", 6)
    keys = first["value"]["sequence"]
    assert [(key["frame"], key["enabled"]) for key in keys] == [(1, True), (2, False), (5, True), (6, False)]
    assert (keys[0]["x"], keys[0]["height"]) == (pytest.approx(1025 / 640), pytest.approx(6000 / 480))
    assert keys[2]["time"] == pytest.approx(4 / 12.5)


def test_an_annotation_comes_before_a_prediction_and_its_key_frames_are_filled():
    made = task()
    keys = [
        {"frame": 1, "x": 0, "y": 0, "width": 10, "height": 10, "enabled": True},
        {"frame": 3, "x": 20, "y": 0, "width": 10, "height": 10, "enabled": False},
        {"frame": 5, "x": 50, "y": 0, "width": 10, "height": 10, "enabled": True},
    ]
    region = {"id": "a9Kx", "type": "videorectangle", "value": {"framesCount": 6, "sequence": keys, "labels": ["man"]}}
    skipped = {"was_cancelled": True, "result": []}
    made["annotations"] = [{"result": [region, {"type": "labels"}]}, skipped]
    (back,) = label_studio.read(json.dumps(made).encode(), "x")
    assert back.frame.tolist() == [1, 2, 3, 5, 6], "the last one goes on to the end of the video"
    assert (back.tlwh[:, 0] / 6.4).round(6).tolist() == [0, 10, 20, 50, 50]
    assert (set(back.id.tolist()), back.labels) == ({1}, ("man",))


def test_percent_need_the_size(tmp_path):
    made = task()
    made["data"] = {"video": "a.mp4"}
    path = tmp_path / "street.json"
    path.write_text(json.dumps([made]))
    with pytest.raises(InputError, match=r"street.json: .*in percent, and the task does not have the size"):
        read_annotations(path)
    assert rows_of(read_annotations(path, size=(640, 480))[0]) == rows_of(video())


# --- key frames, names, numbers


def test_between_key_frames_boxes_move_evenly():
    keys = [
        KeyFrame(5, (8, 0, 1, 1), shown=True, goes_on=False),
        KeyFrame(1, (0, 0, 1, 1), shown=True, goes_on=True),
        KeyFrame(8, (9, 0, 1, 1), shown=False, goes_on=False),
        KeyFrame(9, (9, 0, 1, 1), shown=True, goes_on=True),
    ]
    assert [(frame, box[0]) for frame, box in interpolated(keys)] == [(1, 0), (2, 2), (3, 4), (4, 6), (5, 8), (9, 9)]
    assert [frame for frame, _ in interpolated(keys, 11)][-3:] == [9, 10, 11]
    assert list(interpolated([], 11)) == []


def test_a_stretch_ends_where_the_next_frame_is_missing():
    assert ends([1, 2, 5, 6, 9]) == {2, 6, 9}
    assert ends([]) == set()


def test_tracks_get_numbers_that_are_free():
    numbers = TrackNumbers()
    names = ["track-12", "12", 5, "Kx", "Ky", 1, "Kx", "track-12", "0"]
    assert [numbers.of(name) for name in names] == [12, 1, 5, 2, 3, 4, 2, 12, 0]
    assert len({numbers.of(name) for name in names}) == len(set(map(str, names)))


@pytest.mark.parametrize(("name", "plain"), [
    ("street", "street"), ("../../etc/x", "etc_x"), (".hidden", "hidden"), ("", "video"), ("a\0b\nc", "a_b_c"),
    ("Straße 1.mp4", "Straße_1.mp4"), ("x" * 500, "x" * 100), ("..", "video"),
])  # fmt: skip
def test_names_of_videos_are_names_of_folders(name, plain):
    assert video(name=name).name == plain


def test_sizes():
    assert size_of("1920x1080") == size_of(" 1920X1080") == (1920, 1080)
    for text in ("1920", "0x5", "1x-1", "9999999x1", "x", "1x1x1", ""):
        with pytest.raises(InputError, match="expected WIDTHxHEIGHT in pixels"):
            size_of(text)


WRONG: dict[str, dict[str, Any]] = {
    "frame 0": {"frame": np.array([0] * 8)},
    "a frame beyond counting": {"frame": np.full(8, 10**8)},
    "an id below 0": {"id": np.full(8, -1)},
    "NaN": {"tlwh": np.full((8, 4), np.nan)},
    "a box beyond measure": {"tlwh": np.full((8, 4), 1e12)},
    "a negative width": {"tlwh": np.tile([1, 1, -1, 1.0], (8, 1))},
    "no such label": {"label": np.ones(8, np.int64)},
    "an infinite score": {"score": np.full(8, np.inf)},
    "an id twice in a frame": {"id": np.full(8, 3)},
    "a size of nothing": {"width": 0},
    "no rate": {"fps": 0.0},
    "endless": {"frames": 10**9},
}


@pytest.mark.parametrize("name", WRONG)
def test_numbers_that_no_annotation_can_have_are_refused(name):
    with pytest.raises(InputError) as caught:
        video(**WRONG[name])
    assert "\n" not in str(caught.value)


def test_boxes_are_in_the_order_of_frames():
    one = video()
    assert all(a <= b for a, b in pairwise(zip(one.frame.tolist(), one.id.tolist(), strict=True)))
    backwards = dataclasses.replace(
        one, **{name: getattr(one, name)[::-1] for name in ("frame", "id", "tlwh", "label", "score")}
    )
    assert rows_of(backwards) == rows_of(one)


# --- hostile files

HOSTILE = {
    "entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><annotations>&x;</annotations>',
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><annotations>&b;</annotations>',
    "a file from elsewhere": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>',
    "deep XML": b"<a>" * 100_000,
    "a box of no track": b'<annotations><box frame="0" xtl="1"/></annotations>',
    "a box without sides": b'<annotations><track id="0" label="p"><box frame="0"/></track></annotations>',
    "endless key frames": b'<annotations><track id="0" label="p"><box frame="0" xtl="0" ytl="0" xbr="1" ybr="1"/>'
    b'<box frame="999999999" xtl="0" ytl="0" xbr="1" ybr="1"/></track></annotations>',
    "a deep list": b"[" * 100_000,
    "infinite": b'{"categories": [{"id": 1, "name": "p"}], "images": [{"id": 1, "frame_id": 1e999}],"annotations": []}',
    "an empty zip": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", [None, *READABLE])
def test_a_hostile_file_is_one_line(name, kind, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(HOSTILE[name])
    if name == "a box of no track" and kind in (None, "cvat-xml"):
        assert len(read_annotations(path, kind)[0]) == 0
        return
    with pytest.raises(InputError, match=r"a.txt: ") as caught:
        read_annotations(path, kind)
    assert "\n" not in str(caught.value)
    assert "root:" not in str(caught.value)


def test_no_entity_is_expanded(tmp_path):
    for name in ("entities", "a billion laughs", "a file from elsewhere"):
        (tmp_path / "a.xml").write_bytes(HOSTILE[name])
        with pytest.raises(InputError, match="has a document type or entities, which no file of CVAT has"):
            read_annotations(tmp_path / "a.xml")


def test_a_zip_that_says_less_than_it_holds_is_read_within_bounds(tmp_path, monkeypatch):
    from remix_track.interop import zip_archive

    monkeypatch.setattr(zip_archive, "MAX_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gt/gt.txt", b"1,1,1,1,1,1\n" * 2**18)
    with pytest.raises(InputError, match=r"gt/gt.txt is larger than 1 MiB"):
        read_annotations(tmp_path / "a.zip")


@pytest.mark.parametrize("kind", READABLE)
def test_more_boxes_than_a_file_may_have_are_refused(kind, monkeypatch, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(FORMATS[kind].write(video()))
    monkeypatch.setattr(annotated_video, "MOST_BOXES", 8)
    assert len(read_annotations(path)[0]) == 8
    monkeypatch.setattr(annotated_video, "MOST_BOXES", 7)
    with pytest.raises(InputError, match="more than 7 boxes"):
        read_annotations(path)
