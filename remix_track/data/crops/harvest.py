"""Raw videos to crops: people are detected, followed by motion alone, and cut out where they are surely one person.

The one module outside of the trackers and the command lines that uses the trackers.
"""

import logging
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track import mot_text
from remix_track.data.crops.harvest_cache import (
    Harvest,
    Show,
    crop_name,
    fingerprint,
    new_folder,
    read_harvest,
    write_notes,
)
from remix_track.data.crops.tracklets import HarvestSettings, Tracklet, TrackletCutter
from remix_track.errors import InputError
from remix_track.media_files import videos_in
from remix_track.mot_text import MotRows
from remix_track.near_files import near_file
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.trackers.association.frame_detections import BoxLimit
from remix_track.trackers.association.settings import REFERENCE_FPS, AssociationSettings, DeepSortSettings
from remix_track.trackers.detectors.builtin import SHIPPED
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.detectors.find_detector import find_detector, weights_at_hand
from remix_track.trackers.detectors.yolo import YoloOptions
from remix_track.trackers.sources import Source, expand_sources, open_source
from remix_track.trackers.sources.source import folder_name
from remix_track.trackers.tracker import Tracker

logger = logging.getLogger(__name__)

FEWEST_TRACKLETS = 2
"""A single tracklet gives no pair of different people."""

_UNSURE = 0.25  # detector score from which a box may hide a person
_PATIENCE = 0.5  # seconds that a track may be unseen
_MAX_IOU_DISTANCE = 0.6


def harvest_footage(
    footage: Sequence[str | Path],
    root: Path,
    settings: HarvestSettings,
    *,
    check: Callable[[], None] = lambda: None,
    show: Show = lambda video, number, videos, frame, frames: None,
) -> Iterator[tuple[Path, Harvest]]:
    """The folder of crops of each video, and what is in it; made where it is not there yet.

    What is done stays when a later video fails or the run is stopped. A video without people has a folder
    without images.

    Args:
        footage: video files, folders that hold some, or patterns.
        root: the folder of the crops of all videos.
        settings: how to harvest.
        check: called for each frame; what it raises ends the harvest.
        show: told how far it is.

    Raises:
        InputError: a video that cannot be opened (before any is harvested), crops that were changed since, no detector,
            or no room.
    """
    videos = find_videos(footage)
    for video in videos:
        open_source(video).close()
    detector = _detector_file(settings)
    for number, video in enumerate(videos, 1):
        mark = fingerprint(video, settings, detector)
        folder = root / f"{folder_name(video.stem)}-{mark}"
        found = read_harvest(folder)
        while found is None:
            with new_folder(folder, check) as hidden:
                if hidden is not None:
                    write_notes(hidden, _harvest(video, hidden, settings, mark, (number, len(videos)), check, show))
            found = read_harvest(folder)
        yield folder, found


def harvest_videos(
    footage: Sequence[str | Path],
    root: Path,
    settings: HarvestSettings,
    *,
    check: Callable[[], None] = lambda: None,
    on_progress: OnProgress = unheard,
) -> Iterator[tuple[Path, Harvest]]:
    """`harvest_footage`, of which each frame is said as `Progress`."""

    def show(video: str, number: int, videos: int, frame: int, frames: int | None) -> None:
        on_progress(Progress("footage", video, frame, frames, f"video {number}/{videos}"))

    yield from harvest_footage(footage, root, settings, check=check, show=show)


def harvest_corrected(
    video: str | Path,
    tracks: Path,
    folder: Path,
    settings: HarvestSettings,
    *,
    on_progress: OnProgress = unheard,
) -> tuple[int, int]:
    """Cut the crops of corrected tracks of a video: a track is one person from its beginning to its end.

    Args:
        video: whose tracks were corrected.
        tracks: MOT text, such as `gt/gt.txt` of `remix-track import`, or the folder around it. Rows of class 1, or
            without a class, that count are people; others only hide them.
        folder: that is made, as the data set `folder:FOLDER` reads it: `personNUMBER/VIDEO_FRAME.jpg`.
        settings: how crops are chosen.
        on_progress: called for each frame.

    Returns:
        People and crops.

    Raises:
        InputError: `folder` is there already, the video or the tracks cannot be read, or they show fewer than two.
    """
    if folder.exists():
        raise InputError(f"{folder}: there is something already; give another folder")
    (path,) = find_videos([video])[:1]
    rows = mot_text.read(_track_file(tracks))
    hidden = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        count, people = 0, set[int]()
        for person, name, jpeg in _corrected_crops(path, rows, replace(settings, min_crops=1), on_progress):
            target = hidden / f"person{person}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(jpeg)
            people.add(person)
            count += 1
        if len(people) < FEWEST_TRACKLETS:
            raise InputError(f"{tracks}: {len(people)} people of whom {path} has crops; expected at least two")
        hidden.rename(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); make room, or give another folder") from None
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return len(people), count


def _track_file(path: Path) -> Path:
    inside = (path / "gt" / "gt.txt", path / "tracks.txt")
    return next((one for one in inside if one.is_file()), path) if path.is_dir() else path


def _corrected_crops(
    video: Path, rows: MotRows, settings: HarvestSettings, on_progress: OnProgress
) -> Iterator[tuple[int, str, bytes]]:
    """The track, the file name and the JPEG of each crop."""
    camera = folder_name(video.stem).replace("_", "-")
    people = (rows.score > 0) & np.isin(rows.class_id, (-1, 1))
    xyxy = np.concatenate([rows.tlwh[:, :2], rows.tlwh[:, :2] + rows.tlwh[:, 2:]], axis=1).astype(np.float32)
    of_frame = {number: np.flatnonzero(rows.frame == number) for number in np.unique(rows.frame).tolist()}
    none = np.zeros(0, np.int64)
    cutter = TrackletCutter(settings, _PATIENCE, lambda crop: _jpeg(crop, settings.quality))
    with open_source(video) as source:
        stride = max(1, round(source.fps / settings.rate)) if settings.rate else 1
    with open_source(video, start=settings.start, stride=stride, frames=_wanted(settings, stride)) as source:
        for frame in source:
            on_progress(Progress("footage", video.name, source.frames_read, source.frames))
            here = of_frame.get(frame.index, none)
            mine, others = here[people[here]], here[~people[here]]
            closed = cutter.update(frame.index, frame.time, frame.image, rows.id[mine], xyxy[mine], xyxy[others])
            yield from _named(closed, camera)
        yield from _named(cutter.finish(), camera)


def _named(tracklets: Iterable[Tracklet], camera: str) -> Iterator[tuple[int, str, bytes]]:
    for one in tracklets:
        for frame, _, jpeg in one.crops:
            yield one.track, f"{camera}_{frame:06d}.jpg", jpeg


def refuse_too_few(made: Sequence[Harvest], where: str) -> None:
    """Raise `InputError` where all videos together do not show two people who can be told apart."""
    tracklets, frames = sum(len(one.tracklets) for one in made), sum(one.frames for one in made)
    if tracklets >= FEWEST_TRACKLETS:
        return
    what = "no people found" if not tracklets else "one tracklet alone, and at least two are needed"
    remedy = "give a better detector or more footage, or lower harvest.min_score or harvest.min_height"
    raise InputError(f"{where}: {what} in {frames:,} frames ({made[0].detector if made else 'no video'}); {remedy}")


def find_videos(footage: Sequence[str | Path]) -> list[Path]:
    """The video files that are meant; a folder stands for those directly in it.

    Raises:
        InputError: nothing there, or no video.
    """
    videos: list[Path] = []
    for name in expand_sources([str(word) for word in footage]):
        path = Path(str(name))
        if path.is_dir():
            inside = sorted(videos_in(path))
            if not inside:
                raise InputError(f"{path}: no videos in it; for a folder of crops say folders:{path}")
            videos += inside
        elif path.is_file():
            videos.append(path)
        else:
            raise InputError(f"{path}: no such file or folder; {near_file(path) or 'give videos, or a folder of them'}")
    return list(dict.fromkeys(videos))


def _harvest(
    video: Path,
    folder: Path,
    settings: HarvestSettings,
    mark: str,
    place: tuple[int, int],
    check: Callable[[], None],
    show: Show,
) -> Harvest:
    """Write the crops of one video into `folder`."""
    with open_source(video) as source:
        stride = max(1, round(source.fps / settings.rate)) if settings.rate else 1
    detector = find_detector(
        settings.detector, YoloOptions(conf=min(_UNSURE, settings.min_score), imgsz=settings.imgsz)
    )
    rows: list[tuple[int, ...]] = []
    with open_source(video, start=settings.start, stride=stride, frames=_wanted(settings, stride)) as source:
        fps = source.fps / stride

        def tell() -> None:
            check()
            show(video.name, *place, source.frames_read, source.frames)

        for tracklet in _tracklets(source, fps, detector, settings, tell):
            number = len(rows) + 1
            for frame, _, jpeg in tracklet.crops:
                (folder / crop_name(number, frame)).write_bytes(jpeg)
            rows.append((number, tracklet.first, tracklet.last, len(tracklet.crops)))
        for problem in source.problems:
            logger.warning("%s: %s", video, problem)
    made = Harvest(video.name, mark, detector.name, source.frames_read, fps, stride, tuple(rows), files="")
    logger.info("%s: %d frames, %d tracklets, %d crops", video.name, made.frames, len(rows), made.crops)
    return made


def _tracklets(
    source: Source, fps: float, detector: Detector, settings: HarvestSettings, tell: Callable[[], None]
) -> Iterator[Tracklet]:
    """Follow people through the frames of a source; see `TrackletCutter`."""
    age = max(1, round(_PATIENCE * REFERENCE_FPS))
    motion = DeepSortSettings(
        min_confidence=settings.min_score, max_age=age, max_motion_age=age, max_iou_distance=_MAX_IOU_DISTANCE
    )
    tracker = Tracker.around(None, fps=fps, settings=motion, association=AssociationSettings(tracker="deep-sort"))
    cutter = TrackletCutter(settings, _PATIENCE, lambda crop: _jpeg(crop, settings.quality))
    limit = BoxLimit()
    for frame in source:
        tell()
        detections = detector(frame)
        detections = detections[limit.best(detections.score, frame.index)]
        tracks = tracker.update(detections)
        others = np.delete(detections.xyxy, tracks.detection, axis=0)
        boxes = detections.xyxy[tracks.detection]
        yield from cutter.update(frame.index, frame.time, frame.image, tracks.ids, boxes, others)
    yield from cutter.finish()


def _wanted(settings: HarvestSettings, stride: int) -> int | None:
    """Frames that come out of a source with this stride."""
    return -(-settings.frames // stride) if settings.frames else None


def _detector_file(settings: HarvestSettings) -> Path | None:
    """The file or folder of the detector's weights; None for HOG, which has none of its own.

    With `auto`, weights that appear later must give other crops, so what it stands for today is looked up.

    Raises:
        InputError: no such detector.
    """
    if settings.detector == "hog":
        return None
    if settings.detector == "builtin":
        return SHIPPED
    found = _at_hand(settings.detector)
    if found is None:
        find_detector(settings.detector)  # downloads what is published
        found = _at_hand(settings.detector)
    # Nothing at hand after a download was tried: `auto` goes on with what comes with the package.
    return found or SHIPPED


def _at_hand(spec: str) -> Path | None:
    path = Path(spec).expanduser()
    if spec != "auto" and path.exists():
        return path
    return weights_at_hand(None if spec == "auto" else path.with_suffix(".pt").name)


def _jpeg(crop: NDArray[np.uint8], quality: int) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
