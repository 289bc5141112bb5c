"""Label Studio's JSON of video tasks: `videorectangle` regions, each a track of key frames in percent of the image.

Frames count from 1. A key frame that is not `enabled` is the last of its stretch; the last key frame of a region that
is goes on to the end of the video. Reference: Label Studio's documentation of the tag VideoRectangle.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.interop.annotated_video import AnnotatedVideo, BoxList, TrackNumbers
from remix_track.interop.keyframes import KeyFrame, ends, interpolated
from remix_track.json_text import json_text

_KIND = "videorectangle"


def write(video: AnnotatedVideo) -> bytes:
    """One task with a prediction, which an annotator corrects and submits; `data.video` is to be its address.

    The names `box` and `video` are those of Label Studio's own template for videos.

    Raises:
        InputError: the size of the images is not known.
    """
    size = np.tile(video.size("Label Studio"), 2)
    facts = {"name": video.name, "width": int(size[0]), "height": int(size[1]), "frames": video.last_frame}
    timed = {} if video.fps is None else {"fps": video.fps}
    regions = [_region(video, id_, label, rows, size) for id_, label, rows in video.tracks()]
    task = {
        "data": {"video": f"{video.name}.mp4", **facts, **timed},
        "predictions": [{"model_version": "remix-track", "result": regions}],
    }
    return json_text([task], compact=True).encode()


def _region(
    video: AnnotatedVideo, id_: int, label: str, rows: NDArray[np.intp], size: NDArray[np.int64]
) -> dict[str, Any]:
    frames = video.frame[rows].tolist()
    last = ends(frames)
    sequence = []
    for frame, (left, top, width, height) in zip(frames, (100 * video.tlwh[rows] / size).tolist(), strict=True):
        key = {"frame": frame, "enabled": frame not in last, "rotation": 0}
        key |= {"x": left, "y": top, "width": width, "height": height}
        sequence.append(key if video.fps is None else {**key, "time": (frame - 1) / video.fps})
    counted: dict[str, Any] = {"framesCount": video.last_frame}
    if video.fps is not None:
        counted["duration"] = video.last_frame / video.fps
    return {
        "id": f"track-{id_}",
        "type": _KIND,
        "from_name": "box",
        "to_name": "video",
        "origin": "prediction",
        "value": {**counted, "sequence": sequence, "labels": [label]},
    }


def read(data: bytes, name: str, size: tuple[int, int] | None = None) -> list[AnnotatedVideo]:
    """The video of each task, from its annotation, or from its prediction if it has none.

    Args:
        data: a task or a list of them, as the export "JSON" has them.
        name: for tasks that give none.
        size: width and height of the images, where the task's data does not have them.

    Raises:
        InputError: no size; regions of other kinds only.
    """
    given = json.loads(data)
    tasks = given if isinstance(given, list) else [given]
    return [_video(task, name, size) for task in tasks]


def _video(task: Mapping[str, Any], name: str, size: tuple[int, int] | None) -> AnnotatedVideo:
    facts = task["data"]
    width, height = size or (facts.get("width"), facts.get("height"))
    if width is None or height is None:
        raise InputError("boxes are in percent, and the task does not have the size; give `size` WIDTHxHEIGHT")
    scale = float(width) / 100, float(height) / 100
    answers = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    chosen = (answers or task.get("predictions") or [{"result": []}])[-1]["result"]
    regions = [one for one in chosen if one["type"] == _KIND]
    if chosen and not regions:
        raise InputError(f"has no regions of type {_KIND}; export a project of videos")
    boxes, tracks, frames = BoxList(), TrackNumbers(), int(facts.get("frames") or 0)
    for region in regions:
        value, id_ = region["value"], tracks.of(region["id"])
        label = str((value.get("labels") or ["person"])[0])
        count = int(value.get("framesCount") or frames)
        frames = max(frames, count)
        for frame, tlwh in interpolated([_key(one, scale) for one in value["sequence"]], count or None):
            boxes.add(frame, id_, tlwh, label)
    fps = None if facts.get("fps") is None else float(facts["fps"])
    told = str(facts.get("name") or name)
    return boxes.video(told, width=int(width), height=int(height), fps=fps, frames=frames or None)


def _key(one: Mapping[str, Any], scale: tuple[float, float]) -> KeyFrame:
    left, width = (float(one[side]) * scale[0] for side in ("x", "width"))
    top, height = (float(one[side]) * scale[1] for side in ("y", "height"))
    return KeyFrame(int(one["frame"]), (left, top, width, height), shown=True, goes_on=bool(one.get("enabled", True)))
