"""One pre-training for each seed, shared by all cells of a study that pre-train alike.

MoCo takes longer than all else, and what it does depends on few of the settings. So it is a training of its own, with
the others at their defaults and no joint training, and cells start from the weights it leaves. That gives each cell the
weights that it would have had by pre-training itself, to the bit.
"""

import dataclasses

from remix_track.studies.cell_runs import CellRun
from remix_track.studies.study_file import Cell
from remix_track.training.train_settings import TrainSettings

NAME = "shared pre-training"
WEIGHTS = "remix.safetensors"


def pretraining_cell(cell: Cell) -> Cell | None:
    """The pre-training that a cell needs; None where it needs none, or is one."""
    chosen = cell.settings
    if not chosen.pretrain or not chosen.run.epochs:
        return None
    plain = TrainSettings()
    run = dataclasses.replace(
        chosen.run,
        epochs=0,
        evaluate_every=plain.run.evaluate_every,
        weights=plain.run.weights,
        stored=plain.run.stored,
    )
    alone = dataclasses.replace(
        plain,
        joint=False,
        data=chosen.data,
        drawn=chosen.drawn,
        harvest=chosen.harvest,
        encoder=chosen.encoder,
        moco=chosen.moco,
        pretraining=chosen.pretraining,
        pretraining_augmentation=chosen.pretraining_augmentation,
        run=run,
    )
    return Cell(NAME, (), alone)


def words_to_start_from(pretraining: CellRun) -> list[str]:
    """What a cell's training is told to start from the weights of this pre-training instead of its own."""
    weights = (pretraining.folder / WEIGHTS).resolve()
    return ["--set", "pretrain=false", "--set", f"encoder.weights={weights}"]
