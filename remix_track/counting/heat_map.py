"""Where feet stood longest, as a colour over the picture, with the lines and zones drawn in."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.feet import Feet
from remix_track.counting.zones_file import Seen
from remix_track.errors import InputError
from remix_track.id_colours import colour_of, ink_on
from remix_track.output_files import atomic_write

Image = NDArray[np.uint8]
_SPREAD = 0.012
"""Deviation by which a foot is spread, of the image's longer side: about what a foot is."""
_STRONGEST = 0.72
"""Of the colour over the picture."""
_LEAST_BOX = 2.0


class HeatMap:
    """Feet of one camera, added up in a grid of its pixels."""

    def __init__(self, width: int, height: int) -> None:
        """Begin without feet; the size is that of the picture."""
        self.width, self.height = width, height
        self._sums = np.zeros((height, width), np.float64)

    def add(self, feet: Feet) -> None:
        """Add feet; those outside the picture are left out."""
        at = np.floor(feet.xy).astype(np.int64)
        inside = (at >= 0).all(axis=1) & (at[:, 0] < self.width) & (at[:, 1] < self.height)
        np.add.at(self._sums, (at[inside, 1], at[inside, 0]), 1.0)

    def heat(self) -> NDArray[np.float64]:
        """(H, W) from 0 to 1; 1 is where feet were most."""
        import cv2

        soft = cv2.GaussianBlur(self._sums, (0, 0), max(_SPREAD * max(self.width, self.height), 1.0))
        return np.asarray(soft / max(float(soft.max()), 1e-12), np.float64)

    def over(self, picture: Image | None, places: Sequence[Seen] = ()) -> Image:
        """(H, W, 3) BGR: the picture in grey, the heat over it, and the places.

        Args:
            picture: (H, W, 3) BGR; None: plain grey.
            places: of this camera.
        """
        import cv2

        plain = np.full((self.height, self.width), 236, np.uint8)
        grey = plain if picture is None else cv2.cvtColor(_fitted(picture, self.width, self.height), cv2.COLOR_BGR2GRAY)
        below = 0.85 * cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.float64)
        layer = self.layer().astype(np.float64)
        share = layer[..., 3:] / 255
        made: Image = np.rint((1 - share) * below + share * layer[..., :3]).astype(np.uint8)
        draw_places(made, places)
        return made

    def layer(self) -> Image:
        """(H, W, 4) BGRA: the heat alone, clear where there is none, to be laid over a picture."""
        import cv2

        # The square root shows where people pass as well, not only where they stand.
        heat = np.sqrt(self.heat())
        colours = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), cv2.COLORMAP_TURBO)
        share = np.rint(255 * _STRONGEST * np.clip(heat * 2.5, 0, 1)).astype(np.uint8)
        return np.asarray(np.dstack([colours, share]), np.uint8)


def draw_places(image: Image, places: Sequence[Seen]) -> None:
    """Draw lines, with an arrow to where `in` is, and zones with their names into an image (H, W, 3) BGR."""
    import cv2

    thick = max(round(max(image.shape[:2]) / 480), 1)
    for number, seen in enumerate(places, 1):
        points, colour = seen.in_pixels(), colour_of(number)
        if not np.isfinite(points).all():
            continue
        corners = np.rint(np.clip(points, -32000, 32000)).astype(np.int32).reshape(-1, 1, 2)
        is_zone = seen.place.kind == "zone"
        cv2.polylines(image, [corners], is_zone, (0, 0, 0), thick + 2, cv2.LINE_AA)
        cv2.polylines(image, [corners], is_zone, colour, thick, cv2.LINE_AA)
        if not is_zone:
            _arrow(image, points, colour, thick)
        _label(image, seen.place.name, points[np.argmin(points.sum(axis=1))] if is_zone else points[0], colour, thick)


def write_image(path: Path, image: Image) -> None:
    """Write a PNG in one piece.

    Raises:
        InputError: there is something already, or it cannot be written.
    """
    import cv2

    if path.exists():
        raise InputError(f"{path}: there is something already; give another name")
    _, made = cv2.imencode(".png", image)
    with atomic_write(path) as temporary:
        temporary.write_bytes(made.tobytes())


def _fitted(picture: Image, width: int, height: int) -> Image:
    import cv2

    same = picture.shape[:2] == (height, width)
    return picture if same else np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _arrow(image: Image, points: NDArray[np.float64], colour: tuple[int, int, int], thick: int) -> None:
    """From the middle of the line to its left, as one looks along it."""
    import cv2

    piece = (len(points) - 1) // 2
    begin, end = points[piece], points[piece + 1]
    way = (end - begin) / max(float(np.hypot(*(end - begin))), 1e-9)
    middle = (begin + end) / 2
    tip = middle + 16 * thick * np.array([way[1], -way[0]])
    first, last = (np.rint(one).astype(int).tolist() for one in (middle, tip))
    for paint, wide in (((0, 0, 0), thick + 2), (colour, thick)):
        cv2.arrowedLine(image, first, last, paint, wide, cv2.LINE_AA, tipLength=0.35)


def _label(image: Image, text: str, at: NDArray[np.float64], colour: tuple[int, int, int], thick: int) -> None:
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(size=9 + 4 * thick)
    drawn = Pillow.fromarray(image)
    pen = ImageDraw.Draw(drawn)
    box = pen.textbbox((float(at[0]), float(at[1])), text, font=font, anchor="mm")
    pad = 2 * thick
    # Within the picture, whole.
    right = min(max(pad - box[0], 0.0), 1e9) + min(image.shape[1] - pad - box[2], 0.0)
    down = max(pad - box[1], 0.0) + min(image.shape[0] - pad - box[3], 0.0)
    box = box[0] + right, box[1] + down, box[2] + right, box[3] + down
    pen.rounded_rectangle((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), radius=pad, fill=colour)
    pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), text, fill=ink_on(colour), font=font, anchor="mm")
    image[:] = np.asarray(drawn)
