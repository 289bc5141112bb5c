"""KITTI's tracking rows: a line per box, frames and ids from 0, corners in pixels; of the 3D columns nothing is known.

`frame id type truncated occluded alpha left top right bottom height width length x y z rotation [score]`. Reference:
the development kit of the KITTI tracking benchmark, readme.txt.
"""

from remix_track.errors import InputError
from remix_track.interop.annotated_video import AnnotatedVideo, BoxList

_UNKNOWN_BEFORE = "-1 -1 -10"  # truncated, occluded, alpha
_UNKNOWN_BEHIND = "-1 -1 -1 -1000 -1000 -1000 -10"
_TYPES = {"person": "Pedestrian"}
_LABELS = {"pedestrian": "person"}
_LEFT_OUT = "dontcare"


def write(video: AnnotatedVideo) -> bytes:
    """The rows, with the score as the last column, as KITTI has results."""
    columns = (video.frame - 1, video.id, video.label, video.tlwh, video.score)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    types = [_TYPES.get(label, "_".join(label.split()) or "unknown") for label in video.labels]
    return "".join(
        f"{frame} {id_} {types[label]} {_UNKNOWN_BEFORE} {left:.2f} {top:.2f} {left + width:.2f} {top + height:.2f} "
        f"{_UNKNOWN_BEHIND} {score:.4f}\n"
        for frame, id_, label, (left, top, width, height), score in rows
    ).encode()


def read(data: bytes, name: str) -> list[AnnotatedVideo]:
    """The video of a file; regions of type `DontCare` are left out.

    Raises:
        InputError: a line that is none of KITTI's.
    """
    boxes = BoxList()
    for number, line in enumerate(data.decode("utf-8-sig").splitlines(), 1):
        fields = line.split()
        if not fields or (len(fields) > 2 and fields[2].lower() == _LEFT_OUT):
            continue
        if len(fields) not in (17, 18):
            raise InputError(
                f"line {number} has {len(fields)} columns; tracking rows of KITTI have 17, or 18 with a score"
            )
        try:
            left, top, right, bottom = map(float, fields[6:10])
            label = _LABELS.get(fields[2].lower(), fields[2])
            boxes.add(int(fields[0]) + 1, int(fields[1]), (left, top, right - left, bottom - top), label)
        except ValueError as error:
            raise InputError(f"line {number}: {error}") from None
    return [boxes.video(name)]
