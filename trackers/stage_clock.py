"""Where the time goes: one stopwatch per stage of the pipeline."""

import contextlib
import threading
import time
from collections.abc import Iterator


class StageClock:
    """Adds up the wall time of named stages; `with clock("detect"): ...`.

    Stages keep the order in which they were first entered. A stage inside another counts in both, so keep them
    side by side where the sum matters. Several threads may use one clock: then the stages overlap, and their sum is
    more than the time that went by.
    """

    def __init__(self, *stages: str) -> None:
        """Name `stages` beforehand to fix their order and to list those that never run."""
        self._seconds = dict.fromkeys(stages, 0.0)
        self._adding = threading.Lock()

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the body as part of `stage`, also when it raises."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._adding:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + spent

    @property
    def seconds(self) -> dict[str, float]:
        """Total seconds per stage."""
        with self._adding:
            return dict(self._seconds)

    def milliseconds_per_frame(self, frames: int) -> dict[str, float]:
        """Mean milliseconds that each stage takes per frame; nan for 0 frames."""
        return {stage: 1000 * total / frames if frames else float("nan") for stage, total in self._seconds.items()}
