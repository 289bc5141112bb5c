"""Cameras as they hang in streets, stations and shops: exposed for the whole view, sharpened, coded coarsely."""

import dataclasses
import math

import numpy as np

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.electronics import Electronics

# Where the spreads come from. One stop of light is a factor of 2 on the sensor and of 2 ** (1 / 2.2) = 1.37 in the
# file, ln 0.32. Automatic exposure meters the whole view: a person before a bright front or sky lies a stop or more
# under it, one on dark asphalt or under a lamp up to one and a half over, where light clothes clip.
_STOPS, _LEAST_STOPS, _MOST_STOPS = 0.6, -1.5, 1.4
_LOG_OF_A_STOP = math.log(2) / 2.2
# A quarter of the hours that a camera records are dusk, lamplight or halls. The gain of the sensor rises by two or
# three stops and noise with it, of which filters over time leave about half; processing then takes colour away, and the
# shutter stays open as long as the frame rate lets it. (Infrared light at night takes all colour, so that nothing is
# told of clothes: left out.)
_DIM = 0.25
# A person of 110 rows walks about 90 of them a second: 0.2 rows in daylight (1/500 s), 3.6 in dim light (1/25 s).
_ROWS_PER_SECOND = 90.0
# Sharpness stands in the middle of its scale as delivered, which shows as rims of 10 to 30 % of an edge's height: a
# pixel beside an edge lacks about a third of it in the blurred copy, and gets that times this. Some cameras have none.
_MOST_SHARPENING = 1.1
# 1 to 4 Mbit/s for 1080p is a quantiser of 26 to 38, whose steps are those of JPEG qualities of about 75 down to 25.
_COARSEST, _FINEST_CODER = 25, 80


def street_camera(rng: np.random.Generator, colour_cast: float = 1.0, most_rows: int = 128) -> CropCamera:
    """A camera by chance; the arguments are those of `CropCamera.sample`, and so are place, angle and white balance."""
    camera = CropCamera.sample(rng, colour_cast, most_rows)
    dim = bool(rng.random() < _DIM)
    stops = min(max(float(rng.normal(-0.3 if dim else 0.0, _STOPS)), _LEAST_STOPS), _MOST_STOPS)
    shutter = math.exp(rng.uniform(math.log(1 / 60), math.log(1 / 25))) if dim else _daylight_shutter(rng)
    blue, green, red = (channel * math.exp(_LOG_OF_A_STOP * stops) for channel in camera.gain)
    return dataclasses.replace(
        camera,
        # People are small in most of a view, so as many cameras lie between 44 and 75 rows as between 75 and 128.
        resolution=math.exp(rng.uniform(math.log(44), math.log(most_rows))),
        blur=float(rng.uniform(0.1, 1.0)),
        gain=(blue, green, red),
        # Makers differ in their curves: wide dynamic range lifts the shadows, "vivid" deepens them.
        gamma=math.exp(rng.normal(0, 0.15)),
        contrast=float(rng.uniform(0.8, 1.25)),
        haze=float(rng.uniform(0.0, 0.14)),
        saturation=float(rng.uniform(0.25, 0.75) if dim else rng.uniform(0.6, 1.25)),
        noise=float(rng.uniform(2.5, 6) if dim else rng.uniform(1, 4)),
        # The crop that is cut from the film is kept at what data sets are kept at.
        jpeg_quality=int(rng.integers(80, 96)),
        electronics=Electronics(
            smear=_ROWS_PER_SECOND * shutter,
            sharpening=float(rng.uniform(0.0, _MOST_SHARPENING)),
            halo=float(rng.uniform(0.7, 1.6)),
            chroma_blur=float(rng.uniform(0.4, 1.6)),
            coder_quality=int(rng.integers(_COARSEST, _FINEST_CODER + 1)),
        ),
    )


def _daylight_shutter(rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(1 / 500), math.log(1 / 50)))
