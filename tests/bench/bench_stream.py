"""An hour of a camera over RTSP that dies twice and comes back: no frame twice, memory flat, every file whole.

    python -m tests.bench.bench_stream --minutes 60

Run from the project's folder. A real server on the loopback (see tests/rtsp_server.py for what it needs) sends H.264
whose images carry numbers that never come twice; after a third and after two thirds of the time it is killed and
stays away for 12 seconds. `remix-track` follows it, as a process of its own, with people who come and go for ever,
and writes everything that it can. Exit code 1 where one of the three does not hold.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from remix_track.machine import usable_cores
from remix_track.mot_text import examine
from tests.bench.peers.machine import machine
from tests.bench.peers.measured_process import measure
from tests.rtsp_server import Server, interpreter, number_in

FPS, WIDTH, HEIGHT = 25, 320, 192
_AWAY_SECONDS = 12
_CLEAR = HEIGHT // 4  # rows above everything that is drawn
_FLAT = 1.05  # the last tenth's memory over the third's


def write_people(path: Path, frames: int) -> None:
    """Three people at a time, who walk for ten seconds and are followed by others, in the image's lower half."""
    with path.open("w") as file:
        for frame in range(1, frames + 1):
            for lane in range(3):
                step = (frame + 80 * lane) % 250
                if step < 240:
                    left, top = 10 + step * 270 / 240, HEIGHT / 2 + 14 + 12 * lane
                    file.write(f"{frame},-1,{left:.1f},{top:.1f},22,52,0.9,-1,-1,-1\n")


def kill_twice(server: Server, minutes: float, over: threading.Event) -> None:
    """Kill it after a third and after two thirds of the time, and start it again."""
    for _ in range(2):
        if over.wait(20 * minutes):
            return
        server.kill()
        over.wait(_AWAY_SECONDS)
        server.start()


def numbers_in(video: Path) -> list[int]:
    """The numbers of the images that were written."""
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return [number_in(frame.to_ndarray(format="bgr24")[:_CLEAR]) for frame in container.decode(video=0)]


def ids_in(vectors: Path) -> list[int]:
    """Who has a vector."""
    with np.load(vectors) as arrays:
        return [int(id_) for id_ in arrays["ids"]]


def files(summary: dict[str, Any], folder: Path, ending: str) -> list[Path]:
    """The files of one kind, part by part."""
    return [folder / name for part in summary["parts"] for name in part["files"] if name.endswith(ending)]


def faults(folder: Path, wanted: int) -> list[str]:
    """What is wrong with the files of a run."""
    summary = json.loads((folder / "summary.json").read_text())
    rows = [json.loads(line) for path in files(summary, folder, ".jsonl") for line in path.read_text().splitlines()]
    numbers = [number for path in files(summary, folder, ".mp4") for number in numbers_in(path)]
    texts = [examine(path) for path in files(summary, folder, ".txt")]
    text, broken = sum(len(one) for one, *_ in texts), sum(len(lines) for *_, lines in texts)
    ids = [id_ for path in files(summary, folder, ".npz") for id_ in ids_in(path)]
    people = len(set(ids)) if ids else summary["tracks"]
    # While networks are loaded nobody reads, and a machine that is busy passes frames over: they are counted.
    passed_over = [
        int(n) for n in re.findall(r"(\d+) frames were passed over", " ".join(summary["source"]["warnings"]))
    ]
    checks = {
        "frames in summary.json and those passed over": (summary["frames"] + sum(passed_over), wanted),
        "lines in tracks.jsonl": (len(rows), summary["frames"]),
        "images in video.mp4": (len(numbers), summary["frames"]),
        "boxes in tracks.txt": (text, summary["boxes"]),
        "broken lines in tracks.txt": (broken, 0),
        "frames in the parts": (sum(part["frames"] for part in summary["parts"]), summary["frames"]),
        "people in embeddings.npz": (people, summary["tracks"]),
        "images that came twice or late": (sum(b <= a for a, b in pairwise(numbers)), 0),
        "times that do not rise": (sum(b["time"] <= a["time"] for a, b in pairwise(rows)), 0),
        "how it ended": (summary["ended"], "complete"),
        "times that it came back": (sum("came back 2 times" in line for line in summary["source"]["warnings"]), 1),
    }
    print(f"{summary['frames']} frames, {summary['tracks']} people, {summary['frames_per_second']:.1f} frames a second")
    print(f"{len(summary['parts'])} parts")
    print("warnings: " + "; ".join(summary["source"]["warnings"]))
    missing = [b - a - 1 for a, b in pairwise(numbers) if b > a + 1]
    print(f"images missing: {missing[:20]} in a row ({_AWAY_SECONDS} s are {FPS * _AWAY_SECONDS})")
    return [f"{what}: {is_}, not {should}" for what, (is_, should) in checks.items() if is_ != should]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, metavar="M", help="of stream (default: 60)")
    parser.add_argument("--weights", default="none", help="encoder, for embeddings.npz too (default: none)")
    parser.add_argument("--segment", type=float, metavar="M", help="minutes of a part (default: all in one)")
    options = parser.parse_args()
    if interpreter() is None:
        sys.exit("no GStreamer with an RTSP server here; see tests/rtsp_server.py")
    print(machine(usable_cores()))
    server, over = Server(fps=FPS, width=WIDTH, height=HEIGHT), threading.Event()
    # The time that the server is away is missing at the end.
    frames = round((60 * options.minutes - 2 * _AWAY_SECONDS) * FPS * 0.97)
    killer = threading.Thread(target=kill_twice, args=(server, options.minutes, over))
    with tempfile.TemporaryDirectory() as folder:
        output, people = Path(folder) / "out", Path(folder) / "people.txt"
        write_people(people, frames + 100_000)
        words = [sys.executable, "-m", "remix_track.cli.main", server.url, "--detector", str(people)]
        words += ["--weights", options.weights, "--jsonl", "--csv", "--frames", str(frames), "--output", str(output)]
        words += [] if options.segment is None else ["--segment", str(options.segment)]
        words += ["--embeddings", "--crops"] if options.weights != "none" else []
        killer.start()
        try:
            cost = measure([*words, "--quiet"], dict(os.environ), Path(folder) / "log")
        finally:
            over.set()
            killer.join()
            server.kill()
        wrong = faults(output, frames)
    tenths = [float(np.mean(part)) for part in np.array_split([mb for _, mb in cost.memory], 10)]
    print(f"{cost.wall:.0f} s, {100 * cost.processor / cost.wall:.0f} % of a core; mean MB of each tenth: ", end="")
    print(" ".join(f"{mb:.0f}" for mb in tenths) + f"; peak {cost.peak_mb:.0f}")
    if tenths[-1] > _FLAT * tenths[2]:
        wrong.append(f"memory grows: {tenths[-1]:.0f} MB in the last tenth, {tenths[2]:.0f} in the third")
    print("\n".join(wrong) if wrong else "no frame twice, memory flat, every file whole")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
