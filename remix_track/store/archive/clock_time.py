"""The time of day of a file's first frame: as the user says, from its name, or from its container."""

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from remix_track.errors import InputError
from remix_track.media_files import is_video

_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[T_ .-]{0,3}(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)s?(Z?)(?!\d)"
)
"""A year, month, day, hour, minute and second in this order, as cameras and recorders name their files."""
_DIGITS = {"Y": r"\d{4}", "m": r"\d\d?", "d": r"\d\d?", "H": r"\d\d?", "M": r"\d\d?", "S": r"\d\d?"}
_OTHERS = {"y": r"\d\d", "j": r"\d{1,3}", "f": r"\d{1,6}", "I": r"\d\d?", "p": "[AaPp][Mm]", "b": r"\w+", "B": r"\w+"}
_FILES_ONLY = {"protocol_whitelist": "file"}
_FIRST_YEAR = 1990  # containers without a clock count from 1904 or 1970


class Clock:
    """Says when files begin."""

    def __init__(self, start_time: str, zone: str = "UTC") -> None:
        """Understand what the user says.

        Args:
            start_time: see `ArchiveSettings`.
            zone: likewise.

        Raises:
            InputError: no time, no pattern, or no zone.
        """
        try:
            self._zone: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)
        except Exception:  # zoneinfo has several errors for what it does not know
            raise InputError(f"`time_zone` {zone[:80]!r} is not known here; give one such as Europe/Berlin") from None
        self._auto = start_time == "auto"
        self._time: datetime | None = None
        self._pattern = start_time if "%" in start_time else None
        if self._pattern is not None:
            self._expression = _expression(self._pattern)
        elif start_time not in ("auto", "none"):
            self._time = self._said(start_time)

    def _said(self, text: str) -> datetime:
        try:
            return self._utc(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            raise InputError(
                f"`start_time` {text[:80]!r}: not a time; give 2026-11-29T15:00:00, a pattern such as %Y%m%d-%H%M%S, "
                "auto or none"
            ) from None

    def start_of(self, path: Path) -> datetime | None:
        """When the first frame of a file was recorded, UTC; None where nothing tells.

        Raises:
            InputError: the name does not have the pattern that was given.
        """
        if self._pattern is not None:
            return self._by_pattern(path, self._pattern)
        if not self._auto:
            return self._time
        return self._by_name(path.name) or (_by_container(path) if path.is_file() and is_video(path) else None)

    def _by_pattern(self, path: Path, pattern: str) -> datetime:
        found = self._expression.search(path.name)
        try:
            if found is None:
                raise ValueError
            return self._utc(datetime.strptime(found[0], pattern))
        except (ValueError, OverflowError):
            raise InputError(f"{path}: its name has no time such as {pattern}; give another `start_time`") from None

    def _by_name(self, name: str) -> datetime | None:
        for found in _IN_NAME.finditer(name):
            *numbers, is_utc = found.groups()
            try:
                local = datetime(*map(int, numbers))  # type: ignore[arg-type]
                return local.replace(tzinfo=UTC) if is_utc else self._utc(local)
            except (ValueError, OverflowError):
                continue
        return None

    def _utc(self, time: datetime) -> datetime:
        return (time if time.tzinfo else time.replace(tzinfo=self._zone)).astimezone(UTC)


def _expression(pattern: str) -> re.Pattern[str]:
    known, parts = _DIGITS | _OTHERS, re.split(r"%(.)", pattern)
    unknown = [sign for sign in parts[1::2] if sign not in known]
    if unknown or len(parts) < 3:
        raise InputError(f"`start_time` {pattern[:80]!r}: %{''.join(unknown[:1])} is not known; use {' '.join(known)}")
    return re.compile("".join(known[part] if number % 2 else re.escape(part) for number, part in enumerate(parts)))


def _by_container(path: Path) -> datetime | None:
    """What an MP4, MOV, Matroska or AVI says of its making; None where it has no clock, or is no video."""
    import av

    try:
        with av.open(f"file:{path}", metadata_errors="replace", container_options=_FILES_ONLY) as file:
            tables = [file.metadata, *(stream.metadata for stream in file.streams.video)]
            said = [table.get("creation_time") for table in tables]
        times = [datetime.fromisoformat(text) for text in said if text]
    except Exception:  # the tracking says what is wrong with the file
        return None
    known = [one if one.tzinfo else one.replace(tzinfo=UTC) for one in times if one.year >= _FIRST_YEAR]
    return known[0].astimezone(UTC) if known else None
