"""Makes `remix_track/encoder/drawn_people.png`: `python -m tests.encoder.draw_people FILE`."""

import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.people import Person
from remix_track.synthetic.places import panorama

CAMERAS, EACH, SEED = 4, 3, 0


def draw_people() -> NDArray[np.uint8]:
    """Three people before each of four cameras, side by side: (128, 12 * 64, 3) uint8 BGR."""
    rng = np.random.default_rng(SEED)
    crops = []
    for _ in range(CAMERAS):
        camera = CropCamera.sample(rng)
        scenery = panorama(camera.place, camera.pitch)
        crops += [crop for _ in range(EACH) for crop in tracklet(Person.sample(rng), camera, scenery, [], 1, rng)]
    return np.concatenate(crops, axis=1)


if __name__ == "__main__":
    cv2.imwrite(sys.argv[1], draw_people(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
