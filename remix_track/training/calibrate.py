"""The tracker's threshold from one's own unlabelled footage: harvest crops, compare them, store it with the weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track import settings as settings_
from remix_track.data.crops.harvest_cache import Harvest
from remix_track.data.crops.tracklet_crops import TrackletVectors, embed_tracklets
from remix_track.data.crops.tracklets import DEFAULT_FOOTAGE, HarvestSettings
from remix_track.encoder.embedder import Embedder
from remix_track.encoder.threshold import check_storage, store_threshold
from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.training.threshold_from_labels import Calibration, labelled_distances, least_wrong
from remix_track.training.threshold_from_tracklets import FEWEST_CROPS, calibrate_tracklets

LONGEST_NAMES = 200
"""Letters of all the footage's names in a message."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A threshold that was measured and stored.

    Attributes:
        calibration: the threshold and what it costs.
        weights: the file that it is stored with.
        histogram: the image of the distances it rests on.
    """

    calibration: Calibration
    weights: Path
    histogram: Path

    @property
    def max_cosine_distance(self) -> float:
        """The threshold: at most so far apart is one person."""
        return self.calibration.max_cosine_distance


def calibrate(
    footage: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    weights: str | PathLike[str],
    output: str | PathLike[str] | None = None,
    overwrite: bool = False,
    crops: str | PathLike[str] = DEFAULT_FOOTAGE,
    settings: HarvestSettings | None = None,
    on_progress: OnProgress = unheard,
    **changes: Any,
) -> Calibrated:
    """Measure the tracker's threshold on unlabelled footage and store it with the weights: `remix-track calibrate`.

        made = remix_track.calibrate("footage.mp4", weights="default", output="mine.safetensors")
        print(made.max_cosine_distance, made.weights, made.histogram)

    Args:
        footage: video files, folders that hold some, or patterns; one or several. `corrections:STORE` among them is the
            people of a store whom a user corrected: pairs of crops that are one person, and that are not.
        weights: `.safetensors`, `.onnx`, `.xml`, `default` or `imagenet`.
        output: a copy of the weights with the threshold; None stores it with the weights themselves.
        overwrite: replace a threshold or file that is there.
        crops: folder of harvested crops, which are made once.
        settings: how crops are harvested.
        on_progress: called for each frame and each crop.
        **changes: single settings of the harvest by name: `detector`, `rate`, `min_score` ...; they win.

    Returns:
        The threshold, what it costs, and where it is.

    Raises:
        InputError: footage that says too little, weights without a place for a threshold, or something there already.
    """
    names, weights = names_of(footage), fspath(weights)
    chosen = changed_harvest(settings, changes, "calibrate()")
    target = check_storage(weights, None if output is None else Path(output), overwrite=overwrite)
    histogram = target.with_name(f"{target.stem}-calibration.png")
    if histogram.exists() and not overwrite:
        raise InputError(f"{histogram}: there is something already; move it away, or give `overwrite`")

    from remix_track.data.crops.harvest import harvest_videos
    from remix_track.encoder.load import load_embedder
    from remix_track.retrieval.figures import write_distance_histogram

    extra("matplotlib.figure", "plots", histogram.name)
    embedder = load_embedder(weights)
    if embedder is None:
        raise InputError("`weights` none: there is no appearance to calibrate")
    labelled = [name for name in names if name.startswith("corrections:")]
    videos = [name for name in names if name not in labelled]
    harvests = list(harvest_videos(videos, Path(crops).expanduser(), chosen, on_progress=on_progress)) if videos else []
    where = ", ".join(names)[:LONGEST_NAMES]
    calibration, same, other = _measured(harvests, labelled, embedder, where, on_progress)
    store_threshold(weights, target, calibration.max_cosine_distance)
    title = f"{Path(weights).name} on {', '.join([*(made.video for _, made in harvests), *labelled])}"[:100]
    write_distance_histogram(histogram, same, other, calibration.max_cosine_distance, title)
    return Calibrated(calibration, target, histogram)


def _measured(
    harvests: Sequence[tuple[Path, Harvest]],
    labelled: Sequence[str],
    embedder: Embedder,
    where: str,
    on_progress: OnProgress,
) -> tuple[Calibration, NDArray[np.float64], NDArray[np.float64]]:
    """The threshold on tracklets of videos and on corrected people, and the distances of one and of different people.

    Raises:
        InputError: too little to say.
    """
    same, other = [np.empty(0)], [np.empty(0)]
    if harvests:
        calibration, own, others = calibrate_tracklets(embed_harvests(harvests, embedder, where, on_progress), where)
        if not labelled:
            return calibration, own, others
        same, other = [own], [others]
    for name in labelled:
        own, others = _of_corrections(name, embedder)
        same.append(own)
        other.append(others)
    own, others = np.sort(np.concatenate(same)), np.sort(np.concatenate(other))
    if len(own) < FEWEST_CROPS or not len(others):
        raise InputError(
            f"{where}: {len(own)} crops that have another one of their person, in one camera with somebody else; "
            f"a threshold takes {FEWEST_CROPS}: correct more people, or give footage too"
        )
    return least_wrong(own, others), own, others


def _of_corrections(name: str, embedder: Embedder) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from remix_track.training.any_encoder import embed_crops
    from remix_track.training.data_sets import open_labelled

    crops = open_labelled(name, strict=True)
    unit, found = embed_crops(embedder, crops.store, np.arange(len(crops)))
    return labelled_distances(unit[found], crops.identity[found].astype(np.int64), crops.camera[found].astype(np.int64))


def names_of(footage: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[str]:
    """One or several names, as texts."""
    return [fspath(name) for name in ([footage] if isinstance(footage, str | PathLike) else footage)]


def changed_harvest(settings: HarvestSettings | None, changes: dict[str, Any], where: str) -> HarvestSettings:
    """The settings with single ones changed.

    Raises:
        InputError: an unknown one, or a value that does not fit.
    """
    given = settings or HarvestSettings()
    kept = {name: getattr(given, name) for name in HarvestSettings.__dataclass_fields__}
    return settings_.build(HarvestSettings, kept | changes, where)


def embed_harvests(
    harvests: Sequence[tuple[Path, Harvest]], embedder: Embedder, where: str, on_progress: OnProgress = unheard
) -> list[TrackletVectors]:
    """The vectors of harvested videos.

    Raises:
        InputError: no two people in them who can be told apart, or a crop that cannot be read.
    """
    from remix_track.data.crops.harvest import refuse_too_few

    refuse_too_few([made for _, made in harvests], where)
    crops, done = sum(made.crops for _, made in harvests), 0

    def check() -> None:
        nonlocal done
        done += 1
        on_progress(Progress("crops", "crops", done, crops, "embedding"))

    return [embed_tracklets(folder, made, embedder, check) for folder, made in harvests]
