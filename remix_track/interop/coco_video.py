"""COCO's JSON with videos and tracks: `videos`, `images`, `annotations`, `categories`.

`images` have `video_id` and `frame_id`, `annotations` a `track_id` (also as `instance_id`). As CocoVID of mmtracking,
TAO and YouTube-VIS have it, frames count from 0; what CVAT exports as COCO, with the track among the attributes, is
read too.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from remix_track.errors import InputError
from remix_track.interop.annotated_video import AnnotatedVideo, BoxList, TrackNumbers
from remix_track.json_text import json_text

_FRAME = ("frame_id", "frame_index")
_TRACK = ("track_id", "instance_id")


def write(video: AnnotatedVideo) -> bytes:
    """One video, every frame of it an image `NAME/000001.jpg`.

    Raises:
        InputError: the size of the images is not known.
    """
    width, height = video.size("COCO")
    size = {"width": width, "height": height}
    images = [
        {"id": frame, "video_id": 1, "frame_id": frame - 1, "file_name": f"{video.name}/{frame:06d}.jpg", **size}
        for frame in range(1, video.last_frame + 1)
    ]
    facts = {} if video.fps is None else {"fps": video.fps}
    made = {
        "videos": [{"id": 1, "name": video.name, **size, **facts}],
        "categories": [{"id": number, "name": label} for number, label in enumerate(video.labels, 1)],
        "images": images,
        "annotations": _annotations(video),
    }
    return json_text(made, compact=True).encode()


def _annotations(video: AnnotatedVideo) -> list[dict[str, Any]]:
    columns = (video.frame, video.id, video.label, video.tlwh.round(4), video.score)
    return [
        {
            "id": number,
            "image_id": frame,
            "video_id": 1,
            "track_id": id_,
            "instance_id": id_,
            "category_id": label + 1,
            "bbox": box,
            "area": round(box[2] * box[3], 4),
            "iscrowd": 0,
            "score": score,
        }
        for number, (frame, id_, label, box, score) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True), 1
        )
    ]


def read(data: bytes, name: str) -> list[AnnotatedVideo]:
    """Each video of the file.

    Raises:
        InputError: images without a number of their frame, or boxes without a track.
    """
    given = json.loads(data)
    labels = {one["id"]: str(one["name"]) for one in given["categories"]}
    videos = {one["id"]: one for one in given.get("videos") or [{"id": None, "name": name}]}
    only = next(iter(videos)) if len(videos) == 1 else None
    images: dict[Any, dict[Any, Mapping[str, Any]]] = {key: {} for key in videos}
    for image in given["images"]:
        images[image.get("video_id", only)][image["id"]] = image
    boxes: dict[Any, list[Mapping[str, Any]]] = {}
    for one in given["annotations"]:
        boxes.setdefault(one["image_id"], []).append(one)
    return [_video(facts, images[key], boxes, labels, name) for key, facts in videos.items()]


def _video(
    facts: Mapping[str, Any],
    images: Mapping[Any, Mapping[str, Any]],
    boxes: Mapping[Any, list[Mapping[str, Any]]],
    labels: Mapping[Any, str],
    name: str,
) -> AnnotatedVideo:
    found, tracks = BoxList(), TrackNumbers()
    for label in labels.values():
        found.labels.setdefault(label, len(found.labels))
    numbers = {key: _frame(image) for key, image in images.items()}
    # ByteTrack's converter and others count from 1; a video without a frame 0 is one of theirs.
    first = min(numbers.values(), default=1)
    shift = 1 if first == 0 else 0
    for key, number in numbers.items():
        for one in boxes.get(key, []):
            left, top, width, height = map(float, one["bbox"])
            id_ = tracks.of(_track(one))
            found.add(number + shift, id_, (left, top, width, height), labels[one["category_id"]])
    one_image: Mapping[str, Any] = next(iter(images.values()), {})
    size = {side: facts.get(side) or one_image.get(side) for side in ("width", "height")}
    size = {side: None if value is None else int(value) for side, value in size.items()}
    fps = None if facts.get("fps") is None else float(facts["fps"])
    frames = max(numbers.values(), default=0) + shift
    return found.video(str(facts.get("name") or name), frames=frames or None, fps=fps, **size)


def _frame(image: Mapping[str, Any]) -> int:
    said = [int(image[key]) for key in _FRAME if image.get(key) is not None]
    named = re.search(r"(\d{1,9})\D*$", str(image.get("file_name", "")))
    if not said and not named:
        raise InputError(f"image {image['id']} has neither frame_id nor a number in its file_name")
    return said[0] if said else int(named[1]) if named else 0


def _track(one: Mapping[str, Any]) -> object:
    attributes = one.get("attributes") or {}
    for key in _TRACK:
        found = one.get(key, attributes.get(key))
        if found is not None:
            return found
    raise InputError(f"annotation {one.get('id')} has no track_id; export tracks, not single boxes")
