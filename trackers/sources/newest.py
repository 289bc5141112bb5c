"""The newest frames of a live stream, for a tracker that is slower than the stream."""

import threading
from collections import deque
from collections.abc import Callable, Generator

from remix_track.trackers.sources.source import Picture

_JOIN_SECONDS = 2.0
_LOOK_SECONDS = 0.1  # between two looks whether the caller is done


def newest(
    pictures: Generator[Picture, None, None],
    keep: int,
    stop: threading.Event,
    passed_over: Callable[[], None],
    stored: Callable[[], bool] = lambda: False,
) -> Generator[Picture, None, None]:
    """Read `pictures` in a thread, hold at most `keep` of them, and give up the oldest when more come.

    Without this a slow reader falls behind for ever: the network's buffers fill, then the camera hangs up.

    Args:
        pictures: the stream; closed by the thread.
        keep: how many images may wait.
        stop: set when the caller is done; the stream should end soon after.
        passed_over: called for every image that is given up.
        stored: whether the image just read had been waiting when the reading began, and can wait for room.

    Raises:
        Exception: whatever the stream raised, after the images before it.
    """
    waiting: deque[Picture] = deque()
    changed = threading.Condition()
    ended: list[BaseException | None] = []

    def fetch() -> None:
        failure: BaseException | None = None
        try:
            for picture in pictures:
                with changed:
                    while len(waiting) >= keep and stored() and not stop.is_set():
                        changed.wait(_LOOK_SECONDS)
                    waiting.append(picture)
                    if len(waiting) > keep:
                        waiting.popleft()
                        passed_over()
                    changed.notify()
                if stop.is_set():
                    break
        except BaseException as error:
            failure = error
        finally:
            pictures.close()
            with changed:
                ended.append(failure)
                changed.notify()

    thread = threading.Thread(target=fetch, name="remix-track stream", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                changed.wait_for(lambda: waiting or ended)
                if not waiting:
                    break
                picture = waiting.popleft()
                changed.notify()
            yield picture
        if ended[0] is not None:
            raise ended[0]
    finally:
        stop.set()
        # A read that waits for the network is left to its time-out; nobody should wait for it after Ctrl-C.
        thread.join(_JOIN_SECONDS)
