"""A thread that delivers what waits in a spool, and tries again while the receiver is away."""

import logging
import threading
import time

from remix_track.trackers.sinks.event_spool import EventSpool
from remix_track.trackers.sinks.event_targets import Refused, Target

logger = logging.getLogger(__name__)

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0


class EventSender:
    """Delivers in order, one event at a time, until `close`; an event stays in the spool until it is confirmed.

    Attributes:
        delivered: events that were confirmed.
        refused: events that the receiver would not take.
    """

    def __init__(self, spool: EventSpool, target: Target, first_wait: float = _FIRST_WAIT) -> None:
        """Begin; what an earlier run left goes first."""
        self.delivered = self.refused = 0
        self._spool, self._target, self._first_wait = spool, target, first_wait
        self._ending = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._work, name="remix-track events", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> int:
        """Wait so long at most until all is delivered, and end; how many still wait."""
        until = time.monotonic() + seconds
        while len(self._spool) and time.monotonic() < until and self._thread.is_alive():
            time.sleep(0.02)
        self._ending.set()
        self._spool.wake()
        self._thread.join(seconds)
        self._target.close()
        return len(self._spool)

    def _work(self) -> None:
        wait = self._first_wait
        while not self._ending.is_set():
            found = self._spool.first(1.0)
            if found is None:
                continue
            number, event = found
            try:
                self._target.send(event)
            except OSError as error:
                self._say_away(error)
                self._ending.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
                continue
            except Refused as error:
                self.refused += 1
                if self.refused == 1:
                    logger.warning("%s %s: events that it refuses are given up", self._target.shown, error)
            else:
                self.delivered += 1
            if self._away:
                self._away = False
                logger.warning("%s takes events again", self._target.shown)
            wait = self._first_wait
            self._spool.remove(number)

    def _say_away(self, error: OSError) -> None:
        """Once until it is back."""
        if not self._away:
            self._away = True
            logger.warning("%s does not take events (%s); they wait on disk", self._target.shown, error)
