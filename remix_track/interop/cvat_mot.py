"""CVAT's "MOT 1.1": a zip with `gt/gt.txt` and `gt/labels.txt`; also how truth for `eval` is written.

A row is `frame, id, left, top, width, height, counts, class, visibility`; frames and classes count from 1, the class
being a line of `labels.txt`. Reference: datumaro's `mot_seq`, with which CVAT reads and writes it.
"""

import io
import zipfile

import numpy as np

from remix_track import mot_text
from remix_track.errors import InputError
from remix_track.interop.annotated_video import AnnotatedVideo
from remix_track.interop.zip_archive import read_member, zipped

GT, LABELS = "gt/gt.txt", "gt/labels.txt"


def write(video: AnnotatedVideo) -> bytes:
    """The zip that CVAT takes as "MOT 1.1" for a task which has those labels."""
    return zipped({GT: gt_text(video), LABELS: labels_text(video)})


def gt_text(video: AnnotatedVideo) -> str:
    """The rows of `gt.txt`, all visible."""
    counts = (video.score > 0).astype(int).tolist()
    rows = zip(video.frame.tolist(), video.id.tolist(), video.tlwh.tolist(), counts, video.label.tolist(), strict=True)
    return "".join(
        f"{frame},{id_},{left:.2f},{top:.2f},{width:.2f},{height:.2f},{count},{label + 1},1\n"
        for frame, id_, (left, top, width, height), count, label in rows
    )


def labels_text(video: AnnotatedVideo) -> str:
    """The names of the classes, a line each."""
    return "".join(" ".join(label.split()) + "\n" for label in video.labels)


def read(data: bytes, name: str) -> list[AnnotatedVideo]:
    """The video of a zip.

    Raises:
        InputError: rows that are not MOT text, or a class without a line in `labels.txt`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = mot_text.read_data(read_member(archive, GT), GT)
        labels = [line.strip() for line in read_member(archive, LABELS, missing=b"").decode("utf-8-sig").splitlines()]
    label = np.where(rows.class_id < 1, 1, rows.class_id) - 1
    if labels and label.max(initial=0) >= len(labels):
        raise InputError(f"class {int(label.max()) + 1} in {GT}, but {LABELS} has {len(labels)} lines")
    known = labels or ["person", *(f"class{number}" for number in range(2, int(label.max(initial=0)) + 2))]
    counts = (rows.score != 0).astype(np.float64)
    return [AnnotatedVideo(name, rows.frame, rows.id, rows.tlwh, label, counts, tuple(known))]
