"""Which formats there are, which one a file has, and the net around their readers."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.interop import coco_video, cvat_mot, cvat_xml, kitti_rows, label_studio, yolo_labels
from remix_track.interop.annotated_video import AnnotatedVideo
from remix_track.interop.zip_archive import member_called
from remix_track.mot_parsing import MAX_BYTES


class Format(NamedTuple):
    """A format: what it is called, the ending of its files, what makes one of a video, and what reads it, if it can."""

    title: str
    ending: str
    write: Callable[[AnnotatedVideo], bytes]
    read: Callable[[bytes, str], list[AnnotatedVideo]] | None = None


FORMATS = {
    "cvat": Format("a MOT zip of CVAT", ".cvat.zip", cvat_mot.write, cvat_mot.read),
    "cvat-xml": Format("XML of CVAT for video", ".cvat.xml", cvat_xml.write, cvat_xml.read),
    "coco": Format("COCO JSON with videos", ".coco.json", coco_video.write, coco_video.read),
    "kitti": Format("KITTI tracking rows", ".kitti.txt", kitti_rows.write, kitti_rows.read),
    "label-studio": Format("video tasks of Label Studio", ".label-studio.json", label_studio.write, label_studio.read),
    "fiftyone": Format("XML of CVAT for FiftyOne", ".fiftyone.xml", cvat_xml.write_for_fiftyone),
    "ultralytics": Format("labels to train YOLO on", ".yolo.zip", yolo_labels.write),
}
READABLE = {key: one for key, one in FORMATS.items() if one.read is not None}


def read_annotations(path: Path, kind: str | None = None, size: tuple[int, int] | None = None) -> list[AnnotatedVideo]:
    """The videos of a file.

    Args:
        path: the file.
        kind: a key of `READABLE`; None: the one that it looks like.
        size: width and height of the images, for formats that are in percent and do not say.

    Raises:
        InputError: it cannot be read as that; the file is named.
    """
    data, name = read_bounded(path, MAX_BYTES), path.name.partition(".")[0]
    with parsing(path, "an annotation file", f"give `from`: {', '.join(READABLE)}"):
        known = kind or _looks_like(data)
    with parsing(path, FORMATS[known].title, "export it again, or say with `from` what it is"):
        try:
            if known == "label-studio":
                return label_studio.read(data, name, size)
            read = FORMATS[known].read
            assert read is not None
            return read(data, name)
        except InputError as error:
            raise InputError(f"{path}: cannot be read as {FORMATS[known].title}: {error}") from None


def _looks_like(data: bytes) -> str:
    start = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "cvat-xml" if member_called(archive, cvat_xml.XML) else "cvat"
    if start.startswith(b"<"):
        return "cvat-xml"
    if start.startswith((b"{", b"[")):
        return "coco" if b'"categories"' in data else "label-studio"
    return "kitti"
