"""An evaluation read back from the file that `--json` wrote; the file may come from anyone."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.errors import InputError

_MAX_BYTES = 64 * 1024 * 1024
_REMEDY = "give a file that remix-track eval --json wrote"


def load(path: Path) -> dict[str, Any]:
    """Read an evaluation; null becomes nan again.

    Raises:
        InputError: missing, too large, not JSON, or not an evaluation.
    """
    try:
        with path.open("rb") as file:
            data = file.read(min(path.stat().st_size, _MAX_BYTES) + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from None
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: larger than {_MAX_BYTES // 1024**2} MiB; {_REMEDY}")
    try:
        content = json.loads(data)
    # Deep nesting ends in a RecursionError, endless digits in a ValueError.
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON; {_REMEDY}") from None
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
