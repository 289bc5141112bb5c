"""`summary.json`: what a run was given, what it found, and where the time went."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from remix_track.output_files import whole_file


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary` as JSON in one piece; paths become text, nan and infinity null (JSON has neither).

    Raises:
        InputError: the file cannot be written.
        TypeError: a value that JSON has no form for.
    """
    text = json.dumps(_plain(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
