"""What a camera's shutter, picture processing and coder do to its images, besides lens, tone and noise."""

from dataclasses import dataclass

import cv2
import numpy as np

from remix_track.synthetic.sprites import Image

_BLOCK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Electronics:
    """The same values and generator give the same pixels.

    Attributes:
        smear: widest motion blur along a row, in pixels of a crop of 128 rows.
        sharpening: how much of what a blurred copy lacks is added again: overshoot at edges, halos.
        halo: deviation of that blurred copy, in the camera's own pixels.
        chroma_blur: deviation by which colours are less sharp than brightness, in the camera's own pixels.
        coder_quality: of the film's coder, as a JPEG of the camera's own pixels, 0 to 100.
    """

    smear: float
    sharpening: float
    halo: float
    chroma_blur: float
    coder_quality: int

    def expose(self, image: Image, scale: float, rng: np.random.Generator) -> Image:
        """The image as people move while the shutter is open, same size; `scale` is pixels for one of 128 rows."""
        # A person who comes towards the camera is hardly smeared.
        length = self.smear * scale * float(rng.uniform(0.2, 1.0))
        if length < 0.5:
            return image
        reach = int(np.ceil(length / 2))
        edges = np.clip(length / 2 + 0.5 - np.abs(np.arange(-reach, reach + 1)), 0, 1)
        kernel = (edges / edges.sum())[None]
        return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)

    def process(self, image: Image, rng: np.random.Generator) -> Image:
        """What the camera sends of the image on its sensor, same size: sharpened, then coded."""
        blurred = cv2.GaussianBlur(image, (0, 0), self.halo).astype(np.float32)
        sharp = np.clip(np.rint(image + self.sharpening * (image - blurred)), 0, 255).astype(np.uint8)
        return self._coded(sharp, rng)

    def _coded(self, image: Image, rng: np.random.Generator) -> Image:
        """With colours at half the resolution or less, and blocks that begin anywhere in a crop."""
        top, left = rng.integers(0, _BLOCK, 2).tolist()
        luma = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
        luma[..., 1:] = cv2.GaussianBlur(luma[..., 1:], (0, 0), self.chroma_blur)
        framed = cv2.copyMakeBorder(
            cv2.cvtColor(luma, cv2.COLOR_YCrCb2BGR), top, 0, left, 0, borderType=cv2.BORDER_REPLICATE
        )
        _, coded = cv2.imencode(".jpg", framed, [cv2.IMWRITE_JPEG_QUALITY, self.coder_quality])
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        return decoded[top:, left:]
