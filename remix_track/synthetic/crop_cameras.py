"""How one surveillance camera sees: its angle, its place, and what its lens, sensor and coder make of colours."""

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from remix_track.synthetic.electronics import Electronics
from remix_track.synthetic.sprites import Image

_FINEST = 128
"""Rows of a crop as it is stored today, for which `blur` is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropCamera:
    """Where a camera hangs and how its images look; the same values and light give the same pixels.

    Attributes:
        place: seed of what stands behind the people.
        pitch: radians by which it looks down.
        direction: radians in which its people mostly walk, or the other way round; see `figure.Stance`.
        sun_from_right: light falls from the right rather than from the left.
        resolution: rows that it spends on a person, however many a crop has.
        blur: deviation of the lens's blur, in pixels of a crop of 128 rows.
        gain: factors of blue, green, red: exposure and white balance.
        gamma: exponent of the tone curve.
        contrast: slope around mid-grey.
        haze: share of light that is grey haze.
        saturation: 0 for grey images, 1 for colours as they are.
        noise: deviation of the sensor's noise in grey levels.
        jpeg_quality: of its coder, 0 to 100.
        electronics: its shutter, sharpening and film coder, if they leave a trace.
    """

    place: int
    pitch: float
    direction: float
    sun_from_right: bool
    resolution: float
    blur: float
    gain: tuple[float, float, float]
    gamma: float
    contrast: float
    haze: float
    saturation: float
    noise: float
    jpeg_quality: int
    electronics: Electronics | None = None

    @classmethod
    def sample(cls, rng: np.random.Generator, colour_cast: float = 1.0, most_rows: int = _FINEST) -> Self:
        """A camera by chance; `rng` decides which, `colour_cast` how far its white balance may be off.

        It spends at most `most_rows` on a person: as many as a crop has where that is more than 128.

        The spreads are tuned so that features of ImageNet find some people again and by far not all.
        """
        warmth, green, exposure = rng.normal(0, 0.07), rng.normal(0, 0.025), rng.normal(0, 0.1)
        warmth, green = colour_cast * warmth, colour_cast * green
        channels = (exposure - warmth, exposure + green, exposure + warmth)
        blue, green_gain, red = (math.exp(min(max(one, -0.6), 0.45)) for one in channels)
        return cls(
            place=int(rng.integers(2**31)),
            pitch=float(rng.uniform(0.08, 0.45)),
            direction=float(rng.uniform(0, 2 * math.pi)),
            sun_from_right=bool(rng.random() < 0.5),
            resolution=float(rng.uniform(64, most_rows)),
            blur=float(rng.uniform(0.1, 0.8)),
            gain=(blue, green_gain, red),
            gamma=float(np.exp(rng.normal(0, 0.1))),
            contrast=float(rng.uniform(0.8, 1.1)),
            haze=float(rng.uniform(0.02, 0.14)),
            saturation=float(rng.uniform(0.6, 1.05)),
            noise=float(rng.uniform(2, 5.5)),
            jpeg_quality=int(rng.integers(60, 93)),
        )

    def develop(self, image: Image, rng: np.random.Generator, *, light: float = 1.0, distance: float = 1.0) -> Image:
        """What arrives in the file of a clean drawing (H, W, 3) uint8 BGR, same size.

        Drawn at twice the size, a crop of the same camera shows the same detail over twice as many pixels.

        Args:
            image: the drawing, of any height.
            rng: of the noise.
            light: factor of the moment's light, such as a cloud's shadow.
            distance: of the person against the camera's usual one; the farther, the fewer pixels.
        """
        height, width = image.shape[:2]
        exposed = self.electronics.expose(self._focused(image), height / _FINEST, rng) if self.electronics else image
        toned = self.tone(exposed, light)
        rows = min(max(self.resolution / distance, 24.0), float(height))
        size = max(round(width * rows / height), 8), max(round(height * rows / height), 16)
        coarse = cv2.resize(toned, size, interpolation=cv2.INTER_AREA)
        noisy = np.clip(coarse + np.rint(rng.normal(0, self.noise, coarse.shape)), 0, 255).astype(np.uint8)
        sent = self.electronics.process(noisy, rng) if self.electronics else noisy
        fine = np.asarray(cv2.resize(sent, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        # Without electronics the blur comes last, though the lens comes first, so that older sets keep their bytes.
        return fine if self.electronics else self._focused(fine)

    def _focused(self, image: Image) -> Image:
        if self.blur <= 0.25:
            return image
        return np.asarray(cv2.GaussianBlur(image, (0, 0), self.blur * image.shape[0] / _FINEST), np.uint8)

    def tone(self, image: Image, light: float = 1.0) -> Image:
        """The image in this camera's colours: white balance, exposure, contrast, haze."""
        toned: Image = cv2.LUT(self._greyed(image), self._curves(light))
        return toned

    def _greyed(self, image: Image) -> Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None].astype(np.float64)
        mixed: Image = np.clip(np.rint(grey + self.saturation * (image - grey)), 0, 255).astype(np.uint8)
        return mixed

    def _curves(self, light: float) -> Image:
        """(1, 256, 3) the tone curve of each channel."""
        level = np.arange(256)[:, None] / 255
        exposed = np.clip(level * np.array(self.gain) * light, 0, 1) ** self.gamma
        sloped = 0.45 + self.contrast * (exposed - 0.45)
        hazy = (1 - self.haze) * sloped + 0.7 * self.haze
        curves: Image = np.clip(np.rint(255 * hazy), 0, 255).astype(np.uint8)[None]
        return curves
