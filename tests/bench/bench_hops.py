"""How many files of ours a frame passes through in association, and how deep its calls go.

Run from the project's folder with `python -m tests.bench.bench_hops`. Counted from `Tracker.update` down, in the third
frame of a crowd that brings its vectors, so that tracks are matched, corrected, begun, named and reported.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import remix_track
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import crowd

_PACKAGE = Path(remix_track.__file__).parents[1].resolve()
_ROOMS = tuple(str(_PACKAGE / room) for room in ("remix_track", "trackers", "eval"))


def hops(work: Callable[[], Any]) -> tuple[set[str], list[str]]:
    """The files of ours that `work` runs through, and its deepest chain of calls of ours.

    Returns:
        paths of files, and the chain as names of functions, outermost first. Comprehensions and calls of other
        packages are no links of it.
    """
    files: set[str] = set()
    chain, deepest = list[str](), list[str]()

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        path = str(Path(code.co_filename).resolve())
        if event not in ("call", "return") or not path.startswith(_ROOMS) or code.co_name.startswith("<"):
            return
        if event == "return":
            chain.pop()
            return
        files.add(path)
        chain.append(f"{Path(path).stem}.{code.co_qualname}")
        if len(chain) > len(deepest):
            deepest[:] = chain

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return files, deepest


def hops_of_a_frame(**changes: Any) -> tuple[set[str], list[str]]:
    """`hops` of one frame of `Tracker("none", **changes)`, which is given boxes, vectors and a picture."""
    tracker, picture = Tracker("none", **changes), np.zeros((720, 1280, 3), np.uint8)
    frames = list(crowd(4, people=20, seed=1))
    for detections in frames[:-1]:
        tracker.update(detections, picture)
    return hops(lambda: tracker.update(frames[-1], picture))


def main() -> None:
    for changes in ({}, {"reid": "when-ambiguous"}, {"tracker": "deep-sort"}):
        files, chain = hops_of_a_frame(**changes)
        print(changes or "default", f"{len(files)} files, {len(chain)} calls deep")
        print("   files:", ", ".join(sorted(str(Path(path).relative_to(_PACKAGE)) for path in files)))
        print("   calls:", " > ".join(chain))


if __name__ == "__main__":
    main()
