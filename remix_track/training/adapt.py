"""Weights for one's own cameras, learnt from one's own videos without a label: harvest, train, calibrate, write."""

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import stop_signals
from remix_track.data.crops.harvest_cache import Harvest
from remix_track.data.crops.tracklets import DEFAULT_FOOTAGE
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.machine import cache_folder
from remix_track.output_files import reserve_existing_folder, reserve_folder
from remix_track.progress import OnProgress, Progress, unheard
from remix_track.text_files import write_text
from remix_track.training.adapt_settings import Start, adapt_settings, read_start
from remix_track.training.calibrate import LONGEST_NAMES, embed_harvests, names_of
from remix_track.training.stopping import StopRequest
from remix_track.training.threshold_from_labels import Calibration
from remix_track.training.train_settings import TrainSettings

if TYPE_CHECKING:
    from remix_track.training.context import Position

logger = logging.getLogger(__name__)

FEWEST_TRACKLETS = 8
"""Fewer show too few people to learn from."""
DRAWN: dict[str, Any] = {
    "identities": 200,
    "cameras": 6,
    "videos": 1,
    "sequences": 1,
    "target_identities": 60,
    "seed": 0,
}
"""The drawn people that keep what is known alive; see `synthesize`."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """Weights that were adapted, and what that cost.

    Attributes:
        weights: the new weights.
        folder: of the run: checkpoints, log, `adapt.json`.
        old_domain: the data set on which it was measured what was forgotten.
        before: scores there of the weights it started from.
        after: scores there of the new ones.
        calibration: the threshold from the footage; None where it says too little.
    """

    weights: Path
    folder: Path
    old_domain: str
    before: dict[str, float]
    after: dict[str, float]
    calibration: Calibration | None

    @property
    def lost(self) -> float:
        """Points of mAP that the old domain lost, of 100; below 0 where it gained."""
        return 100 * (self.before["map"] - self.after["map"])


def adapt(
    footage: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    weights: str | PathLike[str],
    output: str | PathLike[str],
    overwrite: bool = False,
    labelled: Sequence[str] = (),
    target: str | None = None,
    crops: str | PathLike[str] = DEFAULT_FOOTAGE,
    settings: Mapping[str, Any] | None = None,
    changes: Sequence[str] = (),
    where: str = "adapt()",
    on_progress: OnProgress = unheard,
    on_training: "Callable[[Position], None] | None" = None,
) -> Adapted:
    """Learn from unlabelled videos of one's own cameras, beside labelled people: `remix-track adapt`.

        made = remix_track.adapt("footage.mp4", weights="default", output="mine.safetensors")
        print(made.weights, made.lost, made.calibration)

    The same call goes on where it was stopped.

    Args:
        footage: video files, folders that hold some, or patterns; one or several.
        weights: to start from: a `.safetensors` of ours, `default` or `imagenet`.
        output: the new weights, `.safetensors`; the run is kept in `OUTPUT-adapt/`.
        overwrite: replace `output`, and a finished run of it.
        labelled: labelled people, each `KIND:PATH`; drawn ones, where these are no others than `corrections:STORE`.
        target: the old domain, `KIND:PATH`; None: the first of `labelled` with query and gallery, else drawn people.
        crops: folder of harvested crops, which are made once.
        settings: that differ, by section, as in a settings file of `remix-train`.
        changes: single ones, each `section.key=value`; they win.
        where: what a message calls `settings`.
        on_progress: called for each frame that is harvested, each step of the training, each crop that is embedded.
        on_training: called in place of it with the steps of the training.

    Returns:
        The weights, the threshold, and the scores before and after.

    Raises:
        InputError: footage that says too little, data or settings that cannot be used, or something there already.
        KeyboardInterrupt: the user stopped it; a checkpoint is written.
    """
    names, path, crops = names_of(footage), Path(output), Path(crops).expanduser()
    if path.suffix.lower() != ".safetensors":
        raise InputError(f"`output` {path}: weights are written as .safetensors; give such a name")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: there is something already; give another `output`, or `overwrite`")
    start, drawn = read_start(fspath(weights)), drawn_folder()
    chosen = chosen_settings(start, names, labelled, target, crops, drawn, settings or {}, changes, where)
    show = on_training or partial(_as_progress, on_progress)
    with stop_signals.caught_if_unhandled(), StopRequest() as stop:
        return _adapt(start, chosen, names, path, crops, drawn, stop, on_progress, show)


def _adapt(
    start: Start,
    settings: TrainSettings,
    footage: Sequence[str],
    output: Path,
    crops: Path,
    drawn: Path,
    stop: StopRequest,
    on_progress: OnProgress,
    show: "Callable[[Position], None]",
) -> Adapted:
    from remix_track.data.crops.harvest import harvest_videos
    from remix_track.training.adaptation_training import adapt_encoder, resumable, write_adapted
    from remix_track.training.run import WEIGHTS

    began = time.perf_counter()
    if {f"synthetic:{drawn}", f"synthetic-target:{drawn}"} & {*settings.data.multi_camera, settings.data.target}:
        draw(drawn, stop, on_progress)
    where = ", ".join(footage)[:LONGEST_NAMES]
    harvests = list(harvest_videos(footage, crops, settings.harvest, check=stop.check_here, on_progress=on_progress))
    _refuse_too_few(harvests, where)
    folder = output.with_name(f"{output.stem}-adapt")
    resumed = resumable(folder, settings, anew=output.exists())

    def reserve() -> Path:
        return reserve_existing_folder(folder) if resumed else reserve_folder(folder, overwrite=True)

    on_progress(Progress("training", "data indexing", 0))
    found = adapt_encoder(settings, reserve, resumed, stop, show)
    calibration = _calibrate(found.outcome.weights, harvests, where, stop, on_progress)
    write_adapted(folder / WEIGHTS, output, calibration.max_cosine_distance if calibration else None, start)
    made = Adapted(output, folder, settings.data.target, found.before, found.outcome.scores, calibration)
    _write_facts(start, made, harvests, time.perf_counter() - began)
    return made


def chosen_settings(
    start: Start,
    footage: Sequence[str],
    labelled: Sequence[str],
    target: str | None,
    crops: Path,
    drawn: Path,
    values: Mapping[str, Any],
    changes: Sequence[str],
    where: str,
) -> TrainSettings:
    """All settings, with the labelled half and the old domain: what the user names, else drawn people.

    A user's corrections are few, and of one's own cameras: they stand beside what keeps the old.
    """
    old_people = [] if any(not name.startswith("corrections:") for name in labelled) else [f"synthetic:{drawn}"]
    data = {
        "multi_camera": [*old_people, *labelled],
        "single_camera": [f"footage:{video}" for video in footage],
        "footage_folder": str(crops),
    }
    made = adapt_settings(start, data, values, changes, where)
    old = target or _scored(labelled, made.data.strict) or f"synthetic-target:{drawn}"
    return dataclasses.replace(made, data=dataclasses.replace(made.data, target=old))


def _scored(labelled: Sequence[str], strict: bool) -> str:
    """The first of the labelled sets that has query and gallery; empty for none."""
    from remix_track.data.crop_set import Split
    from remix_track.training.data_sets import open_labelled

    for name in labelled:
        crops = open_labelled(name, strict=strict)
        if len(crops.rows(Split.QUERY)) and len(crops.rows(Split.GALLERY)):
            return name
    return ""


def drawn_folder() -> Path:
    """Where drawn people are kept, see `cache_folder`.

    Raises:
        InputError: there is no home folder.
    """
    name = "-".join(f"{key[0]}{value}" for key, value in sorted(DRAWN.items()))
    folder = cache_folder("drawn")
    if folder is None:
        raise InputError("there is no home folder to keep drawn people in; set XDG_CACHE_HOME to a folder")
    return folder / name


def draw(folder: Path, stop: StopRequest, on_progress: OnProgress = unheard) -> None:
    """Draw the people once; a folder that is there is whole."""
    if folder.is_dir():
        return
    from remix_track.synthetic.dataset import synthesize

    def show(part: str, done: int, total: int) -> None:
        stop.check_here()
        on_progress(Progress("drawn people", part, done, total, "drawing, once"))

    try:
        synthesize(folder, **DRAWN, show=show)
    except InputError:
        # Another run may have drawn them meanwhile.
        if not folder.is_dir():
            raise


def _refuse_too_few(harvests: Sequence[tuple[Path, Harvest]], where: str) -> None:
    from remix_track.data.crops.harvest import refuse_too_few

    made = [one for _, one in harvests]
    refuse_too_few(made, where)
    tracklets, frames = sum(len(one.tracklets) for one in made), sum(one.frames for one in made)
    if tracklets < FEWEST_TRACKLETS:
        raise InputError(
            f"{where}: {tracklets} tracklets in {frames:,} frames are too few to learn from; "
            f"at least {FEWEST_TRACKLETS} are needed: give more footage, or a better detector"
        )


def _calibrate(
    weights: Path,
    harvests: Sequence[tuple[Path, Harvest]],
    where: str,
    stop: StopRequest,
    on_progress: OnProgress,
) -> Calibration | None:
    """The threshold from one's own footage; None, and a line, where it says too little."""
    from remix_track.encoder.load import load_embedder
    from remix_track.training.threshold_from_tracklets import calibrate_tracklets

    embedder = load_embedder(weights)
    assert embedder is not None
    stop.check_here()
    try:
        return calibrate_tracklets(embed_harvests(harvests, embedder, where, on_progress), where)[0]
    except InputError as error:
        logger.warning("%s; the threshold is that of the labelled people", error)
        return None


def _write_facts(start: Start, made: Adapted, harvests: Sequence[tuple[Path, Harvest]], seconds: float) -> None:
    facts: dict[str, Any] = {
        "weights": start.name,
        "output": str(made.weights),
        "footage": {
            folder.name: {"video": one.video, "tracklets": len(one.tracklets), "crops": one.crops}
            for folder, one in harvests
        },
        "old_domain": {"before": made.before, "after": made.after, "lost_map": made.lost},
        "calibration": None if made.calibration is None else dataclasses.asdict(made.calibration),
        "seconds_of_last_run": round(seconds, 1),
    }
    write_text(made.folder / "adapt.json", json_text(facts, indent=2))


def _as_progress(on_progress: OnProgress, position: "Position") -> None:
    name = f"epoch {position.epoch}/{position.epochs}"
    on_progress(Progress(position.stage, name, position.step, position.steps, position.doing))
