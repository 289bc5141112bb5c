"""An evaluation read back from the file that `--json` wrote; the file may come from anyone."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing

_MAX_BYTES = 64 * 1024 * 1024
_REMEDY = "give a file that remix-track eval --json FILE wrote"


def load(path: Path) -> dict[str, Any]:
    """Read an evaluation; null becomes nan again.

    Raises:
        InputError: missing, too large, not JSON, or not an evaluation.
    """
    data = read_bounded(path, _MAX_BYTES, _REMEDY)
    with parsing(path, "JSON", _REMEDY):
        content = json.loads(data)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not an evaluation; {_REMEDY}")
    return {
        "protocol": _protocol(content.get("protocol", {}), path),
        "sequences": _tables(content.get("sequences"), "sequences", path),
        "detectors": _tables(content.get("detectors") or {}, "detectors", path),
        "COMBINED": _numbers(content.get("COMBINED"), "COMBINED", path),
        "people": _tables(content.get("people") or {}, "people", path),
    }


def _protocol(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f'{path}: not an evaluation ("protocol" is no table); {_REMEDY}')
    return {key: item for key, item in value.items() if isinstance(item, str | int | float)}


def _tables(value: Any, where: str, path: Path) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        raise InputError(f'{path}: not an evaluation ("{where}" is no table); {_REMEDY}')
    return {name: _numbers(numbers, f"{where}/{name}", path) for name, numbers in value.items()}


def _numbers(value: Any, where: str, path: Path) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: not an evaluation ({where!a} is no table); {_REMEDY}")
    return {name: _number(number, f"{where}/{name}", path) for name, number in value.items()}


def _number(value: Any, where: str, path: Path) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        raise InputError(f"{path}: not an evaluation ({where!a} is no number); {_REMEDY}")
    return value
