"""Feet in the unit of a place, and how far from it the hysteresis reaches."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.feet import Feet
from remix_track.counting.zones_file import CountSettings, Seen

STATURE = 1.7
"""Metres that a person is taken to be tall."""


def on_ground(seen: Seen, feet: Feet) -> Feet:
    """The feet in metres where the place is; those above the horizon are left out."""
    if seen.plane is None:
        return feet
    metres = seen.plane.to_metres(feet.xy)
    return dataclasses.replace(feet, xy=metres)[np.isfinite(metres).all(axis=1)]


def margins(seen: Seen, feet: Feet, settings: CountSettings) -> NDArray[np.float64]:
    """(N,) in the unit of the place."""
    tall = feet.height if seen.plane is None else np.full(len(feet), STATURE)
    return np.asarray(settings.hysteresis * tall)
