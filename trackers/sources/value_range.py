"""Values of more than 8 bits scaled to 8 bits, by one range for all images of a source."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix_track.errors import InputError
from remix_track.trackers.sources.source import Facts

# What cameras and programs write: floats of 0 to 1, bytes, and the 10, 12 and 14 bits of cameras in wider numbers.
_INTEGER_LIMITS = (255, 1023, 4095, 16383, 65535)
_FLOAT_LIMITS = (1, *_INTEGER_LIMITS)
_ALMOST_ALL = 0.999  # of floats: lamps and the edges of resampled images may lie above
_SLACK = 0.01
_MOST_OUTSIDE = 0.01
_PIXELS = 250_000
_ADVICE = "save it with 8 or 16 bits"


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Which value is white; 0 is black.

    Attributes:
        white: becomes 255.
        greatest: the greatest value of the sample that it was taken from.
    """

    white: int
    greatest: float

    def to_eight_bits(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """The values, any shape, as uint8: clipped to black and white; what is no number is black, infinity white.

        Raises:
            InputError: more than a hundredth of the values lie outside: another scale than the other images'.
        """
        deep = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=self.white, neginf=0.0)
        slack = _SLACK * self.white
        outside = np.count_nonzero((deep < -slack) | (deep > self.white + slack))
        if outside > _MOST_OUTSIDE * deep.size:
            raise InputError(
                f"its values reach from {deep.min():.4g} to {deep.max():.4g}, a sample of the images lies in 0 to"
                f" {self.white}; {_ADVICE}"
            )
        return np.round(np.clip(deep, 0, self.white) / np.float32(self.white / 255)).astype(np.uint8)


def range_of(samples: Iterable[NDArray[np.generic]]) -> ValueRange:
    """The least of the usual ranges that holds a sample of a source's images, all of one type.

    Raises:
        InputError: values below 0 or above 65535, or no number at all: nothing tells what black and white are.
    """
    extremes = [found for found in map(_extremes, samples) if found is not None]
    if not extremes:
        raise InputError(f"holds no number that is finite; {_ADVICE}")
    least, greatest = min(low for low, _, _ in extremes), max(high for _, high, _ in extremes)
    limits, slack = (_FLOAT_LIMITS, _SLACK) if extremes[0][2] else (_INTEGER_LIMITS, 0.0)
    white = next((limit for limit in limits if greatest <= limit * (1 + slack)), None)
    if white is None or least < -slack * white:
        raise InputError(f"32-bit values of {least:.4g} to {greatest:.4g} without an obvious scale; {_ADVICE}")
    return ValueRange(white, greatest)


def _extremes(values: NDArray[np.generic]) -> tuple[float, float, bool] | None:
    """Least and greatest value without outliers, and whether they are floats; None where none is finite."""
    step = max(1, math.isqrt(values.size // _PIXELS))
    sample = values[::step, ::step]
    if not np.issubdtype(sample.dtype, np.floating):
        return float(sample.min()), float(sample.max()), False
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return None
    low, high = np.quantile(finite.astype(np.float64), [1 - _ALMOST_ALL, _ALMOST_ALL])
    return float(low), float(high), True


class ValueScale:
    """The range of each type of values that a source's images have, found once and kept: no image flickers."""

    def __init__(self, facts: Facts) -> None:
        """`facts` hears what was guessed."""
        self._facts = facts
        self._ranges: dict[str, ValueRange | InputError] = {}

    def to_bgr(
        self, values: NDArray[np.generic], samples: Callable[[], Iterator[NDArray[np.generic]]], name: str
    ) -> NDArray[np.uint8]:
        """An image (H, W, 3) or (H, W) of any type, as (H, W, 3) uint8; what is uint8 stays as it is.

        Args:
            values: the image.
            samples: gives some of the source's images, of any type; called once a type of values.
            name: of the file, for the error.

        Raises:
            InputError: nothing tells the range of the values, or the image has another than the others.
        """
        if values.dtype == np.uint8:
            return values.astype(np.uint8, copy=False)
        kind = values.dtype.name
        if kind not in self._ranges:
            self._ranges[kind] = self._find(kind, values, samples)
        found = self._ranges[kind]
        try:
            if isinstance(found, InputError):
                raise found
            gray = found.to_eight_bits(values)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        return gray if gray.ndim == 3 else np.repeat(gray[:, :, None], 3, axis=2)

    def _find(
        self, kind: str, values: NDArray[np.generic], samples: Callable[[], Iterator[NDArray[np.generic]]]
    ) -> ValueRange | InputError:
        alike = (sample for sample in samples() if sample.dtype.name == kind)
        try:
            found = range_of(itertools.chain([values], alike))
        except InputError as error:
            return error
        if (kind, found.white) != ("uint16", np.iinfo(np.uint16).max):
            black = ", what is no number as black" if kind.startswith("float") else ""
            self._facts.warnings += (
                f"{self._facts.where}: {kind} values (up to {found.greatest:.4g} in a sample of the images) are read"
                f" as 0 to {found.white}{black}; save them with 8 bits if that is wrong",
            )
        return found
