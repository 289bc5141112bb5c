"""Who comes back after a while: real people hidden for so many frames, and the id they have afterwards.

    python -m tests.bench.bench_returns DATA CACHE [--streets FOLDER] [--hidden 70 120] [--set NAME=VALUE ...]

`CACHE` is that of `bench_trackers`, filled by its images. Of the people of a clip, some are taken away for a while:
every detection that lies on them more than on anybody else. Where they were tracked before and are tracked after, the
id afterwards is their own, a new one, or that of somebody else. With streets the drawn ones count as well. Two random
choices of people are counted together.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.boxes import iou_tlwh, tlwh_from_xyxy
from remix_track.mot_text import MotRows
from tests.bench.bench_trackers import changes_of
from tests.bench.on_boxes.clips import Clip, Networks, drawn_clips, picture_clips
from tests.bench.on_boxes.ours import track

AROUND = 15
"""Frames before and after in which an id is looked for."""

SEEDS = (0, 1)

_ON = 0.3  # IoU from which on a detection is of a person


def taken_away(clip: Clip, hidden: int, seed: int) -> list[tuple[int, int]]:
    """Person and first frame of each absence: a random half of those who are there for long enough."""
    rng, found = np.random.default_rng(seed), []
    for person in np.unique(clip.truth.id).tolist():
        frames = clip.truth.frame[clip.truth.id == person]
        first, last = int(frames.min()) + 2 * AROUND, int(frames.max()) - hidden - AROUND
        if last >= first and rng.random() < 0.5:
            found.append((person, int(rng.integers(first, last + 1))))
    return found


def without(clip: Clip, absences: list[tuple[int, int]], hidden: int) -> NDArray[np.bool_]:
    """(N,) detections of the clip that stay."""
    held = np.load(clip.given.folder / "boxes.npz", allow_pickle=False)
    tlwh, frame = np.asarray(tlwh_from_xyxy(held["xyxy"]), np.float64), held["frame"]
    stays = np.ones(len(frame), np.bool_)
    for number in np.unique(frame).tolist():
        gone = [person for person, first in absences if first <= number < first + hidden]
        rows, here = np.flatnonzero(frame == number), clip.truth[clip.truth.frame == number]
        if not gone or not len(here):
            continue
        overlap = iou_tlwh(tlwh[rows], here.tlwh)
        of = np.where(overlap.max(axis=1) >= _ON, here.id[overlap.argmax(axis=1)], -1)
        stays[rows[np.isin(of, gone)]] = False
    return stays


def id_of(result: MotRows, truth: MotRows, person: int, frames: range) -> int | None:
    """The id that lies on a person in most of the frames."""
    ids: Counter[int] = Counter()
    for number in frames:
        box = truth.tlwh[(truth.id == person) & (truth.frame == number)]
        rows = np.flatnonzero(result.frame == number)
        if len(box) and len(rows):
            overlap = iou_tlwh(box, result.tlwh[rows])[0]
            if overlap.max() >= 0.5:
                ids[int(result.id[rows[overlap.argmax()]])] += 1
    return ids.most_common(1)[0][0] if ids else None


def outcomes(
    clip: Clip, appearance: str, hidden: int, seed: int, changes: Mapping[str, Any], text: Path
) -> Iterator[str]:
    """`own`, `new` or `other` for each absence that can be judged."""
    absences = taken_away(clip, hidden, seed)
    text.write_text(track(clip, appearance, changes, without(clip, absences, hidden)))
    result = mot_text.read(text)
    for person, first in absences:
        before = id_of(result, clip.truth, person, range(first - AROUND, first))
        after = id_of(result, clip.truth, person, range(first + hidden, first + hidden + AROUND))
        if before is not None and after is not None:
            known = result.id[result.frame < first + hidden]
            yield "own" if after == before else "other" if after in known else "new"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--streets", type=Path, default=None)
    parser.add_argument("--hidden", type=int, nargs="+", default=[70, 120], help="frames")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    clips = list(picture_clips(options.data.resolve(), options.cache.resolve(), Networks(Path("yolo11n.pt"), {})))
    clips = [clip for clip in clips if clip.given.stride == 1]
    if options.streets is not None:
        clips += drawn_clips(options.streets.resolve(), options.cache.resolve())
    changes = changes_of(options.set)
    print("| frames hidden | vectors | clip | own | new | other |\n| --- | --- | --- | ---: | ---: | ---: |")
    for hidden in options.hidden:
        total: Counter[str] = Counter()
        for clip in clips:
            for appearance in ("default", "osnet"):
                if (clip.given.folder / f"vectors-{appearance}.npz").is_file():
                    found = _counted(clip, appearance, hidden, changes)
                    total += found
                    print(_row(hidden, appearance, clip.name, found), flush=True)
        print(_row(hidden, "", "all", total), flush=True)


def _counted(clip: Clip, appearance: str, hidden: int, changes: Mapping[str, Any]) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "tracks.txt"
        return Counter(one for seed in SEEDS for one in outcomes(clip, appearance, hidden, seed, changes, text))


def _row(hidden: int, appearance: str, clip: str, found: Counter[str]) -> str:
    return f"| {hidden} | {appearance} | {clip} | {found['own']} | {found['new']} | {found['other']} |"


if __name__ == "__main__":
    main()
