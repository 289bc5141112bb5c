"""Cut-outs of frames with boxes on them, as SVG with an embedded JPEG, within a budget of bytes."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from remix_track.id_colours import colour_of, css, css_of, ink_on

Picture = Callable[[str, int], NDArray[np.uint8] | None]

_SIDE = 240  # of a cut-out on the page
_LEAST = 120.0  # of a cut-out in the frame
_MOST_BOXES = 60
_QUALITY = 78
_LABEL, _DIGIT = 16, 9  # height of a label, and width of one of its characters


@dataclass(frozen=True, slots=True)
class Box:
    """A box to draw: (left, top, width, height) in pixels, a label, and the id of its track (None: ground truth)."""

    tlwh: tuple[float, float, float, float]
    label: str
    track: int | None


@dataclass(frozen=True, slots=True)
class Shot:
    """A cut-out to make: the frame, and the boxes, of which the first is in the middle."""

    frame: int
    boxes: tuple[Box, ...]


@dataclass(slots=True)
class Budget:
    """What is left to spend on images of one page."""

    pictures: int = 240
    bytes: int = 12_000_000


def take(shots: Iterable[Shot], name: str, picture: Picture, budget: Budget) -> dict[Shot, Markup]:
    """The shots as SVG, as far as images are at hand and the budget lasts.

    Frames are asked for in ascending order and once each, so that a video can be read front to back.

    Args:
        shots: cut-outs wanted, the most wanted first: the budget is spent in this order.
        name: of the sequence.
        picture: gives the (H, W, 3) uint8 BGR frame of a sequence, 1-based, or None.
        budget: is reduced by what is used.
    """
    wanted = list(dict.fromkeys(shots))[: budget.pictures]
    made: dict[Shot, Markup] = {}
    image: NDArray[np.uint8] | None = None
    frame = 0
    for shot in sorted(wanted, key=lambda shot: shot.frame):
        if shot.frame != frame:
            frame, image = shot.frame, picture(name, shot.frame)
        if image is None or image.ndim != 3 or not image.size:
            continue
        svg = _svg(shot, image)
        if svg is None or len(svg) > budget.bytes:
            continue
        budget.bytes -= len(svg)
        budget.pictures -= 1
        made[shot] = svg
    return made


def _svg(shot: Shot, image: NDArray[np.uint8]) -> Markup | None:
    window = _window(shot.boxes[0].tlwh, image.shape[1], image.shape[0])
    if window is None:
        return None
    left, top, side = window
    jpeg = _jpeg(image[top : top + side, left : left + side])
    if jpeg is None:
        return None
    boxes = [box for box in shot.boxes if _meets(box.tlwh, left, top, side)][:_MOST_BOXES]
    drawn = Markup("").join(_drawn(box, left, top, _SIDE / side) for box in reversed(boxes))
    return Markup(
        '<svg class="shot" viewBox="0 0 {side} {side}" width="{side}" height="{side}" role="img">'
        '<image width="{side}" height="{side}" href="data:image/jpeg;base64,{jpeg}"/>{drawn}</svg>'
    ).format(side=_SIDE, jpeg=jpeg, drawn=drawn)


def _window(tlwh: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int] | None:
    """Left, top and side of a square cut-out around a box, inside the image; None where the box is outside."""
    left, top, box_width, box_height = tlwh
    if not _meets(tlwh, 0, 0, max(width, height)):
        return None
    side = int(min(max(1.6 * box_height, 1.6 * box_width, _LEAST), height, width))
    x = int(np.clip(left + (box_width - side) / 2, 0, width - side))
    y = int(np.clip(top + (box_height - side) / 2, 0, height - side))
    return x, y, side


def _meets(tlwh: tuple[float, float, float, float], left: int, top: int, side: int) -> bool:
    """Whether a box shares area with a square."""
    x, y, width, height = tlwh
    return left - width < x < left + side and top - height < y < top + side


def _jpeg(crop: NDArray[np.uint8]) -> str | None:
    import cv2

    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if len(crop) > _SIDE else cv2.INTER_CUBIC)
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(data.tobytes()).decode("ascii") if done else None


def _drawn(box: Box, left: int, top: int, scale: float) -> Markup:
    # MOT text counts pixels from 1.
    x, y = (box.tlwh[0] - 1 - left) * scale, (box.tlwh[1] - 1 - top) * scale
    width, height = max(box.tlwh[2], 0) * scale, max(box.tlwh[3], 0) * scale
    area = Markup('x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"').format(x, y, width, height)
    if box.track is None:
        return Markup('<rect class="truth-under" {area}/><rect class="truth" {area}/>').format(area=area)
    wide, bottom = _DIGIT * len(box.label) + 6, y if y > _LABEL else y + _LABEL
    return Markup(
        '<rect class="track" {area} stroke="{colour}"/><rect class="track-ground" x="{x:.1f}" '
        'y="{ground:.1f}" width="{wide}" height="{height}" fill="{colour}"/>'
        '<text class="track-label" x="{inner:.1f}" y="{line:.1f}" fill="{ink}">{label}</text>'
    ).format(
        area=area,
        colour=css_of(box.track),
        ink=css(ink_on(colour_of(box.track))),
        x=x,
        ground=bottom - _LABEL,
        wide=wide,
        height=_LABEL,
        inner=x + 3,
        line=bottom - 4,
        label=box.label,
    )
