"""The best few crops of each track: sure, large, in the clear, whole, and apart in time.

Time is cut into slots. Of a track, the best box of a slot is kept as pixels while the slot lasts, so that a person who
comes nearer, and looks better in every frame, is not encoded in every frame; then it is written as a JPEG, if it is
better than what is there, which it replaces. So there are files for the best few at any time, and a killed run leaves
what it had.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.crop_quality import crop_quality
from remix_track.settings import check, setting
from remix_track.store.layout import crop_name
from remix_track.trackers.frame import TrackedFrame


@dataclass(frozen=True, slots=True)
class BestCropSettings:
    """Which crops of a track a store keeps.

    Attributes:
        crops_per_tracklet: the best so many; 0: none.
        crop_slot: seconds; of so long a time there is at most one.
        min_crop_side: pixels; a crop that is narrower or lower shows nothing.
        crop_quality: of the JPEG files.
    """

    crops_per_tracklet: int = setting(3, "the best so many of each track", low=0, high=100)
    crop_slot: float = setting(2.0, "seconds; of so long a time there is at most one", above=0)
    min_crop_side: int = setting(8, "pixels; narrower or lower crops are left out", low=1)
    crop_quality: int = setting(88, "of the JPEG files", low=1, high=100)

    def __post_init__(self) -> None:
        check(self)


@dataclass(slots=True)
class _Candidate:
    quality: float
    frame: int
    slot: int
    crop: NDArray[np.uint8]


class BestCrops:
    """Chooses and writes the crops of the tracks of one job."""

    def __init__(self, folder: Path, settings: BestCropSettings) -> None:
        """Begin without any; files are written below `folder`."""
        self._folder, self._settings = folder, settings
        self._candidates: dict[int, _Candidate] = {}
        self._kept: dict[int, list[tuple[float, int]]] = {}  # quality and frame of those with a file

    def add(self, frame: TrackedFrame) -> None:
        """Look at a frame's boxes; those without a detection behind them are passed over.

        Raises:
            OSError: a crop cannot be written.
        """
        if not self._settings.crops_per_tracklet:
            return
        slot = int(frame.time // self._settings.crop_slot)
        for track in [track for track, one in self._candidates.items() if one.slot != slot]:
            self._settle(track)
        height, width = frame.image.shape[:2]
        boxes = clip_xyxy(np.rint(frame.xyxy), width, height).astype(np.int64)
        big = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=1 << 30) >= self._settings.min_crop_side
        quality = crop_quality(frame.xyxy, frame.scores, width, height)
        for row in np.flatnonzero(big & (frame.tracks.detection >= 0)).tolist():
            track, before = int(frame.ids[row]), self._candidates.get(int(frame.ids[row]))
            if before is None or quality[row] > before.quality:
                left, top, right, bottom = boxes[row].tolist()
                crop = frame.image[top:bottom, left:right].copy()
                self._candidates[track] = _Candidate(float(quality[row]), frame.index, slot, crop)

    def finish(self) -> dict[int, list[str]]:
        """Settle what is open; the names of the files of each track, best first.

        Raises:
            OSError: a crop cannot be written.
        """
        for track in list(self._candidates):
            self._settle(track)
        return {
            track: [crop_name(track, frame) for _, frame in sorted(kept, key=lambda one: (-one[0], one[1]))]
            for track, kept in self._kept.items()
        }

    def _settle(self, track: int) -> None:
        candidate, kept = self._candidates.pop(track), self._kept.setdefault(track, [])
        if len(kept) == self._settings.crops_per_tracklet:
            worst = min(kept)
            if candidate.quality <= worst[0]:
                return
            kept.remove(worst)
            (self._folder / crop_name(track, worst[1])).unlink()
        self._save(candidate, track)
        kept.append((candidate.quality, candidate.frame))

    def _save(self, candidate: _Candidate, track: int) -> None:
        import cv2

        _, jpeg = cv2.imencode(".jpg", candidate.crop, [cv2.IMWRITE_JPEG_QUALITY, self._settings.crop_quality])
        path = self._folder / crop_name(track, candidate.frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg.tobytes())
