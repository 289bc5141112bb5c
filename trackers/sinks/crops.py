"""`crops/`: images of each person, to check identities and to train on."""

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import clip_xyxy
from remix_track.errors import InputError
from remix_track.reservations import file_id, refuse_changed
from remix_track.settings import check, setting
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.sink import Sink

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CropSettings:
    """Which crops `--crops` keeps.

    Attributes:
        crops_per_track: at most this many of one track.
        crops_every: at most one of a track in this many frames (neighbouring frames look alike).
        crops_in_all: at most this many of the whole video, so that no run fills a disk.
        min_crop_side: pixels; a crop that is narrower or lower shows nothing.
        crop_quality: of the JPEG files.
    """

    crops_per_track: int = setting(20, "at most so many crops of a track", low=1)
    crops_every: int = setting(10, "at most one of a track in so many frames; neighbouring frames look alike", low=1)
    crops_in_all: int = setting(20_000, "at most so many crops of a whole video", low=1)
    min_crop_side: int = setting(8, "pixels; narrower or lower crops are left out", low=1)
    crop_quality: int = setting(92, "of the JPEG files", low=1, high=100)

    def __post_init__(self) -> None:
        check(self)


class CropSink(Sink):
    """Writes `FOLDER/<id>/<frame>.jpg`, frames in six digits as MOT numbers its images.

    The folder is held open: where it is renamed, the crops go along, as what is written to an open file does.
    Only boxes with a detection behind them are cut out, at the image's borders where they reach beyond.
    """

    def __init__(self, folder: Path, settings: CropSettings | None = None) -> None:
        """Make the folder.

        Raises:
            InputError: it cannot be made.
        """
        self._folder = folder
        self._settings = settings or CropSettings()
        self._kept: dict[int, tuple[int, int]] = {}  # id -> crops so far, frame of the last one
        self._in_all = 0
        self._written: dict[Path, tuple[int, int]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open: int | None = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror}); give another `output`") from None

    def write(self, frame: TrackedFrame) -> None:
        """Write the crops that are due.

        Raises:
            InputError: no room, or a file of that name is there already.
        """
        height, width = frame.image.shape[:2]
        boxes = clip_xyxy(np.rint(frame.xyxy), width, height).astype(np.int64)
        big = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=1 << 30) >= self._settings.min_crop_side
        for row in np.flatnonzero(big & (frame.tracks.detection >= 0)).tolist():
            id_ = int(frame.ids[row])
            if self._due(id_, frame.index):
                left, top, right, bottom = boxes[row].tolist()
                self._save(frame.image[top:bottom, left:right], id_, frame.index)

    def close(self) -> None:
        """Look whether all crops are there; each was written at once.

        Raises:
            InputError: one was removed, renamed or replaced.
        """
        if self._open is not None:
            os.close(self._open)
            self._open = None
        written, self._written = self._written, {}
        for path, made in written.items():
            refuse_changed(path, made)

    def _due(self, id_: int, index: int) -> bool:
        count, last = self._kept.get(id_, (0, index - self._settings.crops_every))
        enough = count >= self._settings.crops_per_track or self._in_all >= self._settings.crops_in_all
        return not enough and index - last >= self._settings.crops_every

    def _save(self, crop: NDArray[np.uint8], id_: int, index: int) -> None:
        import cv2

        _, jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, self._settings.crop_quality])
        name = f"{id_}/{index:06d}.jpg"
        path = self._folder / name
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(str(id_), dir_fd=self._open)
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=self._open)
        except FileExistsError:
            raise InputError(f"{path}: there is something already; give another `output`") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from None
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(jpeg.tobytes())
                self._written[path] = file_id(file)
        except OSError as error:
            os.unlink(name, dir_fd=self._open)
            raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from None
        self._kept[id_] = (self._kept.get(id_, (0, 0))[0] + 1, index)
        self._in_all += 1
        if self._in_all == self._settings.crops_in_all:
            log.warning("%s: %d crops are there, no more will be added", self._folder, self._in_all)
