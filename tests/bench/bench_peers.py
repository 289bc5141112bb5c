"""remix-track beside its peers, end to end: frames per second and accuracy of the same videos in one run.

    python -m tests.bench.bench_peers DATA/pets09-s2l1 --weights yolo11n.pt --osnet osnet_x0_25_msmt17.onnx \
        [--osnet-pth osnet_x0_25_msmt17.pth] [--environments DIR] [--rounds 2] [--frames N] [--video]

Run from the project's folder. One table for PETS, one for a 1080p video of 30 to 60 drawn people. All get the same
YOLO weights, image size and number of threads, track persons only and write MOT text, and no video without
`--video`: then ours is drawn and encoded as usual, the peers' thinly by OpenCV as MPEG-4. The peers are
installed from the package index into environments of their own, each runs in its own process, one after the other,
in reversed order in every second round. The peers detect with ultralytics' eager torch, as their documentation does.

`frames/s` counts from before the first frame is read until the last line is written, models loaded before; the best
round. `with start` counts from the start of the process to its end; `start s` is the difference. `CPU ms/frame` is
the time of all threads, start included. All boxes are scored by the same code: motmetrics' matching, IoU 0.5, every
row of the ground truth. Making the environments and drawing the second video happen once and take minutes.
"""

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from remix_track.machine import usable_cores
from remix_track.output_files import reserve_numbered_folder
from tests.bench.peers import crowd_video
from tests.bench.peers.contestants import OURS, Clip, Contestant, Weights, command, contestants, tracking_seconds
from tests.bench.peers.environments import peer_versions
from tests.bench.peers.machine import machine
from tests.bench.peers.measured_process import measure
from tests.bench.peers.table import Result, markdown, score

PETS_FRAMES = 795
IMGSZ = 768


class PeerRuns:
    """Runs contestants on clips and keeps what comes out."""

    def __init__(self, weights: Weights, environments: Path, threads: int, output: Path, *, video: bool) -> None:
        self._weights, self._environments, self._threads, self._output = weights, environments, threads, output
        self._video = video
        self.results: dict[str, list[Result]] = {}

    def run(self, who: Contestant, clip: Clip, attempt: str) -> Result:
        """One contestant on one clip, in a new process."""
        output = self._output / clip.name / f"{attempt}-{who.name}"
        output.parent.mkdir(parents=True, exist_ok=True)
        words = command(who, clip, self._weights, self._environments, self._threads, output, video=self._video)
        cost = measure(words, self._surroundings(), Path(f"{output}.log"))
        frames, seconds = tracking_seconds(who, output)
        if frames != clip.frames:
            raise RuntimeError(f"{who.name} tracked {frames} frames of {clip.frames}")
        found = score(clip, output / "tracks.txt")
        return Result(who.tracker, who.appearance, frames, seconds, cost.wall, cost.processor, cost.peak_mb, *found)

    def hold(self, clip: Clip, everybody: list[Contestant], rounds: int) -> None:
        """All contestants on one clip, and the table."""
        for who in everybody:
            if who.tracker == OURS:
                # Once for the compiled networks, which stay with the user; what that costs is said apart. Integers
                # are made from frames of the whole clip.
                short = clip if "int8" in who.words else dataclasses.replace(clip, frames=2)
                first = self.run(who, short, "first")
                print(f"{clip.name}: {who.name}: first start ever {first.wall:.1f} s", flush=True)
        kept = self.results.setdefault(clip.name, [])
        for attempt in range(1, rounds + 1):
            for who in everybody if attempt % 2 else everybody[::-1]:
                result = self.run(who, clip, f"round{attempt}")
                kept.append(result)
                print(f"{clip.name}: round {attempt}: {who.name}: {result.fps:.1f} frames/s", flush=True)
                self._save()
        order = {(who.tracker, who.appearance): place for place, who in enumerate(everybody)}
        kept.sort(key=lambda result: order[result.tracker, result.appearance])
        print(f"\n{clip.name}, {clip.frames} frames, {clip.imgsz} px\n\n{markdown(kept)}\n", flush=True)

    def _save(self) -> None:
        text = json.dumps(
            {name: [dataclasses.asdict(r) for r in rows] for name, rows in self.results.items()}, indent=1
        )
        (self._output / "results.json").write_text(text)

    def _surroundings(self) -> dict[str, str]:
        """The environment of every process: the same threads for all, and no way to the network."""
        threads = str(self._threads)
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "YOLO_"))}
        return ours | {
            # ultralytics would take one thread.
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "true",
            "YOLO_CONFIG_DIR": str(self._output / "ultralytics"),
            "XDG_CACHE_HOME": str(self._output / "cache"),
            "HF_HUB_OFFLINE": "1",
            "https_proxy": "http://127.0.0.1:9",
        }


def clips(pets: Path, kept: Path, frames: int | None, names: list[str]) -> Iterator[Clip]:
    """The clips that were asked for."""
    if "pets" in names:
        yield Clip("pets", pets, pets / "video.avi", IMGSZ, min(frames or PETS_FRAMES, PETS_FRAMES))
    if "crowd" in names:
        folder = crowd_video.crowd_video(kept / "crowd")
        count = min(frames or crowd_video.FRAMES, crowd_video.FRAMES)
        yield Clip("crowd", folder, folder / "video.mp4", IMGSZ, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("pets", type=Path, help="folder with video.avi and gt/gt.txt")
    add("--weights", type=Path, required=True, help="YOLO weights, .pt")
    add("--osnet", type=Path, required=True, help="OSNet x0.25 of MSMT17, .onnx")
    add("--osnet-pth", type=Path, default=None, help="the same for torch")
    add("--environments", type=Path, default=Path("runs/peers-kept"), help="keeps the peers and the drawn video")
    add("--rounds", type=int, default=1)
    add("--frames", type=int, default=None, help="of each clip, for a try")
    add("--clips", nargs="+", choices=["pets", "crowd"], default=["pets", "crowd"])
    add("--only", nargs="+", default=[""], metavar="WORD", help="contestants whose name has one of these words")
    add("--output", type=Path, default=Path("runs/peers"), help="numbered, if it is there (default: runs/peers)")
    add("--video", action="store_true", help="all write a video with boxes and ids, too")
    add("--threads", type=int, default=usable_cores(), help="for everybody (default: one per core)")
    options = parser.parse_args()
    osnet_pth = None if options.osnet_pth is None else options.osnet_pth.resolve()
    weights = Weights(options.weights.resolve(), options.osnet.resolve(), osnet_pth)
    kept = options.environments.resolve()
    everybody = [who for who in contestants(weights) if any(word.lower() in who.name for word in options.only)]
    print(machine(options.threads))
    for name in dict.fromkeys(who.environment for who in everybody if who.environment):
        print(f"{name}: {peer_versions(kept, name)}", flush=True)
    output = reserve_numbered_folder(options.output.parent, options.output.name).resolve()
    peer_runs = PeerRuns(weights, kept, options.threads, output, video=options.video)
    for clip in clips(options.pets.resolve(), kept, options.frames, options.clips):
        peer_runs.hold(clip, everybody, options.rounds)
    print(f"every round: {output / 'results.json'}")


if __name__ == "__main__":
    main()
