"""`summary.json`: what a run was given, what it found, and where the time went."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remix_track.json_text import json_text
from remix_track.text_files import write_text


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write `summary` as JSON in one piece; paths become text, nan and infinity null (JSON has neither).

    Raises:
        InputError: the file cannot be written.
        TypeError: a value that JSON has no form for.
    """
    write_text(path, json_text(summary, indent=2, ensure_ascii=False))
