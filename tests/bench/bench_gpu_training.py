"""ReMix's training on one GPU, in ten minutes: the paper's config, Table 4 in small, the config of drawn people.

    python -m tests.bench.bench_gpu_training OUT.json [--device cuda] [--paper 190] [--table4 200] [--people 150]
    python -m tests.bench.bench_gpu_training OUT.json --device cpu --scale tiny      # whether every part works

Three parts, the most telling first, each a process (or several) of its own that is stopped when its seconds are over;
0 seconds leave a part out. OUT.json is written anew and the part's lines are printed as soon as it is done, so a script
that is cut short has told something, and a part that fails does not stop the next.

- paper: `paper_config_steps`, steps a second, memory and resuming of `configs/remix_msmt17_luperson.toml`.
- table4: `remix-train grid` on `configs/table4_small.toml`, its four cells, at 256 images in a step of either stage
  (there 64 and 48); as many cells and seeds as there is time for, `--jobs` of them at once.
- people: `remix-train --config configs/drawn_people.toml` with seeds 0 and 1 side by side, all its steps; without
  the real clip, which is no part of the project: drawn people alone, so scores compare with one another only.

The drawn sets of the last two are made from the beginning on, beside the first part: on two of the GPU machine's cores.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.json_text import json_text
from remix_track.machine import usable_cores
from remix_track.settings import read_toml
from remix_track.training.run_log import read_log

ROOT = Path(__file__).parents[2]
TABLE4, PEOPLE = ROOT / "configs/table4_small.toml", ROOT / "configs/drawn_people.toml"
TRAIN = (sys.executable, "-m", "remix_track.cli.train")
CELLS = ("neither", "joint data", "pre-training", "both")
SEEDS = (0, 1)
GRACE = 20.0  # seconds that a process has to save and leave


@dataclass(frozen=True)
class Scale:
    """How much of everything; words of command lines.

    Attributes:
        paper: flags of `paper_config_steps`.
        table4_data: flags of `synthesize`, after those that the config says.
        table4: settings of every cell.
        people_data: flags of `synthesize`; at full scale those of the drawn people.
        people: settings of the training.
    """

    paper: str
    table4_data: str
    table4: str
    people_data: str
    people: str


SCALES = {
    "full": Scale(
        paper="--seconds 20",
        table4_data="",
        table4="pretraining.batch_size=256 sampling.multi_identities=16 sampling.multi_images=8 "
        "sampling.single_identities=32 sampling.single_images=4 data.workers=3",
        people_data="--identities 500 --cameras 10 --videos 100 --target-identities 100 --sequences 0 --seed 2",
        people="",
    ),
    "tiny": Scale(
        paper="--seconds 0.1 --warm 2 --checkpoint-every 6 --people 8 --videos 2 --set encoder.architecture="
        "resnet18-ibn-a --set encoder.height=64 --set encoder.width=32 --set augmentation.padding=3 "
        "--set pretraining.batch_size=8 --set sampling.multi_images=2 --set sampling.single_images=2 "
        "--set moco.queue_size=64 --set run.precision=float32 --set run.threads=1 --set clusters.k1=8 "
        "--set clusters.k2=3 --set clusters.min_samples=2",
        table4_data="--identities 4 --cameras 2 --videos 3 --target-identities 4",
        table4="pretraining.batch_size=8 pretraining.iterations_per_epoch=2 pretraining.probe_every=2 "
        "pretraining.warmup_steps=1 sampling.iterations_per_epoch=2 sampling.multi_identities=2 "
        "sampling.multi_images=2 sampling.single_identities=2 sampling.single_images=2 run.epochs=1",
        people_data="--identities 4 --cameras 2 --videos 3 --target-identities 4 --sequences 0 --seed 2",
        people="encoder.height=64 encoder.width=32 augmentation.padding=3 sampling.iterations_per_epoch=2 "
        "sampling.multi_identities=2 sampling.multi_images=2 sampling.single_identities=2 "
        "sampling.single_images=2 run.epochs=1 run.threads=1 data.workers=1",
    ),
}


class Command:
    """A process whose output goes to a file.

    Args:
        words: of its command line.
        log: the file.
    """

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._log, self._begun = log, time.perf_counter()
        with log.open("wb") as file:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=ROOT)

    def wait_until(self, end: float) -> dict[str, Any]:
        """Wait for its end, and stop it when the clock says `end`; how that went."""
        cut = False
        try:
            self._process.wait(max(0.0, end - time.perf_counter()))
        except subprocess.TimeoutExpired:
            cut = True
            self.stop()
        code, seconds = self._process.returncode, time.perf_counter() - self._begun
        ended = {"exit_code": code, "cut": cut, "seconds": seconds}
        return ended if cut or code == 0 else {**ended, "said": self.last_words()}

    def stop(self) -> None:
        """Ask it to save and leave, and end it where it does not."""
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The end of its output."""
        return self._log.read_text(errors="replace").strip()[-600:]


class Bench:
    """What the parts share: folders, scale, device, and the drawings that are under way.

    Args:
        work: folder for data and trainings.
        scale: of everything.
        device: `run.device`.
        jobs: cells of Table 4 at once.
    """

    def __init__(self, work: Path, scale: Scale, device: str, jobs: int) -> None:
        self.work, self.scale, self.device, self.jobs = work, scale, device, jobs
        self.drawings: dict[str, Command] = {}

    def draw(self, name: str, flags: str) -> None:
        """Begin to draw a set."""
        words = [*TRAIN, "synthesize", str(self.work / "data" / name), *shlex.split(flags)]
        self.drawings[name] = Command(words, self.work / f"draw-{name}.log")

    def drawn(self, name: str, end: float) -> Path:
        """The set, when it is drawn."""
        ended = self.drawings[name].wait_until(end)
        if ended["exit_code"] != 0:
            raise RuntimeError(f"the set was not drawn: {ended}")
        return self.work / "data" / name

    def sets(self, name: str, folder: Path, more: str) -> list[str]:
        """Settings of a training on a drawn set."""
        data = [f"data.{key}=synthetic:{folder}" for key in ("multi_camera", "single_camera")]
        data += [f"data.target=synthetic-target:{folder}", f"run.device={self.device}", *more.split()]
        data += [f"data.calibration=synthetic:{folder}"] if name == "table4" else []
        return [word for change in data for word in ("--set", change)]


def paper(bench: Bench, end: float) -> dict[str, Any]:
    """Both stages of the paper's config."""
    found = bench.work / "paper.json"
    words = [sys.executable, "-m", "tests.bench.paper_config_steps", str(found), "--device", bench.device]
    ended = Command([*words, *bench.scale.paper.split()], bench.work / "paper.log").wait_until(end)
    return ended | (json.loads(found.read_text()) if found.is_file() else {})


def table4(bench: Bench, end: float) -> dict[str, Any]:
    """The cells that there was time for."""
    folder, output = bench.drawn("table4", end), bench.work / "table4"
    words = [*TRAIN, "grid", str(TABLE4), "--output", str(output), "--jobs", str(bench.jobs)]
    words += ["--only", *(f"grid/{cell}" for cell in CELLS), *bench.sets("table4", folder, bench.scale.table4)]
    ended = Command(words, bench.work / "table4.log").wait_until(end)
    results = output / "results.json"
    if not results.is_file():
        return ended
    grid = json.loads(results.read_text())["studies"]["grid"]
    cells = {name: _scores(grid["cells"][name]["seeds"]) for name in CELLS}
    return ended | cells | {"shared pre-training": [_scores(one) for one in grid.get("pretrainings", ())]}


def _scores(seeds: dict[str, Any]) -> dict[str, Any]:
    """By seed: scores, probes and time, or why there are none."""
    names = ("rank1", "map", "probe_steps", "probe_rank1", "seconds")
    return {
        seed: found if isinstance(found, str) else {name: found[name] for name in names if found[name] != []}
        for seed, found in seeds.items()
    }


def people(bench: Bench, end: float) -> dict[str, Any]:
    """The config of the drawn people, both seeds at once."""
    folder = bench.drawn("people", end)
    outputs = {seed: bench.work / f"people-{seed}" for seed in SEEDS}
    sets = bench.sets("people", folder, bench.scale.people)
    running = {
        seed: Command(
            [*TRAIN, "--config", str(PEOPLE), *sets, "--set", f"run.seed={seed}", "--output", str(output)],
            bench.work / f"people-{seed}.log",
        )
        for seed, output in outputs.items()
    }
    return {f"seed {seed}": running[seed].wait_until(end) | _reached(output) for seed, output in outputs.items()}


def _reached(output: Path) -> dict[str, Any]:
    """How far a training came, and its score."""
    log = read_log(output)
    steps = [(one["epoch"], one["step"]) for one in log if one["event"] == "step"]
    scores = [{name: one[name] for name in ("rank1", "map")} for one in log if one["event"] == "evaluation"]
    return {"epoch_and_step": steps[-1] if steps else None, "scores": scores[-1] if scores else None}


PARTS: dict[str, Callable[[Bench, float], dict[str, Any]]] = {"paper": paper, "table4": table4, "people": people}


def device_in_words(device: str) -> dict[str, Any]:
    """What was measured on; asked in a process of its own, which leaves the GPU free."""
    code = "import torch; print(torch.__version__); print(torch.cuda.is_available() and torch.cuda.get_device_name())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout.split("\n")
    name = told[1] if len(told) > 1 and device.startswith("cuda") else device
    return {"device": name, "torch": told[0], "cores": usable_cores()}


def main() -> None:
    """Run the parts one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, metavar="OUT.json")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--scale", choices=SCALES, default="full")
    for name, seconds in (("paper", 190), ("table4", 200), ("people", 150)):
        parser.add_argument(f"--{name}", type=float, default=seconds, metavar="SECONDS")
    parser.add_argument("--jobs", type=int, default=max(1, min(5, usable_cores() // 3)))
    arguments = parser.parse_args()
    wanted = [name for name in PARTS if getattr(arguments, name) > 0]
    results: dict[str, Any] = device_in_words(arguments.device)
    with tempfile.TemporaryDirectory() as made:
        bench = Bench(Path(made), SCALES[arguments.scale], arguments.device, arguments.jobs)
        if "table4" in wanted:
            said = shlex.split(read_toml(TABLE4)["data_command"])  # remix-train synthesize FOLDER FLAGS
            bench.draw("table4", f"{shlex.join(said[3:])} {bench.scale.table4_data}")
        if "people" in wanted:
            bench.draw("people", bench.scale.people_data)
        try:
            for name in wanted:
                results[name] = part_result(name, bench, getattr(arguments, name))
                arguments.output.write_text(json_text(results, indent=1))
                print(f"\n## {name}")
                print("".join(f"{key}: {json_text(value)}" for key, value in results[name].items()), flush=True)
        finally:
            for drawing in bench.drawings.values():
                drawing.stop()


def part_result(name: str, bench: Bench, seconds: float) -> dict[str, Any]:
    """What a part found; where it failed, why."""
    begun = time.perf_counter()
    try:
        found = PARTS[name](bench, begun + seconds)
    except Exception as error:  # the next part may work
        found = {"failed": f"{type(error).__name__}: {error}"[:800]}
    return {"part_seconds": time.perf_counter() - begun, **found}


if __name__ == "__main__":
    main()
