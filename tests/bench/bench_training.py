"""Training throughput: our loop beside a plain one, in turn, and where a step and an epoch spend their time.

Run from the project's folder:

    python -m tests.bench.bench_training loops resnet18 --threads 1 --rounds 3 --steps 6
    python -m tests.bench.bench_training loops resnet50 --threads 2
    python -m tests.bench.bench_training parts resnet18

`loops` prints images a second by the clock and by the processor time of the whole process, each round's ratio, and
their median. On a machine that others use too, the latter is the steadier one. `parts` takes a step apart.

The plain loop is what public re-identification code does: images decoded by PIL and changed one by one by torchvision
in a single-process DataLoader, float32, contiguous tensors, the optimiser as torch makes it. The networks, the four
losses, the two momentum forward passes and the shape of a mini-batch are ours. Its pseudo labels are given to it.

Without --data a small set is drawn first; `--data FOLDER` reads what `remix-train synthesize` made.
"""

import argparse
import copy
import logging
import random
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from remix_track.data.augmentation import AugmentationSettings
from remix_track.data.sampling import SamplingSettings
from remix_track.encoder.backbones import Encoder
from remix_track.synthetic.dataset import synthesize
from remix_track.training.centroids import CameraCentroids
from remix_track.training.context import Position
from remix_track.training.losses import Labels, augmentation_loss, camera_loss, centroid_loss, instance_loss
from remix_track.training.method_settings import ClusterSettings, LossSettings
from remix_track.training.run import make_encoder, run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from remix_track.training.train_settings import (
    DataSettings,
    EncoderSettings,
    RunSettings,
    TrainSettings,
)

WARM = 2
PEOPLE, CAMERAS, VIDEOS = 16, 3, 12
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Case:
    """A network, its input, and P x K of each domain in a mini-batch."""

    architecture: Literal["resnet50-ibn-a", "resnet18-ibn-a"]
    height: int
    width: int
    people: int
    images: int

    @property
    def batch(self) -> int:
        return 2 * self.people * self.images


CASES = {
    "resnet18": Case("resnet18-ibn-a", 128, 64, people=8, images=3),
    "resnet50": Case("resnet50-ibn-a", 256, 128, people=2, images=4),
}


def our_settings(case: Case, data: Path, threads: int, precision: Precision) -> TrainSettings:
    """The paper's defaults on the drawn set, without pre-training, one epoch that never ends by itself."""
    return TrainSettings(
        pretrain=False,
        data=DataSettings(multi_camera=(f"synthetic:{data}",), single_camera=(f"synthetic:{data}",)),
        encoder=EncoderSettings(case.architecture, case.height, case.width),
        augmentation=AugmentationSettings(padding=case.height * 10 // 256),
        sampling=SamplingSettings(
            iterations_per_epoch=10_000,
            multi_identities=case.people,
            multi_images=case.images,
            single_identities=case.people,
            single_images=case.images,
            videos_per_epoch=VIDEOS,
            crops_per_video=10,
        ),
        # Few crops, and a whole mini-batch is wanted of them.
        clusters=ClusterSettings(scope="video", k1=4, k2=2, min_samples=2),
        run=RunSettings(epochs=1, device="cpu", precision=precision, threads=threads, embed_batch=16),
    )


@dataclass(frozen=True)
class Cost:
    """Of one step, in seconds: by the clock, and of all the process's threads."""

    clock: float
    processor: float


class Marks:
    """Notes the time after each step; the first steps do not count."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def add(self) -> None:
        self.times.append((time.perf_counter(), time.process_time()))

    def cost(self) -> Cost:
        (clock, processor), (end, used) = self.times[WARM - 1], self.times[-1]
        steps = len(self.times) - WARM
        return Cost((end - clock) / steps, (used - processor) / steps)


def time_ours(settings: TrainSettings, steps: int) -> Cost:
    """Train with `run_training`, as `remix-train` does, and stop it after some steps."""
    marks, stop = Marks(), StopRequest()

    def show(position: Position) -> None:
        if position.doing != "training":
            return
        marks.add()
        if len(marks.times) == WARM + steps:
            stop.ask(signal.SIGTERM)

    with tempfile.TemporaryDirectory() as folder:
        try:
            run_training(settings, lambda: Path(folder), stop=stop, show=show)
        except Stopped:
            found = next(record["clusters"] for record in read_log(Path(folder)) if record["event"] == "labels")
            if found < settings.sampling.single_identities:
                raise RuntimeError(
                    f"{found} pseudo identities: the mini-batches were smaller than they count"
                ) from None
            return marks.cost()
    raise RuntimeError("the training ended before it was stopped")


class Blur:
    """MoCo v2's blur of a PIL image, for half of them."""

    def __call__(self, picture: Image.Image) -> Image.Image:
        if random.random() < 0.5:
            return picture.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0)))
        return picture


class Crops(Dataset[tuple[Tensor, Tensor, Tensor, int, int]]):
    """Two views and the image as it is, made one by one."""

    def __init__(self, files: list[tuple[Path, int, int]], case: Case) -> None:
        from torchvision import transforms as t

        self.files = files
        size, padding = (case.height, case.width), case.height * 10 // 256
        last = [t.ToTensor(), t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
        first = [t.RandomHorizontalFlip(), t.Pad(padding), t.RandomCrop(size), t.RandomGrayscale(0.2), Blur()]
        self.resize, self.plain, self.augmented = t.Resize(size), t.Compose(last), t.Compose(first + last)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, Tensor, int, int]:
        path, identity, domain = self.files[row]
        picture = self.resize(Image.open(path).convert("RGB"))
        return self.augmented(picture), self.augmented(picture), self.plain(picture), identity, domain


class PlainLoop:
    """Some steps at a time of the plain loop."""

    def __init__(self, case: Case, data: Path, network: Encoder) -> None:
        files = sorted_files(data)
        self.people = 1 + max(identity for _, identity, _ in files)
        self.loader = DataLoader(Crops(files, case), batch_sampler=Batches(files, case))
        self.network: Encoder = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.momentum = copy.deepcopy(self.network).requires_grad_(False)
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.Adam(weights, lr=3.5e-4, weight_decay=5e-4)
        width = self.network.width
        self.centroids = F.normalize(torch.randn(self.people, width), dim=1)
        self.domain = torch.tensor([identity_domain(files)[one] for one in range(self.people)], dtype=torch.bool)
        labelled = torch.arange(int((~self.domain).sum()))
        identity, camera = labelled.repeat_interleave(CAMERAS), torch.arange(CAMERAS).repeat(len(labelled))
        self.cameras = CameraCentroids(F.normalize(torch.randn(len(identity), width), dim=1), identity, camera)

    def time(self, steps: int) -> Cost:
        marks = Marks()
        for batch, _ in zip(self.loader, range(WARM + steps), strict=False):
            self.step(*batch)
            marks.add()
        return marks.cost()

    def step(self, views: Tensor, others: Tensor, originals: Tensor, identity: Tensor, domain: Tensor) -> None:
        chosen, labels = LossSettings(), Labels(identity, domain.bool())
        queries = self.network.train()(views)[1]
        with torch.no_grad():
            keys, own = self.momentum.train()(others)[1], self.momentum(originals)[1]
        loss = (
            instance_loss(queries, keys, labels, labels, chosen).mean()
            + augmentation_loss(queries, own, labels, labels, chosen).mean()
            + centroid_loss(queries, labels, self.centroids, self.domain, chosen).mean()
            + 0.5 * camera_loss(queries, labels, self.cameras.vectors, self.cameras.identity, chosen).mean()
        )
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        with torch.no_grad():
            for kept, weight in zip(self.momentum.parameters(), self.network.parameters(), strict=True):
                kept.mul_(0.999).add_(weight, alpha=0.001)


class Batches:
    """P people of K images from each domain, for ever."""

    def __init__(self, files: list[tuple[Path, int, int]], case: Case) -> None:
        self.case = case
        self.rows: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        for row, (_, identity, domain) in enumerate(files):
            self.rows[domain].setdefault(identity, []).append(row)

    def __iter__(self) -> Iterator[list[int]]:
        choice = random.Random(0)
        while True:
            drawn: list[int] = []
            for rows in self.rows:
                for identity in choice.sample(sorted(rows), self.case.people):
                    drawn += choice.choices(rows[identity], k=self.case.images)
            yield drawn


def sorted_files(data: Path) -> list[tuple[Path, int, int]]:
    """Path, identity from 0 and domain of each training image; hidden identities stand for pseudo labels."""
    multi = [(path, f"0{path.name.split('_')[0]}", 0) for path in data.glob("multi_camera/bounding_box_train/*.jpg")]
    single = [(path, f"1{path.name.split('_')[0]}", 1) for path in data.glob("single_camera/*/*.jpg")]
    names = sorted({name for _, name, _ in multi + single})
    number = {name: place for place, name in enumerate(names)}
    return [(path, number[name], domain) for path, name, domain in sorted(multi + single)]


def identity_domain(files: list[tuple[Path, int, int]]) -> dict[int, int]:
    return {identity: domain for _, identity, domain in files}


def loops(case: Case, data: Path, threads: int, rounds: int, steps: int) -> None:
    """Print images a second of the loops, in turn, and the ratios."""
    torch.set_num_threads(threads)
    ours = {name: our_settings(case, data, threads, name) for name in ("float32", "bfloat16")}
    plain = PlainLoop(case, data, make_encoder(ours["float32"], torch.device("cpu")))
    print(f"{case.architecture} {case.height}x{case.width}, {case.batch} images a step, {threads} threads of torch")
    print("round  loop             images/s   by processor time   ratio (processor time)")
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in ours}
    for number in range(1, rounds + 1):
        slow = plain.time(steps)
        print(f"{number:5d}  plain float32   {case.batch / slow.clock:9.2f} {case.batch / slow.processor:19.2f}")
        for name, settings in ours.items():
            cost = time_ours(settings, steps)
            ratio = slow.clock / cost.clock, slow.processor / cost.processor
            ratios[name].append(ratio)
            speed = f"{case.batch / cost.clock:9.2f} {case.batch / cost.processor:19.2f}"
            print(f"{number:5d}  ours {name:9s} {speed}   {ratio[0]:5.2f} ({ratio[1]:.2f})", flush=True)
    for name, found in ratios.items():
        clock, processor = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"median ours {name:9s}: {clock:.2f} times the plain loop, {processor:.2f} by processor time")


def parts(case: Case, data: Path, threads: int, precision: Precision, rounds: int) -> None:
    """Print where a step and the labels of an epoch spend their processor time."""
    from tests.bench.training_parts import epoch_parts, step_parts

    torch.set_num_threads(threads)
    settings = our_settings(case, data, threads, precision)
    print(f"{case.architecture} {case.height}x{case.width}, {case.batch} images a step, {precision}, {threads} threads")
    measured: dict[str, list[float]] = {}
    for name, seconds in [*step_parts(settings, rounds), *epoch_parts(settings)]:
        measured.setdefault(name, []).append(seconds)
    for name, found in measured.items():
        print(f"{name:44s} {1000 * statistics.median(found):9.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["loops", "parts"])
    parser.add_argument("case", choices=list(CASES))
    parser.add_argument("--data", type=Path, help="a drawn set; without it one is drawn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps in a round")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16", help="for parts")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        data = given.data
        if data is None:
            data = Path(folder) / "drawn"
            synthesize(data, identities=PEOPLE, cameras=CAMERAS, videos=VIDEOS, sequences=1, target_identities=20)
        if given.what == "loops":
            loops(CASES[given.case], data, given.threads, given.rounds, given.steps)
        else:
            parts(CASES[given.case], data, given.threads, given.precision, given.rounds)


if __name__ == "__main__":
    main()
