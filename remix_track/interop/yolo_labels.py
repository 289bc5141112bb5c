"""Labels to train a detector of ultralytics on: a zip with `data.yaml` and a text for each frame with boxes.

A row is `class x y width height`, the centre and size in shares of the image. Reference: ultralytics' documentation of
its detection data sets.
"""

import numpy as np

from remix_track.boxes import clip_xyxy, tlwh_from_xyxy, xywh_from_tlwh, xyxy_from_tlwh
from remix_track.interop.annotated_video import AnnotatedVideo
from remix_track.interop.zip_archive import zipped
from remix_track.json_text import json_text


def write(video: AnnotatedVideo) -> bytes:
    """The zip; images belong beside the labels, as `images/NAME/000001.jpg`.

    Boxes are cut at the borders of the image, and those outside are left out. Frames without a box have no text, which
    says that there is nothing in them.

    Raises:
        InputError: the size of the images is not known.
    """
    width, height = video.size("YOLO")
    inside = tlwh_from_xyxy(clip_xyxy(xyxy_from_tlwh(video.tlwh), width, height))
    shares = xywh_from_tlwh(inside) / np.array([width, height, width, height])
    lines: dict[int, list[str]] = {}
    for frame, label, (x, y, w, h) in zip(video.frame.tolist(), video.label.tolist(), shares.tolist(), strict=True):
        if w > 0 and h > 0:
            lines.setdefault(frame, []).append(f"{label} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n")
    texts = {f"labels/{video.name}/{frame:06d}.txt": "".join(rows) for frame, rows in lines.items()}
    # JSON is YAML too, and has a form for every letter.
    names = "".join(f"  {number}: {json_text(label)}" for number, label in enumerate(video.labels))
    return zipped({"data.yaml": f"path: .\ntrain: images\nval: images\nnames:\n{names}", **texts})
