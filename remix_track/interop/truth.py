"""Corrected tracks as the ground truth of a MOT sequence, which `eval` scores runs by."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from remix_track.interop.annotated_video import AnnotatedVideo
from remix_track.interop.cvat_mot import GT, LABELS, gt_text, labels_text
from remix_track.mot_sequence import INFO
from remix_track.text_files import write_text

_PEOPLE = ("person", "pedestrian")


def write_sequence(video: AnnotatedVideo, folder: Path) -> None:
    """Write `gt/gt.txt`, `gt/labels.txt` and what is known of the video to `seqinfo.ini`.

    People are class 1, as benchmarks have them; the other labels follow in their order.

    Raises:
        InputError: a file cannot be written.
    """
    ordered = people_first(video)
    write_text(folder / GT, gt_text(ordered))
    write_text(folder / LABELS, labels_text(ordered))
    fps = None if video.fps is None else f"{video.fps:g}"
    facts = {
        "frameRate": fps,
        "seqLength": video.frames and video.last_frame,
        "imWidth": video.width,
        "imHeight": video.height,
    }
    known = "".join(f"{key}={value}\n" for key, value in facts.items() if value)
    write_text(folder / INFO, f"[Sequence]\nname={video.name}\n{known}")


def people_first(video: AnnotatedVideo) -> AnnotatedVideo:
    """The same with the label of people, where there is one, before the others."""
    order = sorted(range(len(video.labels)), key=lambda label: video.labels[label].strip().lower() not in _PEOPLE)
    place = np.argsort(np.array(order, np.int64))
    return replace(video, label=place[video.label], labels=tuple(video.labels[label] for label in order))
