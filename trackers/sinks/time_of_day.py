"""How a time of day is written: UTC, so that no file depends on where the machine stands or on summer."""

from datetime import UTC, datetime


def iso_utc(taken: datetime | None) -> str | None:
    """`2026-11-29T15:00:00.040Z`; None where nothing tells."""
    return None if taken is None else _naive(taken).isoformat(timespec="milliseconds") + "Z"


def compact_utc(taken: datetime) -> str:
    """`20261129T150000Z`, for names of files: ISO 8601 too, but without the colons that some file systems refuse."""
    return _naive(taken).strftime("%Y%m%dT%H%M%SZ")


def _naive(taken: datetime) -> datetime:
    """In UTC; a time without a zone is taken to be in it."""
    return taken.astimezone(UTC).replace(tzinfo=None) if taken.tzinfo else taken
