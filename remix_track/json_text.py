"""JSON that other programs can read: it has no word for NaN and infinity, so they become null."""

import json
import math
from typing import Any


def json_text(value: Any, indent: int | None = None) -> str:
    """`value` as JSON with a line end; numbers that are not finite are null, at any depth.

    Args:
        value: dicts, lists, tuples, texts, numbers, None.
        indent: spaces of each level; None: one line.
    """
    return json.dumps(without_nan(value), indent=indent, allow_nan=False) + "\n"


def without_nan(value: Any) -> Any:
    """The same with None in the place of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return value
