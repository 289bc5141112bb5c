"""Which settings are tuned, and between which values."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Parameter(NamedTuple):
    """One setting: its section, its key, and the values that are tried.

    Attributes:
        section: of a settings file.
        key: in it.
        default: tried first.
        low: smallest value; whole numbers where it is one.
        high: largest value.
        log: values are drawn on a scale of ratios.
    """

    section: str
    key: str
    default: float
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return isinstance(self.low, int)


_LIFE = (
    Parameter("tracker", "max_age", 90, 15, 300, log=True),
    Parameter("tracker", "max_motion_age", 60, 10, 150, log=True),
    Parameter("tracker", "n_init", 3, 1, 6),
    Parameter("tracker", "max_iou_distance", 0.7, 0.5, 0.95),
    Parameter("association", "max_low_iou_distance", 0.5, 0.3, 0.8),
)
_APPEARANCE = (
    Parameter("association", "appearance_weight", 0.75, 0.4, 0.95),
    Parameter("association", "gate_scale", 4.0, 1.0, 8.0, log=True),
)
_SCORES = (
    Parameter("tracker", "min_confidence", 0.5, 0.3, 0.9),
    Parameter("association", "low_score", 0.1, 0.05, 0.3),
)


def space(*, appearance: bool) -> tuple[Parameter, ...]:
    """What is tuned: the life cycle always; with appearance its weight, without it the scores.

    Detections are kept from one trial to the next, and which of them have a vector hangs on their score: with vectors
    the scores stay as they are.
    """
    return (*_LIFE, *(_APPEARANCE if appearance else _SCORES))


def as_sections(values: Mapping[str, Any], parameters: Sequence[Parameter]) -> dict[str, dict[str, Any]]:
    """Values by key as the sections of a settings file."""
    made: dict[str, dict[str, Any]] = {}
    for one in parameters:
        if one.key in values:
            value = values[one.key]
            made.setdefault(one.section, {})[one.key] = int(value) if one.whole else round(float(value), 4)
    return made
