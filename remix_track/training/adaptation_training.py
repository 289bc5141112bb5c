"""Weights to one's own cameras: the joint training from them, what it cost the old domain, and a threshold."""

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.encoder.shipped import located
from remix_track.encoder.torch_network import choose_device
from remix_track.encoder.weights_card import printable
from remix_track.encoder.weights_file import load_weights, save_weights
from remix_track.errors import InputError
from remix_track.settings import build
from remix_track.settings_text import to_toml
from remix_track.training.adapt_settings import Start
from remix_track.training.checkpoint import FOLDER, Checkpoint, load_checkpoint, newest_checkpoint
from remix_track.training.context import Position
from remix_track.training.data_sets import open_labelled
from remix_track.training.embedding import EmbedPlan
from remix_track.training.evaluation import evaluate_encoder
from remix_track.training.reading import reading_threads
from remix_track.training.run import WEIGHTS, Outcome, make_encoder, run_training
from remix_track.training.stopping import StopRequest
from remix_track.training.train_settings import TrainSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What a training for one's own cameras gave.

    Attributes:
        outcome: of the training; its threshold is that of the old domain.
        before: scores of the weights it started from, on the old domain.
    """

    outcome: Outcome
    before: dict[str, float]


def resumable(folder: Path, settings: TrainSettings, *, anew: bool) -> Checkpoint | None:
    """The checkpoint to go on from; None where there is none, or where a finished one is to be done again.

    Raises:
        InputError: the one that is there is of other settings.
    """
    finished = (folder / WEIGHTS).exists()
    if not (folder / FOLDER).is_dir() or not any((folder / FOLDER).iterdir()) or (finished and anew):
        return None
    found = load_checkpoint(newest_checkpoint(folder))
    before = build(TrainSettings, found.settings, str(folder))
    if before != settings:
        old, new = (set(to_toml(one).splitlines()) for one in (before, settings))
        differ = "; ".join(" ".join(line.partition("#")[0].split()) for line in sorted(new - old))[:200]
        raise InputError(
            f"{folder}: an adaptation with other settings is under way ({differ}); delete it, or give another `output`"
        )
    return found


def adapt_encoder(
    settings: TrainSettings,
    claim: Callable[[], Path],
    resumed: Checkpoint | None,
    stop: StopRequest,
    show: Callable[[Position], None],
) -> Adaptation:
    """Train jointly from the settings' weights, and score these and the result on the old domain, `data.target`.

    Raises:
        InputError: data, settings or results that cannot be used; the last checkpoint is whole.
        Stopped: a stop was asked for; a checkpoint is written.
    """
    outcome = run_training(settings, claim, resumed=resumed, stop=stop, show=show)
    device = choose_device(settings.run.device)
    encoder = make_encoder(settings, device)
    target = open_labelled(settings.data.target, strict=settings.data.strict)
    plan = EmbedPlan(
        network_input=_input(settings),
        device=device,
        batch=settings.run.embed_batch,
        workers=reading_threads(settings.data.workers),
        stop=stop,
    )
    return Adaptation(outcome, evaluate_encoder(plan, encoder, target))


def write_adapted(trained: Path, output: Path, distance: float | None, start: Start) -> None:
    """Write the trained weights as the result, with the threshold of one's own cameras and where they come from.

    Raises:
        InputError: weights that cannot be read, or a place that cannot be written.
    """
    card, state = load_weights(trained)
    text = f"{card.trained_on}; adapted from {Path(located(start.name)).name}: {start.trained_on}"
    known = card.max_cosine_distance if distance is None else distance
    save_weights(output, state, dataclasses.replace(card, trained_on=printable(text), max_cosine_distance=known))


def _input(settings: TrainSettings) -> Any:
    from remix_track.encoder.crops import NetworkInput

    return NetworkInput(settings.encoder.height, settings.encoder.width)
