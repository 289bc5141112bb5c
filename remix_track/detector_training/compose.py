"""One training image: a frame or an empty place, people and things pasted into it, and what is known of them."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.detector_training.material import Boxes, LabelledFrame, Material
from remix_track.detector_training.settings import ComposeSettings
from remix_track.detector_training.spoil import mirrored, spoilt
from remix_track.synthetic.figure import cast_shadow
from remix_track.synthetic.sprites import Image, Sprite, paste

_SHOWS, _MAY_SHOW = 0.25, 0.08
"""Share of a person's pixels from which it is one, and from which it may be one."""
_COVERED = 0.3
"""Share of a box in footage up to which what is pasted before it leaves a person to be found."""
_FEWEST_PIXELS = 14
"""Height in pixels below which a person is not one to be found."""


def compose(rng: np.random.Generator, material: Material, how: ComposeSettings) -> LabelledFrame:
    """A new image; `rng` decides all of it."""
    draw = rng.random()
    if material.footage and draw < how.footage_share:
        begun = _mosaic(rng, material.footage, how)
        frame = _populated(rng, begun, material, how, 4) if rng.random() < 0.5 else begun
    elif draw < how.footage_share + how.street_share:
        frame = _mosaic(rng, material.streets, how)
    else:
        place = LabelledFrame(_place(rng, material.places, how), _none(), _none())
        if rng.random() < how.things_share:
            _paste_things(rng, place.image, material)
        empty = rng.random() < how.empty_share
        frame = place if empty else _populated(rng, place, material, how, how.most_people)
    if rng.random() < 0.5:
        frame = mirrored(frame)
    return LabelledFrame(spoilt(rng, frame.image), frame.people, frame.unknown)


def _none() -> Boxes:
    return np.zeros((0, 4), np.float32)


def _height(rng: np.random.Generator, how: ComposeSettings) -> float:
    return float(math.exp(rng.uniform(math.log(how.shortest), math.log(how.tallest))))


def _mosaic(rng: np.random.Generator, frames: list[LabelledFrame], how: ComposeSettings) -> LabelledFrame:
    """A window of a frame so scaled that one of its people has a height by chance; others fill what is left over."""
    first = frames[int(rng.integers(len(frames)))]
    heights = first.people[:, 3] - first.people[:, 1]
    target = _height(rng, how)
    scale = target / float(rng.choice(heights)) if len(heights) else float(rng.uniform(0.3, 1.5))
    scale = min(max(scale, 0.12), 2.5)
    canvas = np.zeros((how.height, how.width, 3), np.uint8)
    people, unknown = [], []
    size = max(round(first.image.shape[1] * scale), 32), max(round(first.image.shape[0] * scale), 32)
    near = _focus(rng, first, size)
    corner = _start(rng, size[0], how.width, near[0]), _start(rng, size[1], how.height, near[1])
    for top in range(corner[1], how.height, size[1]):
        for left in range(corner[0], how.width, size[0]):
            frame = first if (left, top) == corner else frames[int(rng.integers(len(frames)))]
            shrunk = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            paste_opaque(canvas, np.asarray(shrunk, np.uint8), left, top)
            factor = np.array([size[0] / frame.image.shape[1], size[1] / frame.image.shape[0]] * 2, np.float32)
            moved = np.array([left, top] * 2, np.float32)
            people.append(frame.people * factor + moved)
            unknown.append(frame.unknown * factor + moved)
    return _within(canvas, np.concatenate(people), np.concatenate(unknown))


def _focus(rng: np.random.Generator, frame: LabelledFrame, size: tuple[int, int]) -> tuple[float, float]:
    """A point of the scaled frame to be in the window: near a person if there is one."""
    if not len(frame.people):
        return float(rng.uniform(0, size[0])), float(rng.uniform(0, size[1]))
    left, top, right, bottom = frame.people[int(rng.integers(len(frame.people)))].tolist()
    height, width = frame.image.shape[:2]
    return (left + right) / 2 * size[0] / width, (top + bottom) / 2 * size[1] / height


def _start(rng: np.random.Generator, side: int, wide: int, near: float) -> int:
    """Where a frame `side` long begins in a window `wide` long: it fills it if it can, and shows its point `near`."""
    if side <= wide:
        return -int(rng.integers(0, side)) if rng.random() < 0.5 else 0
    start = wide * float(rng.uniform(0.15, 0.85)) - near
    return round(min(max(start, wide - side), 0))


def paste_opaque(canvas: Image, image: Image, left: int, top: int) -> None:
    """Lay an image over another, in place; parts outside are cut off."""
    rows = slice(max(top, 0), min(top + image.shape[0], canvas.shape[0]))
    columns = slice(max(left, 0), min(left + image.shape[1], canvas.shape[1]))
    canvas[rows, columns] = image[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def _within(image: Image, people: Boxes, unknown: Boxes) -> LabelledFrame:
    """Boxes cut at the border; people of whom half or more are outside are unknown, or are left out."""
    height, width = image.shape[:2]
    limits = np.array([width, height] * 2, np.float32)
    cut = np.clip(people, 0, limits)
    share = (cut[:, 2:] - cut[:, :2]).prod(axis=1) / np.maximum((people[:, 2:] - people[:, :2]).prod(axis=1), 1e-6)
    tall = (cut[:, 3] - cut[:, 1]) >= _FEWEST_PIXELS
    rest = np.clip(unknown, 0, limits)
    rest = rest[(rest[:, 2:] > rest[:, :2]).all(axis=1)]
    doubtful = cut[(share >= _MAY_SHOW) & ~((share >= _SHOWS) & tall)]
    return LabelledFrame(image, cut[(share >= _SHOWS) & tall], np.concatenate([rest, doubtful]))


def _place(rng: np.random.Generator, places: list[Image], how: ComposeSettings) -> Image:
    """A window of a place by chance, of any scale."""
    place = places[int(rng.integers(len(places)))]
    height, width = place.shape[:2]
    least = max(how.height / height, how.width / width)
    scale = min(least * float(math.exp(rng.uniform(0, 1.2))), max(1.0, least))
    tall, wide = min(math.ceil(how.height / scale), height), min(math.ceil(how.width / scale), width)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    window = place[top : top + tall, left : left + wide]
    return np.asarray(cv2.resize(window, (how.width, how.height), interpolation=cv2.INTER_AREA), np.uint8)


def _populated(
    rng: np.random.Generator, frame: LabelledFrame, material: Material, how: ComposeSettings, most: int
) -> LabelledFrame:
    """A frame with people pasted into it, the farthest first; those of the frame stand behind them."""
    height = _height(rng, how)
    room = max(how.height * how.width / (0.5 * height * height), 1.0)
    count = int(rng.integers(1, min(most, math.ceil(room)) + 1))
    image, owner = frame.image.copy(), np.zeros(frame.image.shape[:2], np.int16)
    pasted: list[tuple[Sprite, int]] = []
    for number, (middle, foot, tall) in enumerate(_stands(rng, count, height, how), 1):
        if tall < _FEWEST_PIXELS:
            continue
        sprite = _at(_chosen(rng, material), middle, foot, tall, float(rng.uniform(0.85, 1.2)))
        if rng.random() < 0.5:
            cast_shadow(image, (middle, foot), tall, float(rng.uniform(0.1, 0.45)))
        sprite = _blended(rng, _dressed(rng, sprite, material.places), image)
        paste(image, sprite)
        outer, inner = sprite.overlap(how.width, how.height)
        owner[outer][sprite.mask[inner]] = number
        pasted.append((sprite, number))
    if pasted and rng.random() < 0.2:
        _hide(rng, image, owner, material)
    return _owned(image, owner, pasted, frame)


def _stands(
    rng: np.random.Generator, count: int, height: float, how: ComposeSettings
) -> list[tuple[float, float, float]]:
    """Where people stand and how tall they are: on one ground, or anywhere; alone or in groups; the farthest first."""
    horizon = float(rng.uniform(-1.0, 0.45)) * how.height
    on_ground, in_groups = rng.random() < 0.7, rng.random() < 0.45
    stands: list[tuple[float, float, float]] = []
    deepest = float(rng.uniform(0.7, 1.15)) * how.height
    for _ in range(count):
        if in_groups and stands and rng.random() < 0.6:
            x, y, tall = stands[int(rng.integers(len(stands)))]
            x, y = x + float(rng.normal(0, 0.35)) * tall, y + float(rng.normal(0, 0.06)) * tall
            stands.append((x, y, tall * float(rng.uniform(0.88, 1.12))))
            continue
        x, y = float(rng.uniform(0, how.width)), float(rng.uniform(max(horizon, 0) + 0.3 * height, how.height * 1.1))
        share = (y - horizon) / (deepest - horizon) if on_ground else 1.0
        stands.append((x, y, height * max(share, 0.15) * float(rng.uniform(0.88, 1.12))))
    return sorted(stands, key=lambda stand: stand[1])


def _chosen(rng: np.random.Generator, material: Material) -> Sprite:
    people = material.cut if material.cut and rng.random() < 0.5 else material.drawn
    return people[int(rng.integers(len(people)))]


def _at(sprite: Sprite, middle: float, foot: float, tall: float, girth: float) -> Sprite:
    """The sprite scaled to a height, wider by `girth`, its lowest row at `foot`."""
    scale = tall / sprite.alpha.shape[0]
    size = max(round(sprite.alpha.shape[1] * scale * girth), 2), max(round(tall), 4)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    bgr, alpha = (np.asarray(cv2.resize(one, size, interpolation=how), np.uint8) for one in (sprite.bgr, sprite.alpha))
    return Sprite(round(middle - size[0] / 2), round(foot - size[1]), bgr, alpha)


def _dressed(rng: np.random.Generator, sprite: Sprite, places: list[Image]) -> Sprite:
    """The sprite in other colours above and below the hips, its surface uneven like a patch of some place."""
    bgr = sprite.bgr.astype(np.float32)
    if rng.random() < 0.6:
        waist = round(len(bgr) * float(rng.uniform(0.4, 0.6)))
        head = round(len(bgr) * 0.16)
        for part in (slice(head, waist), slice(waist, None)):
            bgr[part] = bgr[part] * np.exp(rng.normal(0, 0.3) + rng.normal(0, 0.12, 3)).astype(np.float32)
            if rng.random() < 0.4:
                lift = rng.uniform(0, 110, 3).astype(np.float32) * float(rng.random())
                bgr[part] += lift * (sprite.alpha[part, :, None] / 255)
    if rng.random() < 0.5:
        patch = cv2.cvtColor(_patch(rng, places, *sprite.alpha.shape), cv2.COLOR_BGR2GRAY).astype(np.float32)
        uneven = 1 + float(rng.uniform(0, 0.5)) * (patch - patch.mean()) / max(float(patch.std()) * 2, 8.0)
        bgr *= np.clip(uneven, 0.3, 1.8)[..., None]
    return Sprite(sprite.left, sprite.top, np.clip(bgr, 0, sprite.alpha[..., None]).astype(np.uint8), sprite.alpha)


def _blended(rng: np.random.Generator, sprite: Sprite, image: Image) -> Sprite:
    """The sprite in a light by chance, sometimes that of the place, with edges as soft as a lens makes them."""
    outer, _ = sprite.overlap(image.shape[1], image.shape[0])
    around = image[outer].mean() if image[outer].size else 128.0
    mine = sprite.bgr[sprite.mask].mean() if sprite.mask.any() else 128.0
    share = float(rng.uniform(0, 0.7))
    light = min(max(((1 - share) * mine + share * around) / max(mine, 1.0), 0.3), 1.8) * float(rng.uniform(0.75, 1.2))
    bgr = np.minimum(sprite.bgr * light, sprite.alpha[..., None])
    alpha = sprite.alpha
    if rng.random() < 0.5:
        blur = float(rng.uniform(0.3, 1.2))
        bgr, alpha = cv2.GaussianBlur(bgr, (0, 0), blur), np.asarray(cv2.GaussianBlur(alpha, (0, 0), blur), np.uint8)
    return Sprite(sprite.left, sprite.top, bgr.astype(np.uint8), alpha)


def _hide(rng: np.random.Generator, image: Image, owner: NDArray[np.int16], material: Material) -> None:
    """Something in front: a patch of a place over the image, from below or from a side."""
    height, width = owner.shape
    tall, wide = int(rng.integers(10, height // 2)), int(rng.integers(6, width // 2))
    top = height - tall if rng.random() < 0.6 else int(rng.integers(0, height - tall))
    left = int(rng.integers(0, width - wide))
    image[top : top + tall, left : left + wide] = _patch(rng, material.places, tall, wide)
    owner[top : top + tall, left : left + wide] = 0


def _patch(rng: np.random.Generator, places: list[Image], tall: int, wide: int) -> Image:
    place = places[int(rng.integers(len(places)))]
    top = int(rng.integers(max(place.shape[0] - tall, 1)))
    left = int(rng.integers(max(place.shape[1] - wide, 1)))
    window = place[top : top + tall, left : left + wide]
    return np.asarray(cv2.resize(window, (wide, tall), interpolation=cv2.INTER_LINEAR), np.uint8)


def _paste_things(rng: np.random.Generator, image: Image, material: Material) -> None:
    """Things of the size of people that are none: cut-out ones, and patches with straight or round outlines."""
    for _ in range(int(rng.integers(1, 6))):
        tall = int(rng.integers(16, 200))
        if material.things and rng.random() < 0.6:
            thing = material.things[int(rng.integers(len(material.things)))]
        else:
            thing = _shape(rng, material.places, tall)
        middle, foot = float(rng.uniform(0, image.shape[1])), float(rng.uniform(0.3, 1.3)) * image.shape[0]
        placed = _at(thing, middle, foot, tall, float(rng.uniform(0.7, 1.3)))
        paste(image, _blended(rng, _dressed(rng, placed, material.places), image))


def _shape(rng: np.random.Generator, places: list[Image], tall: int) -> Sprite:
    """A patch of a place, upright, with a straight, round or cornered outline."""
    wide = max(int(tall * rng.uniform(0.15, 0.7)), 4)
    mask = np.zeros((tall, wide), np.uint8)
    shape = int(rng.integers(3))
    if shape == 0:
        mask[:] = 255
    elif shape == 1:
        cv2.ellipse(mask, (wide // 2, tall // 2), (wide // 2, tall // 2), 0, 0, 360, 255, -1)
    else:
        points = np.stack([rng.integers(0, wide, 7), rng.integers(0, tall, 7)], axis=1).astype(np.int32)
        cv2.fillConvexPoly(mask, cv2.convexHull(points), 255)
    bgr = (_patch(rng, places, tall, wide) * (mask[..., None] / 255)).astype(np.uint8)
    return Sprite(0, 0, bgr, mask)


def _owned(
    image: Image, owner: NDArray[np.int16], pasted: list[tuple[Sprite, int]], frame: LabelledFrame
) -> LabelledFrame:
    """Labels by what shows of each pasted person, and by what is left of those of the frame."""
    shown = np.bincount(owner.ravel(), minlength=len(pasted) + 1 + max((n for _, n in pasted), default=0))
    height, width = owner.shape
    people, unknown = [frame.people[:0]], [frame.unknown]
    for sprite, number in pasted:
        share = shown[number] / max(int(sprite.mask.sum()), 1)
        left, top, wide, tall = sprite.tlwh()
        box = np.clip(np.array([[left, top, left + wide, top + tall]], np.float32), 0, [width, height] * 2)
        box = box.astype(np.float32)
        if share >= _SHOWS and box[0, 3] - box[0, 1] >= _FEWEST_PIXELS:
            people.append(box)
        elif share >= _MAY_SHOW:
            unknown.append(box)
    for box in frame.people:
        left, top, right, bottom = (round(one) for one in box.tolist())
        covered = (owner[top:bottom, left:right] > 0).mean() if bottom > top and right > left else 1.0
        if covered <= _COVERED:
            people.append(box[None])
        elif covered <= 0.95:
            unknown.append(box[None])
    return LabelledFrame(image, np.concatenate(people), np.concatenate(unknown))
