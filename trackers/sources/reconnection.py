"""A camera or stream that breaks off is opened again, with growing waits, as often as it may be."""

import logging
import threading
import time
from collections.abc import Callable

from remix_track.trackers.sources.source import Damage, Facts
from remix_track.trackers.sources.stream_settings import StreamSettings

_LINE_SECONDS = 600.0  # between two lines about a source that stays away

_log = logging.getLogger(__name__)


class Reconnection:
    """Tries of one source. The waits grow, and the tries are used up, until an image comes."""

    def __init__(
        self, what: str, facts: Facts, damage: Damage, settings: StreamSettings, stop: threading.Event
    ) -> None:
        """Begin with a source that is there.

        Args:
            what: "the stream" or "the camera", for messages.
            facts: whose tallies say how often it was away.
            damage: where it is noted that the source did not come back.
            settings: the waits.
            stop: set when the source is closed.
        """
        self._what, self._facts, self._damage, self._settings, self._stop = what, facts, damage, settings, stop
        self._tried, self._wait = 0, settings.reconnect_wait
        self._broke_at: float | None = None
        self._times, self._away = 0, 0.0
        self._said_at, self._said_wait = 0.0, -1.0

    def picture(self) -> None:
        """An image came: whatever was broken is over."""
        if self._broke_at is None:
            return
        away = time.monotonic() - self._broke_at
        self._times, self._away, self._broke_at = self._times + 1, self._away + away, None
        self._tried, self._wait = 0, self._settings.reconnect_wait
        self._said_wait = -1.0
        _log.warning("%s: is back after %.1f s", self._facts.where, away)
        times = "once" if self._times == 1 else f"{self._times} times"
        self._facts.tallies["away"] = (
            f"{self._facts.where}: broke off and came back {times}, and was away for {self._away:.1f} s in all;"
            " what happened meanwhile is missing"
        )

    def again(self, open_it: Callable[[], str | None], why: str, seen: int, most: int | None) -> bool:
        """Wait and open it, until that succeeds.

        Args:
            open_it: None, or why it did not succeed.
            why: it broke off.
            seen: number of the last frame.
            most: tries; None for ever.

        Returns:
            False where it is over: the tries are used up, which is noted, or the source is closed.
        """
        if self._broke_at is None:
            self._broke_at = time.monotonic()
        while (most is None or self._tried < most) and not self._stop.is_set():
            self._say(why, seen)
            if self._stop.wait(self._wait):
                return False
            self._tried += 1
            self._wait = min(2 * self._wait, self._settings.reconnect_longest_wait)
            failure = open_it()
            if failure is None:
                return True
            why = failure
        if not self._stop.is_set():
            tries = "1 try" if self._tried == 1 else f"{self._tried} tries"
            back = f" and did not come back in {tries}" if self._tried else ""
            self._damage.broke_off(f"{self._what} broke off after frame {seen} ({why}){back}")
        return False

    def _say(self, why: str, seen: int) -> None:
        now = time.monotonic()
        if self._wait == self._said_wait and now - self._said_at < _LINE_SECONDS:
            return
        self._said_at, self._said_wait = now, self._wait
        _log.warning(
            "%s: broke off after frame %d (%s); trying again in %g s", self._facts.where, seen, why, self._wait
        )
