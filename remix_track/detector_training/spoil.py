"""What a camera does to an image: its light and colours, its lens, its noise, its coder."""

import cv2
import numpy as np

from remix_track.detector_training.material import Boxes, LabelledFrame
from remix_track.synthetic.sprites import Image


def spoilt(rng: np.random.Generator, image: Image) -> Image:
    """The image as a camera by chance gives it, same size; about one in eight stays as it is."""
    if rng.random() < 0.12:
        return image
    image = _toned(rng, image)
    draw = rng.random()
    if draw < 0.25:
        image = _coarse(rng, image)
    elif draw < 0.4:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 1.6))), np.uint8)
    elif draw < 0.5:
        image = _moved(rng, image)
    elif draw < 0.6:
        sharp = float(rng.uniform(0.3, 1.0))
        image = np.asarray(cv2.addWeighted(image, 1 + sharp, cv2.GaussianBlur(image, (0, 0), 1.0), -sharp, 0), np.uint8)
    if rng.random() < 0.4:
        image = _noisy(rng, image)
    if rng.random() < 0.5:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 95))])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return image


def mirrored(frame: LabelledFrame) -> LabelledFrame:
    """Left and right exchanged."""
    width = frame.image.shape[1]

    def turned(boxes: Boxes) -> Boxes:
        return np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)

    return LabelledFrame(np.ascontiguousarray(frame.image[:, ::-1]), turned(frame.people), turned(frame.unknown))


def _toned(rng: np.random.Generator, image: Image) -> Image:
    """Exposure, contrast, white balance, gamma and saturation; one in eight is grey, one in ten dark."""
    saturation = 0.0 if rng.random() < 0.12 else float(rng.uniform(0.35, 1.3))
    if abs(saturation - 1) > 0.1:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        image = np.asarray(cv2.addWeighted(image, saturation, grey, 1 - saturation, 0), np.uint8)
    level = np.arange(256)[:, None] / 255
    gain = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.07, 3))
    if rng.random() < 0.1:
        gain = gain * float(rng.uniform(0.2, 0.6))
    toned = np.clip(level * gain, 0, 1) ** float(np.exp(rng.normal(0, 0.2)))
    contrast, haze = float(rng.uniform(0.6, 1.3)), float(rng.uniform(0, 0.2)) * (rng.random() < 0.3)
    toned = (1 - haze) * (0.45 + contrast * (toned - 0.45)) + 0.7 * haze
    curves = np.clip(np.rint(255 * toned), 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(image, curves), np.uint8)


def _coarse(rng: np.random.Generator, image: Image) -> Image:
    """Fewer pixels, made more again."""
    height, width = image.shape[:2]
    share = float(rng.uniform(0.4, 0.9))
    small = cv2.resize(image, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), np.uint8)


def _moved(rng: np.random.Generator, image: Image) -> Image:
    """Blurred along a line, as by movement."""
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    angle = float(rng.uniform(0, np.pi))
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    middle = (length - 1) / 2
    start, end = (tuple(np.rint(middle + sign * reach).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _noisy(rng: np.random.Generator, image: Image) -> Image:
    """Grain of a sheet that is drawn once per image, of one colour or of three."""
    height, width = image.shape[:2]
    deviation = float(rng.uniform(1, 12))
    sheet = rng.standard_normal((height, width, 1 if rng.random() < 0.5 else 3), np.float32) * deviation
    return np.clip(np.rint(image + sheet), 0, 255).astype(np.uint8)
