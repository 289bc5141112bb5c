"""Who is compared: our settings, and the peers with the module that runs each in its own environment."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.on_boxes.clips import Clip
from tests.bench.on_boxes.ours import track_into


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the table.

    Attributes:
        name: of the table.
        peer: environment, the end of the module that runs it; empty for ours.
        tracker: as that module calls it.
        appearance: name of the vectors it is given; None is motion only.
        changes: settings of ours that are not at their defaults.
    """

    name: str
    peer: str = ""
    tracker: str = ""
    appearance: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it is run in this process."""
        return not self.peer


PEERS = (
    ("BoxMOT BoT-SORT", "boxmot", "botsort"),
    ("BoxMOT ByteTrack", "boxmot", "bytetrack"),
    ("BoxMOT OC-SORT", "boxmot", "ocsort"),
    ("BoxMOT StrongSORT", "boxmot", "strongsort"),
    ("BoxMOT OccluBoost", "boxmot", "occluboost"),
    ("roboflow ByteTrack", "roboflow", "bytetrack"),
    ("roboflow OC-SORT", "roboflow", "ocsort"),
    ("roboflow SORT", "roboflow", "sort"),
    ("roboflow C-BIoU", "roboflow", "cbiou"),
    ("ultralytics BoT-SORT", "ultralytics", "botsort"),
    ("ultralytics TrackTrack", "ultralytics", "tracktrack"),
)
_WITH_VECTORS = {"BoxMOT BoT-SORT", "BoxMOT StrongSORT", "BoxMOT OccluBoost"} | {
    name for name, peer, _ in PEERS if peer == "ultralytics"
}
_ONLY_WITH_VECTORS = {"BoxMOT StrongSORT"}


def contestants(appearance: str | None, changes: Mapping[str, Any], peers: Sequence[str]) -> list[Contestant]:
    """Ours and the peers that are there, by motion only or with vectors.

    Args:
        appearance: the vectors that all are given. Peers without a use for them take part by motion.
        changes: settings of ours to be compared with the defaults; none: no such row.
        peers: the environments that are there.
    """
    found = [Contestant("remix-track", appearance=appearance)]
    if appearance is not None:
        found.insert(0, Contestant("remix-track, shipped weights", appearance="default"))
        found.append(Contestant("remix-track, motion only"))
    if changes:
        words = ", ".join(f"{name} {value}" for name, value in changes.items())
        found.append(Contestant(f"remix-track, {words}", appearance=appearance, changes=changes))
    for name, peer, tracker in PEERS:
        if peer in peers and (appearance is not None or name not in _ONLY_WITH_VECTORS):
            found.append(Contestant(name, peer, tracker, appearance if name in _WITH_VECTORS else None))
    return found


def run(who: Contestant, clips: Sequence[Clip], pythons: Mapping[str, Path], results: Path) -> list[Path]:
    """The result file of each clip; those of peers that are newer than their clip are not made again.

    Raises:
        RuntimeError: a peer failed; with the end of what it said.
    """
    kind = f"{who.peer or 'ours'}-{who.tracker or 'remix'}-{who.appearance or 'motion'}"
    folder = results / kind
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{clip.name}.txt" for clip in clips]
    if who.is_ours:
        for clip, file in zip(clips, files, strict=True):
            track_into(clip, who.appearance, who.changes, file)
        return files
    asked = [clip for clip, file in zip(clips, files, strict=True) if not _is_newer(file, clip)]
    if asked:
        words = [str(pythons[who.peer]), "-m", f"tests.bench.on_boxes.run_{who.peer}", who.tracker, str(folder)]
        more = [] if who.appearance is None else ["--appearance", who.appearance]
        done = subprocess.run(
            [*words, *(str(clip.given.folder) for clip in asked), *more], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError("\n".join([f"{who.name} failed:", *done.stderr.splitlines()[-12:]]))
    return files


def _is_newer(file: Path, clip: Clip) -> bool:
    return file.is_file() and file.stat().st_mtime > (clip.given.folder / "boxes.npz").stat().st_mtime
