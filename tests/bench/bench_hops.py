"""How many files of ours a frame passes through, in association and in a whole run, and how deep its calls go.

Run from the project's folder with `python -m tests.bench.bench_hops`. Association is counted from `Tracker.update`
down, in the third frame of a crowd that brings its vectors, so that tracks are matched, corrected, begun, named and
reported. A whole run is counted from the decoded packet to the line in `tracks.txt`, in the sixth and seventh frame of
a video, with public detections: in all of its threads, as frames are read, embedded and tracked at the same time.
"""

import re
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import remix_track
from remix_track.output_files import reserve_folder
from remix_track.synthetic.scenes import StreetScene, write_ground_truth
from remix_track.trackers.pipeline.recorder import Recorder
from remix_track.trackers.sinks.formats import OutputSettings
from remix_track.trackers.tracker import Tracker
from tests.deep_sort_scenes import crowd
from tests.footage import write_video

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
    """`hops` of one frame of `Tracker("none", **changes)`, which is given boxes, vectors and an image."""
    tracker, picture = Tracker("none", **changes), np.zeros((720, 1280, 3), np.uint8)
    frames = list(crowd(4, people=20, seed=1))
    for detections in frames[:-1]:
        tracker.update(detections, picture)
    return hops(lambda: tracker.update(frames[-1], picture))


def files_of_a_run(video: Path, detections: Path, output: Path, **changes: Any) -> dict[str, set[str]]:
    """The files of ours that a frame of `track(video, **changes).record(output)` passes through, with their functions.

    Nothing but `tracks.txt` is written. The video has ten frames or more.
    """
    files, counting = dict[str, set[str]](), [False]

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = str(Path(frame.f_code.co_filename).resolve())
        if counting[0] and event == "call" and path.startswith(_ROOMS):
            # Installed, all rooms lie in the package.
            name = re.sub("^remix_track/(?=trackers/|eval/)", "", str(Path(path).relative_to(_PACKAGE)))
            files.setdefault(name, set()).add(frame.f_code.co_qualname)

    run = remix_track.track(video, detector=str(detections), **changes)
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        with Recorder(
            run, OutputSettings(video=False, people=False), lambda: reserve_folder(output), title="hops"
        ) as recorder:
            for number in range(1, 9):
                counting[0] = number in (6, 7)
                recorder.step()
            counting[0] = False
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return files


def main() -> None:
    for changes in ({}, {"reid": "when-ambiguous"}, {"tracker": "deep-sort"}):
        files, chain = hops_of_a_frame(**changes)
        print(changes or "default", f"{len(files)} files, {len(chain)} calls deep")
        print("   files:", ", ".join(sorted(str(Path(path).relative_to(_PACKAGE)) for path in files)))
        print("   calls:", " > ".join(chain))
    with tempfile.TemporaryDirectory() as folder:
        found = files_of_a_run(*drawn_street(Path(folder)), Path(folder) / "out")
    print(f"a whole run: {len(found)} files from packet to tracks.txt")
    for path, functions in sorted(found.items()):
        print(f"   {path}: {', '.join(sorted(functions))}")


def drawn_street(folder: Path) -> tuple[Path, Path]:
    """A drawn video of twelve frames, and its people as public detections."""
    scene = StreetScene(3, frames=12)
    video = write_video(folder / "street.mp4", images=[image for image, _ in scene], rate=20)
    write_ground_truth(scene, folder / "det.txt")
    return video, folder / "det.txt"


if __name__ == "__main__":
    main()
