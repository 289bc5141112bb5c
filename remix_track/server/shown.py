"""How pages write times, lengths and numbers; also the filters of the templates."""

from datetime import UTC, datetime

from remix_track.id_colours import colour_of, css, css_of, ink_on


def day_of(milliseconds: int | None) -> str:
    """The day in UTC, `2026-05-01`; empty where it is not known."""
    return f"{_utc(milliseconds):%Y-%m-%d}" if milliseconds is not None else ""


def clock_of(milliseconds: int | None) -> str:
    """The time of day in UTC, `13:05:09`; empty where it is not known."""
    return f"{_utc(milliseconds):%H:%M:%S}" if milliseconds is not None else ""


def minute_of(milliseconds: int | None) -> str:
    """The time of day in UTC to the minute, where there is little room."""
    return f"{_utc(milliseconds):%H:%M}" if milliseconds is not None else ""


def moment_of(milliseconds: int | None) -> str:
    """Day and time in UTC."""
    return f"{day_of(milliseconds)} {clock_of(milliseconds)}".strip()


def length_of(seconds: float) -> str:
    """A length of time: `4.2 s`, `48 s`, `3 min 5 s`, `2 h 14 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def position_of(seconds: float) -> str:
    """A time in a video: `0:07`, `1:02:03`."""
    whole = int(max(seconds, 0))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def instant_of(seconds: float) -> str:
    """A time in a video to a hundredth of a second: `0:07.20`."""
    hundredths = round(max(seconds, 0) * 100)
    return f"{position_of(hundredths // 100)}.{hundredths % 100:02}"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 camera`, `1,200 cameras`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ink_of(number: int) -> str:
    """Black or white, which can be read on the colour of a number."""
    return css(ink_on(colour_of(number)))


def _utc(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


FILTERS = {
    "day": day_of,
    "clock": clock_of,
    "minute": minute_of,
    "moment": moment_of,
    "duration": length_of,
    "position": position_of,
    "instant": instant_of,
    "counted": counted,
    "colour": css_of,
    "ink": ink_of,
}
