"""The paper's config on made-up crops: steps a second, memory, and whether a resumed run goes on where it was.

    python -m tests.bench.paper_config_steps OUT.json [--device cuda] [--seconds 30] [--people 1041] [--videos 250]

Both stages, the joint training first, then MoCo, each for `--seconds` after a warm-up of `--warm` steps and up to the
next checkpoint. For each: steps and images a second by the clock, without the steps that write a checkpoint; what a
checkpoint costs; the most memory that tensors had on the GPU, while sets are embedded and in the steps; the seconds
before the first step and what they went into. Then the run is taken up from the checkpoint before its end, and the
losses of the steps that it had already done are held against those it had the first time. On a CPU they are equal to
the bit; on a GPU sums in another order make a small difference, which is printed.

The crops are as many as an epoch of the paper's config has: 250 videos of 90, and 12 of each of MSMT17's 1,041 people
(not all of MSMT17-merged's 126,441). OUT.json is written anew after each stage. `bench_gpu_training` runs this.
"""

import argparse
import gc
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from remix_track.encoder.torch_network import choose_device
from remix_track.json_text import json_text
from remix_track.machine import usable_cores
from remix_track.settings import read_toml
from remix_track.settings_text import changed
from remix_track.training.checkpoint import FOLDER, Checkpoint, load_checkpoint
from remix_track.training.context import Position
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import TrainSettings
from tests.bench.made_up_crops import write_labelled, write_videos

CONFIG = Path(__file__).parents[2] / "configs/remix_msmt17_luperson.toml"
STEPS = 5000  # of an epoch: more than there is time for
AFTER = 5  # steps after the last checkpoint, which are done twice
STAGES = {
    "joint": ["pretrain=false", f"sampling.iterations_per_epoch={STEPS}"],
    "moco": ["joint=false", f"pretraining.iterations_per_epoch={STEPS}"],
}


@dataclass(frozen=True)
class Amounts:
    """Of made-up crops."""

    people: int
    videos: int
    people_of_a_video: int = 9
    crops_of_a_stranger: int = 10
    cameras: int = 4
    crops_of_a_person: int = 3


def draw(folder: Path, amounts: Amounts, threads: int) -> list[str]:
    """Make the sets; the settings that name them."""
    labelled, videos = folder / "labelled", folder / "videos"
    people, cameras, each = amounts.people, amounts.cameras, amounts.crops_of_a_person
    write_labelled(labelled, people=people, cameras=cameras, each=each, threads=threads)
    strangers, crops = amounts.people_of_a_video, amounts.crops_of_a_stranger
    write_videos(videos, videos=amounts.videos, people=strangers, each=crops, threads=threads)
    named = [f"data.multi_camera=folder:{labelled}", f"data.single_camera=folders:{videos}", "data.target="]
    return [*named, "data.hidden_identity_fields=0"]


@dataclass
class Watch:
    """Notes when each step of a run was done, and asks for a stop when there is enough.

    Args:
        device: whose memory is looked at.
        every: steps between checkpoints.
        warm: first steps, which do not count.
        seconds: of the steps after these.
    """

    device: torch.device
    every: int
    warm: int
    seconds: float
    stop: StopRequest = field(default_factory=StopRequest)
    began: float = field(default_factory=time.perf_counter)
    embedding: list[float] = field(default_factory=list)
    steps: dict[int, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)

    def show(self, position: Position) -> None:
        """What a run calls at each step, and where it embeds a set."""
        now = time.perf_counter()
        if position.doing == "embedding":
            self.embedding.append(now)
        if position.doing != "training":
            return
        if not self.steps:
            self.note_memory("before the steps")
        self.steps[position.step] = now
        if self.is_enough(position.step):
            self.note_memory("in the steps")
            self.stop.ask(signal.SIGTERM)

    def is_enough(self, step: int) -> bool:
        """Whether the time is over, and a checkpoint lies a few steps back."""
        first = list(self.steps.values())[min(self.warm, len(self.steps)) - 1]
        over = self.steps[step] - first >= self.seconds
        return over and len(self.steps) > self.warm and step > self.every and step % self.every == AFTER

    def note_memory(self, name: str) -> None:
        """The most that tensors had, and that torch had taken from the device, since this was last asked, in MiB."""
        if self.device.type != "cuda":
            return
        self.memory[name] = torch.cuda.max_memory_allocated(self.device) // 2**20
        self.memory[f"{name}, taken"] = torch.cuda.max_memory_reserved(self.device) // 2**20
        torch.cuda.reset_peak_memory_stats(self.device)

    def seconds_of_steps(self) -> tuple[list[float], list[float]]:
        """Of the steps after the warm-up: of the usual ones, and of those that write a checkpoint."""
        numbers = list(self.steps)
        took = [(n, self.steps[n] - self.steps[before]) for before, n in pairwise(numbers)]
        counted = took[self.warm - 1 :]
        return (
            [seconds for number, seconds in counted if number % self.every],
            [seconds for number, seconds in counted if number % self.every == 0],
        )


def train(settings: TrainSettings, folder: Path, watch: Watch, resumed: Checkpoint | None = None) -> None:
    """Until the watch asks for a stop."""
    try:
        run_training(settings, lambda: folder, resumed=resumed, stop=watch.stop, show=watch.show)
    except Stopped:
        return
    raise RuntimeError("the training ended before it was stopped")


def measured(settings: TrainSettings, folder: Path, watch: Watch, images: int) -> dict[str, Any]:
    """Train for a while; the speeds of it."""
    if watch.device.type == "cuda":
        torch.cuda.init()  # there are no statistics before
        gc.collect()  # what the stage before left
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(watch.device)
    train(settings, folder, watch)
    usual, saving = watch.seconds_of_steps()
    each = sum(usual) / len(usual)
    first = min(watch.steps.values())
    found: dict[str, Any] = {
        "steps": len(usual),
        "steps_per_second": 1 / each,
        "images_in_a_step": images,
        "images_per_second": images / each,
        "checkpoint_seconds": sum(saving) / len(saving) - each if saving else None,
        "seconds_before_the_first_step": first - watch.began,
        "gpu_memory_mib": watch.memory,
    }
    if len(watch.embedding) == 2:
        labelled, single = watch.embedding
        found |= {
            "seconds_embedding_labelled": single - labelled,
            "seconds_embedding_videos_and_labels": first - single,
        }
    labels = [one for one in read_log(folder) if one["event"] == "labels"]
    found |= {name: labels[-1][name] for name in ("clusters", "purity") if labels}
    return found


def resumed_again(settings: TrainSettings, folder: Path, watch: Watch) -> dict[str, Any]:
    """Take the run up from the checkpoint before its end, for the steps it did after that; both times' losses."""
    before = _losses(folder)
    checkpoint = load_checkpoint(sorted((folder / FOLDER).glob("*.pt"))[-2])
    train(settings, folder, watch, checkpoint)
    after = _losses(folder)
    twice = sorted(step for step in after if step > checkpoint.step and step in before)
    apart = [abs(after[step] - before[step]) / abs(before[step]) for step in twice]
    return {
        "resumed_after_step": checkpoint.step,
        "first_step_then": min(watch.steps),
        "steps_done_twice": twice,
        "loss_apart_first": apart[0],
        "loss_apart_greatest": max(apart),
        "goes_on": min(watch.steps) == checkpoint.step + 1 and apart[0] < 1e-2,
        "seconds_before_the_first_step_then": min(watch.steps.values()) - watch.began,
    }


def _losses(folder: Path) -> dict[int, float]:
    return {one["step"]: one["total"] for one in read_log(folder) if one["event"] == "step"}


def images_in_a_step(settings: TrainSettings, stage: str) -> int:
    """Those that the networks see as one batch."""
    chosen = settings.sampling
    if stage == "moco":
        return settings.pretraining.batch_size
    return chosen.multi_identities * chosen.multi_images + chosen.single_identities * chosen.single_images


def stage_result(stage: str, folder: Path, changes: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one stage and resume it."""
    every = arguments.checkpoint_every
    fixed = ["run.epochs=1", "pretraining.epochs=1", "run.log_every=1", "run.checkpoint_minutes=0", "run.keep=2"]
    words = [*changes, *fixed, *STAGES[stage], f"run.checkpoint_every={every}", f"run.device={arguments.device}"]
    settings = changed(TrainSettings, read_toml(CONFIG), [*words, *arguments.set], str(CONFIG))
    device = choose_device(arguments.device)
    watch = Watch(device, every, arguments.warm, arguments.seconds)
    found = measured(settings, folder, watch, images_in_a_step(settings, stage))
    return found | resumed_again(settings, folder, Watch(device, every, warm=1, seconds=0))


def main() -> None:
    """Measure both stages and write what was found after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--checkpoint-every", type=int, default=40)
    parser.add_argument("--people", type=int, default=1041)
    parser.add_argument("--videos", type=int, default=250)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        begun = time.perf_counter()
        changes = draw(Path(made), Amounts(arguments.people, arguments.videos), usable_cores())
        results["seconds_drawing"] = time.perf_counter() - begun
        for stage in STAGES:
            folder = Path(made) / stage
            folder.mkdir()
            results[stage] = stage_result(stage, folder, changes, arguments)
            arguments.output.write_text(json_text(results, indent=1))


if __name__ == "__main__":
    main()
