"""A whole training run: data, pre-training, joint training, and the weights for the tracker."""

import logging
import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from remix_track.digests import sha256_of_bytes
from remix_track.encoder.backbones import Encoder, build_encoder, freeze_batchnorm
from remix_track.encoder.weights_card import WeightsCard, printable
from remix_track.encoder.weights_file import save_weights
from remix_track.errors import InputError
from remix_track.settings_text import to_toml
from remix_track.text_files import write_text
from remix_track.training.baseline import train_baseline
from remix_track.training.checkpoint import BEST, FOLDER, Checkpoint, load_checkpoint
from remix_track.training.context import Position, Run
from remix_track.training.data_sets import open_training_data
from remix_track.training.evaluation import calibrate_encoder, evaluate_encoder
from remix_track.training.initial_weights import load_initial_weights
from remix_track.training.joint_training import train_jointly
from remix_track.training.optimisation import check_precision
from remix_track.training.pretrain import pretrain
from remix_track.training.processes import joined
from remix_track.training.randomness import seeded
from remix_track.training.report import write_report
from remix_track.training.restore import refuse_other_encoder, restore_network
from remix_track.training.run_log import RunLog
from remix_track.training.stopping import StopRequest
from remix_track.training.threshold_from_labels import Calibration
from remix_track.training.train_settings import TrainSettings

logger = logging.getLogger(__name__)

WEIGHTS = "remix.safetensors"
CONFIG = "config.toml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind.

    Attributes:
        weights: the file.
        scores: of these weights on the target; empty without one.
        calibration: of the threshold; None where the data could not say.
    """

    weights: Path
    scores: dict[str, float]
    calibration: Calibration | None


def run_training(
    settings: TrainSettings,
    claim: Callable[[], Path],
    *,
    resumed: Checkpoint | None = None,
    stop: StopRequest,
    show: Callable[[Position], None] = lambda position: None,
) -> Outcome:
    """Train from nothing, or from a checkpoint, to the end; under `torchrun` with the other processes.

    Args:
        settings: resolved.
        claim: the folder of the run; called when the data is known to be there, so that a slip leaves no folder.
        resumed: where to go on.
        stop: asked between steps.
        show: told where the run is.

    Raises:
        InputError: data, settings or results that cannot be used; the last checkpoint is whole.
        Stopped: a stop was asked for; a checkpoint is written.
    """

    def harvesting(video: str, number: int, videos: int, frame: int, frames: int | None) -> None:
        show(Position("footage", number, videos, frame, frames or 0, video, math.nan, math.nan))

    if settings.run.threads:
        torch.set_num_threads(settings.run.threads)
    with joined(settings.run.device) as processes:
        stop.agree = processes.all_max
        check_precision(processes.device, settings)
        if resumed:
            refuse_other_encoder(resumed, settings.encoder, f"the checkpoint {resumed.name}")
        data = processes.rank_0_then_others(
            lambda: open_training_data(settings, check=stop.check_here, show=harvesting)
        )
        if resumed and resumed.data != data.counts():
            differ = [f"{name} {resumed.data.get(name)} then, {now} now" for name, now in data.counts().items()]
            raise InputError(f"the data is not that of the checkpoint ({'; '.join(differ)}); start a new run")
        # The BN-neck takes no part in pre-training, so its checkpoints do not hold it.
        fresh = resumed is None or resumed.stage == "pretrain"
        encoder = processes.all_or_none(lambda: make_encoder(settings, processes.device, fresh=fresh))
        processes.synchronise(encoder)
        folder = processes.on_rank_0(claim)
        log = processes.all_or_none(lambda: _open_log(settings, folder, resumed) if processes.first else None)
        best = dict(resumed.best) if resumed else {}
        run = Run(settings, data, folder, processes.device, log, stop, show, processes, best)
        if not resumed:
            run.write("start", settings=to_toml(settings), **data.counts())
        if settings.pretrain and not (resumed and resumed.stage == "joint"):
            pretrain(run, encoder, resumed)
            resumed = None
        if not settings.run.epochs:
            return _finish(run, encoder)
        if settings.method == "baseline":
            return _finish(run, train_baseline(run, encoder, resumed))
        return _finish(run, train_jointly(run, encoder, resumed).network)


def _open_log(settings: TrainSettings, folder: Path, resumed: Checkpoint | None) -> RunLog:
    write_text(folder / CONFIG, to_toml(settings))
    return RunLog(folder, resumed.log_lines if resumed else 0, tensorboard=settings.run.tensorboard)


def make_encoder(settings: TrainSettings, device: torch.device, *, fresh: bool = True) -> Encoder:
    """The encoder with its initial weights; without them where a checkpoint will fill it."""
    with seeded(settings.run.seed, "encoder"):
        encoder = build_encoder(settings.encoder.architecture, even_light=settings.encoder.even_light)
    if settings.encoder.frozen_batchnorm:
        freeze_batchnorm(encoder.backbone)
    if fresh:
        load_initial_weights(encoder, settings.encoder)
    # Convolutions are about twice as fast so on a CPU, and with bfloat16 on a GPU.
    return encoder.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _finish(run: Run, network: torch.nn.Module) -> Outcome:
    """Weights with a calibrated threshold, their score, and the report."""
    best = run.folder / FOLDER / BEST
    plan, data, on_rank_0 = run.embed_plan, run.data, run.processes.on_rank_0
    if run.settings.run.weights == "best" and on_rank_0(best.is_file):
        restore_network(network, on_rank_0(lambda: load_checkpoint(best).state["momentum"]), "best momentum encoder")
    state = _as_stored(network.state_dict(), run.settings.run.stored, run.folder)
    # What is scored and calibrated is what the file holds.
    network.load_state_dict(state)
    scores = evaluate_encoder(plan, network, data.target) if data.target is not None else {}
    if scores and not run.settings.run.epochs:
        run.write("evaluation", epoch=0, **scores)
    crops = data.calibration or data.target or data.labelled
    calibrated_on = crops.name
    if crops is data.labelled:
        calibrated_on += " (the training people, which the network was fitted to: it is too strict)"
        logger.warning("the tracker's threshold is taken from %s; name data.calibration or a target", calibrated_on)
    calibration = calibrate_encoder(plan, network, crops, run.settings.run.seed)
    path = run.folder / WEIGHTS

    def write() -> None:
        save_weights(path, state, make_card(run, calibration))
        write_report(run, scores, calibration, calibrated_on)

    on_rank_0(write)
    return Outcome(path, scores, calibration)


def _as_stored(state: dict[str, Tensor], numbers: str, folder: Path) -> dict[str, Tensor]:
    """The state in the numbers of `run.stored`: convolutions alone are halved, see `RunSettings`."""
    if numbers == "float32":
        return state
    stored = {name: one.half() if one.ndim == 4 else one for name, one in state.items()}
    for name, one in stored.items():
        if not one.isfinite().all():
            raise InputError(
                f"{folder}: float16 cannot hold {name}; the last checkpoint is whole: `resume` with run.stored=float32"
            )
    return stored


def make_card(run: Run, calibration: Calibration | None) -> WeightsCard:
    """What the tracker must know about the weights of this run."""
    settings = run.settings
    joint = settings.joint and settings.run.epochs > 0
    stages = [name for name, on in (("MoCo v2", settings.pretrain), ("joint", joint)) if on]
    method = "ReMix" if settings.method == "remix" else "classification and triplet loss"
    how = f"{method}, {' + '.join(stages) or 'labelled data alone'}, {settings.run.epochs} epochs"
    return WeightsCard(
        architecture=settings.encoder.architecture,
        input_height=settings.encoder.height,
        input_width=settings.encoder.width,
        embedding_width=build_width(settings.encoder.architecture),
        trained_on=printable(f"{run.data.described()} ({how})")[:1000],
        even_light=settings.encoder.even_light,
        max_cosine_distance=calibration.max_cosine_distance if calibration else None,
        config_hash=sha256_of_bytes(to_toml(settings).encode())[:16],
        git_revision=_git_revision(),
    )


def build_width(architecture: str) -> int:
    """D, the length of an architecture's vectors."""
    with torch.device("meta"):
        return build_encoder(architecture).width


def _git_revision() -> str:
    """Of the checkout that this code runs from; empty where it is none."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
