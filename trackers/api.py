"""The functions for Python: `track` for one source, `link` for the people of several."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import settings as settings_
from remix_track import stop_signals
from remix_track.encoder.embedder import Embedder
from remix_track.errors import InputError
from remix_track.progress import OnProgress, unheard
from remix_track.renamed_settings import current_keys
from remix_track.trackers.detectors.detector import Detector
from remix_track.trackers.pipeline.run import Run
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import TrackSettings
from remix_track.trackers.sources import expand_sources, open_source

if TYPE_CHECKING:
    from remix_track.trackers.pipeline.linked_videos import Linked


def track(
    source: str | PathLike[str] | int | Iterable[Any],
    *,
    start: int = 1,
    stride: int = 1,
    frames: int | None = None,
    fps: float | None = None,
    settings: TrackSettings | None = None,
    **changes: Any,
) -> Run:
    """Track people in a video.

        for frame in remix_track.track("video.mp4", detector="yolo11n.pt", max_age=60):
            print(frame.index, frame.ids, frame.xyxy)

    Images in memory are a source too, and are taken one by one; give their frame rate:

        for frame in remix_track.track(images, fps=25):
            print(frame.index, frame.ids, frame.xyxy)

    To write the files of the command `remix-track`, see `Run.record`:

        print(remix_track.track("video.mp4").record("out"))

    Args:
        source: video file, folder or glob of images, MOT sequence folder, webcam index, or URL. Or images, each as
            `remix_track.arrays.bgr_image` takes it ((H, W, 3) uint8 BGR), all of one size: a list, an array
            (N, H, W, 3), an iterator or generator, or any other iterable.
        start: first frame, from 1.
        stride: take every `stride`-th frame.
        frames: stop after so many; no more are taken from an iterator.
        fps: frames per second, where the source does not state them or states them wrongly. For images in memory 30
            is assumed, with a line in the log and in `Run.source.warnings`.
        settings: everything else, in sections.
        **changes: single settings by the name of their command-line flag: `detector`, `imgsz`, `classes`, `weights`,
            `min_confidence`, `max_age` ...; they win over `settings`. `detector` may also be a `Detector`, and
            `weights` an `Embedder`, of your own.

    Returns:
        The run: iterate it once for a `TrackedFrame` per frame, as they come.

    Raises:
        InputError: a source, detector, weights file or setting that cannot be used; an iterator with `offline=True`,
            as the images are needed twice. While iterating: a source that turns out to have no frames, an image that
            is none or of another size.
    """
    detector, embedder, named = _built(changes)
    chosen = _chosen(settings, named, "track()")
    if chosen.offline.offline and isinstance(source, Iterator):
        kind = type(source).__name__
        raise InputError(
            f"`source` is a {kind}, which gives its images once, and `offline` needs them twice; give a list"
        )
    session = Session(chosen, detector=detector, embedder=embedder)
    stream = session.settings.stream
    opened = partial(open_source, source, start=start, stride=stride, frames=frames, fps=fps, stream=stream)
    return session.run(opened(), reopen=opened)


def link(
    sources: Sequence[str | PathLike[str] | int] | str | PathLike[str],
    *,
    output: str | PathLike[str] | None = None,
    overwrite: bool = False,
    link_distance: float | None = None,
    start: int = 1,
    stride: int = 1,
    frames: int | None = None,
    fps: float | None = None,
    settings: TrackSettings | None = None,
    on_progress: OnProgress = unheard,
    **changes: Any,
) -> "Linked":
    """Track several videos and give every person one id in all of them, as `remix-track a.mp4 b.mp4 --link` does.

        linked = remix_track.link(["a.mp4", "b.mp4"], output="linked")
        print(linked.people, linked.people_in_several)
        for track in linked.tracks:
            print(track.person, track.source, track.first_frame, track.last_frame)

    Args:
        sources: two or more, each as `track` takes it; a glob of videos stands for all of them. Images in memory and
            cameras cannot be read twice, so they are none.
        output: the folder of all results; None: `runs/link`, numbered.
        overwrite: replace an earlier result in `output`.
        link_distance: largest mean cosine distance of one person, of vectors without their cameras; None: as near as
            strangers seldom come, measured on the tracks themselves, or with few tracks the weights' threshold.
        start: first frame of each, from 1.
        stride: take every `stride`-th frame.
        frames: stop after so many frames of each.
        fps: frames per second of the sources, where they are silent or wrong.
        settings: everything else, in sections.
        on_progress: called after each frame.
        **changes: single settings by name, as `track` takes them; they win over `settings`. And which files are written
            of each video, with the people's ids, as `Run.record` takes them: `video=False`, `csv=True`.

    Returns:
        Every track with its person, and what `summary.json` says of each video.

    Raises:
        InputError: a source, setting or place that cannot be used. One source among several that cannot be tracked is
            said in the log, and the others are linked.
    """
    from remix_track.trackers.pipeline.linked_videos import check_links, link_videos
    from remix_track.trackers.sinks.formats import OutputSettings

    formats = {field.name for field in dataclasses.fields(OutputSettings)} & changes.keys()
    wanted = settings_.build(OutputSettings, {name: changes.pop(name) for name in formats}, "link()")
    chosen = _chosen(settings, changes, "link()")
    given = [sources] if isinstance(sources, str | PathLike) else sources
    names = expand_sources([name if isinstance(name, str | int) else Path(name) for name in given])
    check_links(len(names), wanted, link_distance, appearance=chosen.appearance.weights != "none")
    session = Session(chosen)
    opener = partial(open_source, start=start, stride=stride, frames=frames, fps=fps, stream=chosen.stream)
    with stop_signals.caught_if_unhandled():
        return link_videos(
            names,
            session,
            opener,
            wanted,
            output=None if output is None else Path(output),
            overwrite=overwrite,
            link_distance=link_distance,
            on_progress=on_progress,
        )


def _built(changes: Mapping[str, Any]) -> tuple[Detector | None, Embedder | None, dict[str, Any]]:
    """A detector and an embedder among the settings, and the settings with what these are called in their place."""
    detector, embedder = changes.get("detector"), changes.get("weights")
    named = dict(changes)
    if isinstance(detector, Detector):
        named["detector"] = detector.name
    if isinstance(embedder, Embedder):
        named["weights"] = str(embedder.description["name"])
    return (
        detector if isinstance(detector, Detector) else None,
        embedder if isinstance(embedder, Embedder) else None,
        named,
    )


def _chosen(settings: TrackSettings | None, changes: Mapping[str, Any], where: str) -> TrackSettings:
    if settings is not None and not isinstance(settings, TrackSettings):
        raise InputError(f"`settings` is of type {type(settings).__name__}; give a TrackSettings")
    return _changed(settings or TrackSettings(), changes, where)


def _changed(settings: TrackSettings, changes: Mapping[str, Any], where: str) -> TrackSettings:
    known = [f.name for s in dataclasses.fields(settings) for f in dataclasses.fields(getattr(settings, s.name))]
    changes = current_keys(changes, known, where)
    for section in dataclasses.fields(settings):
        part = getattr(settings, section.name)
        mine = {key: value for key, value in changes.items() if key in {f.name for f in dataclasses.fields(part)}}
        if mine:
            kept = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
            part = settings_.build(type(part), kept | mine, where)
            settings = dataclasses.replace(settings, **{section.name: part})
    settings_.refuse_unknown(changes, known, where)
    return settings
