"""Sources that could not be tracked, kept with the reason, so that no run tries them again in vain."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from remix_track.bounded_file import read_bounded
from remix_track.json_text import json_text
from remix_track.store import layout
from remix_track.text_files import write_text

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed.

    Attributes:
        source: as it was given.
        reason: one line.
        at: when, UTC, ISO 8601.
    """

    source: str
    reason: str
    at: str = ""


class Failures:
    """The failed jobs of a store: `failed/KEY.json` for each."""

    def __init__(self, store: Path) -> None:
        self._store, self._folder = store, store / FAILED

    def keep(self, key: str, source: str, reason: str) -> None:
        """Note that a job failed for what its source is.

        Raises:
            InputError: it cannot be written, or not without leaving the store.
        """
        layout.inside(self._store, self._folder)
        self._folder.mkdir(exist_ok=True)
        failure = Failure(source, reason, datetime.now(UTC).isoformat(timespec="seconds"))
        write_text(self._folder / f"{key}.json", json_text(asdict(failure), indent=2))

    def reason(self, key: str) -> str | None:
        """Why the job of that key failed; None where it did not, or what is there cannot be read."""
        path = self._folder / f"{key}.json"
        if not path.is_file():
            return None
        try:
            return str(json.loads(read_bounded(path))["reason"])[:1000]
        except Exception:  # trying again costs less than being wrong
            return None

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in self._files())

    def all(self, most: int) -> list[Failure]:
        """The first so many by their keys; those whose files cannot be read are left out."""
        found = []
        for path in sorted(self._files())[:most]:
            try:
                told = json.loads(read_bounded(path))
                found.append(Failure(*(str(told[name])[:1000] for name in ("source", "reason", "at"))))
            except Exception:  # a listing says what it can
                continue
        return found

    def _files(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("*.json") if path.is_file() and not path.is_symlink())

    def forget(self, key: str) -> None:
        """The job is to be tried again, or is done."""
        (self._folder / f"{key}.json").unlink(missing_ok=True)
