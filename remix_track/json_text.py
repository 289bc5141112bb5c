"""JSON that other programs can read: it has no word for NaN and infinity, so they become null.

Names that are not UTF-8 are written out, see `utf8`. All JSON that is written goes through here (a test holds that).
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.text_files import utf8


def json_text(value: Any, indent: int | None = None, *, compact: bool = False, ensure_ascii: bool = True) -> str:
    """`value` as JSON with a line end; numbers that are not finite are null, at any depth.

    Args:
        value: mappings, lists, tuples, sets, texts, paths, numbers, arrays, None.
        indent: spaces of each level; None: one line.
        compact: no spaces behind commas and colons.
        ensure_ascii: letters beyond ASCII are escaped.

    Raises:
        TypeError: a value that JSON has no form for.
    """
    separators = (",", ":") if compact else None
    plain = plain_values(value)
    text = json.dumps(plain, indent=indent, separators=separators, ensure_ascii=ensure_ascii, allow_nan=False)
    return text + "\n"


def plain_values(value: Any) -> Any:
    """The same as dicts and lists, with None for numbers that are not finite; paths are texts, and texts are UTF-8."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {utf8(str(key)): plain_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_values(inner) for inner in value]
    return utf8(str(value)) if isinstance(value, str | Path) else value
