"""A street with people who cross, hide and come back, and its exact ground truth."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.mot_text import MotRows
from remix_track.output_files import atomic_write
from remix_track.synthetic.camera import Camera
from remix_track.synthetic.cast import cast
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.figure import Stance, cast_shadow, figure
from remix_track.synthetic.foreground import obstacles
from remix_track.synthetic.paths import walk
from remix_track.synthetic.sprites import Image, Sprite, paste
from remix_track.synthetic.street import background

_SHADOW = 0.36
_NOISE = 2.2
"""Deviation of the sensor's noise in grey levels."""


class StreetScene:
    """A short film of a street, rendered frame by frame, with ground truth after MOT17's conventions.

    Frames are numbered from 1; each can be rendered on its own and always has the same bytes for the same arguments.
    The truth holds a row for each person whose full body touches the image:

    - the box is the tight box of the whole body as drawn, hidden parts and parts outside the image included, and is
      not cut at the image's border; pixel (x, y) covers the square from (x, y) to (x+1, y+1);
    - `visibility` is the share of the body's pixels that show in the image, counted from the masks; someone hidden
      keeps a row with visibility 0;
    - score (the flag "counts") and class are 1.

    Args:
        seed: decides everything: people, clothes, paths, houses, noise.
        frames: length.
        width, height: of the image in pixels; people are about 0.25 to 0.5 of the height tall.
        people: how many walk through; the first seven play fixed parts, see `cast`.
        fps: frames per second; speeds are real, so fewer mean longer steps from frame to frame.
        place: 0, or the number of another camera that the same people come by, with the same ids: other houses, other
            colours, and everybody plays another part.

    Raises:
        InputError: a size, length or count that is not positive, or a negative seed or place.
    """

    def __init__(
        self,
        seed: int,
        frames: int = 150,
        width: int = 640,
        height: int = 360,
        people: int = 7,
        fps: float = 20.0,
        place: int = 0,
    ) -> None:
        if min(frames, width, height, people, fps) <= 0 or min(seed, place) < 0:
            raise InputError(
                f"seed {seed}, place {place}, {frames} frames, {width}x{height}, {people} people, {fps:g} fps: "
                "a scene needs a seed and a place from 0 on, and one or more of everything else"
            )
        self.seed, self.frames, self.width, self.height, self.fps = seed, frames, width, height, fps
        self.camera = Camera(width, height)
        looks, places, things, noise = np.random.SeedSequence(seed).spawn(4)
        if place:
            places, things, noise, parts, order, tones = np.random.SeedSequence([seed, place]).spawn(6)
        self._place = place
        self._background = background(self.camera, np.random.default_rng(places))
        self._obstacles = obstacles(self.camera, np.random.default_rng(things))
        for thing in self._obstacles:
            cast_shadow(self._background, thing.foot_xy, thing.shadow_px, _SHADOW)
        plays = cast(np.random.default_rng(looks), self.camera, frames / fps, people)
        self.people, paths = [person for person, _ in plays], [path for _, path in plays]
        self._tones: CropCamera | None = None
        if place:
            others = cast(np.random.default_rng(parts), self.camera, frames / fps, people)
            paths = [others[part][1] for part in np.random.default_rng(order).permutation(people).tolist()]
            self._tones = CropCamera.sample(np.random.default_rng(tones))
        self._walks = [walk(path, person.stature, frames, fps) for person, path in zip(self.people, paths, strict=True)]
        self._noise = _noise_sheet(np.random.default_rng(noise), width, height)
        self._rows: dict[int, MotRows] = {}

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[tuple[Image, MotRows]]:
        """Every frame in order: the image and the truth about it."""
        for frame in range(1, self.frames + 1):
            yield self.render(frame), self.rows(frame)

    def render(self, frame: int) -> Image:
        """The image (H, W, 3) uint8 BGR of a frame, numbered from 1.

        Raises:
            IndexError: no such frame.
        """
        layers = self._layers(frame)
        self._rows[frame] = self._measure(frame, layers)
        image = self._background.copy()
        for _, person, _ in layers:
            if person:
                foot, tall = self._foot(frame, person - 1)
                cast_shadow(image, foot, tall, _SHADOW)
        for _, _, sprite in layers:
            paste(image, sprite)
        return self._with_noise(self._tones.tone(image) if self._tones else image, frame)

    def rows(self, frame: int) -> MotRows:
        """The truth about one frame, in the order of ids."""
        if frame not in self._rows:
            self._rows[frame] = self._measure(frame, self._layers(frame))
        return self._rows[frame]

    def ground_truth(self) -> MotRows:
        """The truth about all frames; those not yet rendered are measured now, which costs as much as rendering."""
        parts = [self.rows(frame) for frame in range(1, self.frames + 1)]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in MotRows.__slots__}
        columns["line"] = np.arange(1, len(columns["frame"]) + 1)
        return MotRows(**columns)

    def _foot(self, frame: int, index: int) -> tuple[tuple[float, float], float]:
        """Foot point and stature in pixels of a person at a frame."""
        x, depth = self._walks[index].place[frame - 1].tolist()
        return self.camera.pixel(x, depth), self.people[index].stature * self.camera.scale(depth)

    def _layers(self, frame: int) -> list[tuple[float, int, Sprite]]:
        """What stands in the street, the farthest first: depth, the person's id or 0 for an obstacle, sprite."""
        if not 1 <= frame <= self.frames:
            raise IndexError(f"frame {frame} of a scene with frames 1 to {self.frames}")
        layers = [(thing.depth, 0, thing.sprite) for thing in self._obstacles]
        for index, (person, path) in enumerate(zip(self.people, self._walks, strict=True)):
            if not path.present[frame - 1]:
                continue
            x, depth = path.place[frame - 1].tolist()
            foot, tall = self._foot(frame, index)
            # The direction of view turns with x, and so does the side on which one sees the walker.
            heading = float(path.heading[frame - 1]) + float(np.arctan2(x, depth))
            phase, stride = float(path.phase[frame - 1]), float(path.stride[frame - 1])
            pitch = self.camera.pitch(depth)
            sprite = figure(person, Stance(foot, tall, heading, phase, stride, pitch))
            layers.append((depth, index + 1, sprite))
        return sorted(layers, key=lambda layer: -layer[0])

    def _measure(self, frame: int, layers: list[tuple[float, int, Sprite]]) -> MotRows:
        """Boxes and visibility from the masks: the topmost thing that covers a pixel by half owns it."""
        owner = np.zeros((self.height, self.width), np.int64)
        for _, person, sprite in layers:
            outer, inner = sprite.overlap(self.width, self.height)
            owner[outer][sprite.mask[inner]] = person
        shown = np.bincount(owner.ravel(), minlength=len(self.people) + 1)
        ids, boxes, visibility = [], [], []
        for _, person, sprite in sorted(layers, key=lambda layer: layer[1]):
            left, top, width, height = sprite.tlwh()
            inside = width > 0 and left < self.width and top < self.height and left + width > 0 and top + height > 0
            if person and inside:
                ids.append(person)
                boxes.append((left, top, width, height))
                visibility.append(shown[person] / sprite.mask.sum())
        return _rows(frame, ids, boxes, visibility)

    def _with_noise(self, image: Image, frame: int) -> Image:
        """A window of the noise sheet, another for each frame."""
        # A zero at the end of a seed changes nothing.
        rng = np.random.default_rng([self.seed, frame, self._place])
        top, left = (int(rng.integers(size)) for size in (self.height, self.width))
        window = self._noise[top : top + self.height, left : left + self.width]
        noisy: Image = np.clip(image + window, 0, 255).astype(np.uint8)
        return noisy


def _noise_sheet(rng: np.random.Generator, width: int, height: int) -> NDArray[np.int16]:
    """(2H, 2W, 3) whole numbers around 0: drawn once, since drawing them anew takes longer than all the people."""
    return np.rint(rng.normal(0, _NOISE, (2 * height, 2 * width, 3))).astype(np.int16)


def _rows(
    frame: int, ids: list[int], boxes: list[tuple[float, float, float, float]], visibility: list[float]
) -> MotRows:
    count = len(ids)
    return MotRows(
        frame=np.full(count, frame, np.int64),
        id=np.array(ids, np.int64),
        tlwh=np.array(boxes, np.float64).reshape(count, 4),
        score=np.ones(count),
        class_id=np.ones(count, np.int64),
        visibility=np.array(visibility, np.float64),
        line=np.arange(1, count + 1),
    )


def write_sequence(scene: StreetScene, folder: Path) -> None:
    """Write a scene as a MOT sequence folder: `img1/000001.jpg` ..., `gt/gt.txt`, `seqinfo.ini`.

    The information file comes last, so a folder that has one is whole.

    Raises:
        InputError: the folder holds something already, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: there is something already; give another folder for the sequence")
    for frame in range(1, scene.frames + 1):
        _, jpeg = cv2.imencode(".jpg", scene.render(frame), [cv2.IMWRITE_JPEG_QUALITY, 95])
        with atomic_write(folder / "img1" / f"{frame:06d}.jpg") as path:
            path.write_bytes(jpeg.tobytes())
    write_ground_truth(scene, folder / "gt" / "gt.txt")
    with atomic_write(folder / "seqinfo.ini") as path:
        path.write_text(
            f"[Sequence]\nname={folder.name}\nimDir=img1\nframeRate={scene.fps:g}\nseqLength={scene.frames}\n"
            f"imWidth={scene.width}\nimHeight={scene.height}\nimExt=.jpg\n"
        )


def write_ground_truth(scene: StreetScene, file: Path) -> None:
    """Write the truth as MOT17's `gt.txt`: frame, id, left, top, width, height, 1, class 1, visibility.

    Raises:
        InputError: the file cannot be written.
    """
    truth = scene.ground_truth()
    columns = (truth.frame.tolist(), truth.id.tolist(), truth.tlwh.tolist(), truth.visibility.tolist())
    with atomic_write(file) as path, path.open("w", newline="\n") as lines:
        for frame, person, box, visible in zip(*columns, strict=True):
            lines.write(f"{frame},{person},{','.join(f'{number:g}' for number in box)},1,1,{visible:.5f}\n")
