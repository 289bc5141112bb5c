"""Resident memory of `remix-track` over a long loop of a video: how much, and whether it grows.

    python -m tests.bench.bench_memory DATA/pets09-s2l1/video.avi --weights yolo11n.pt --osnet osnet_x0_25_msmt17.onnx \
        --loop 60

Run from the project's folder. The video is repeated without encoding it again until it lasts so many minutes at its
own rate, and tracked once as one video. Printed are frames per second, the peak, and the mean of each tenth of the run.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import av
import numpy as np

from remix_track.machine import usable_cores
from tests.bench.peers.machine import machine
from tests.bench.peers.measured_process import measure


def repeat(video: Path, minutes: float, loop: Path) -> int:
    """Write the video again and again, packet by packet, into `loop`; how often."""
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        rate = float(stream.average_rate or 25)
        times = max(1, round(60 * minutes * rate / len(packets)))
        with av.open(str(loop), "w") as target:
            copy = target.add_stream_from_template(stream)
            for turn in range(times):
                for place, packet in enumerate(packets):
                    packet.stream = copy
                    packet.pts = packet.dts = turn * len(packets) + place
                    target.mux(packet)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="YOLO weights")
    parser.add_argument("--osnet", type=Path, required=True, help="OSNet, .onnx")
    parser.add_argument("--loop", type=float, default=60, metavar="MINUTES", help="of footage (default: 60)")
    parser.add_argument("--imgsz", type=int, default=768)
    options = parser.parse_args()
    print(machine(usable_cores()))
    with tempfile.TemporaryDirectory() as folder:
        loop, output = Path(folder) / f"loop{options.video.suffix}", Path(folder) / "out"
        times = repeat(options.video, options.loop, loop)
        words = [sys.executable, "-m", "remix_track.cli.main", str(loop), "--detector", str(options.weights)]
        words += [
            "--weights",
            str(options.osnet),
            "--imgsz",
            str(options.imgsz),
            "--no-video",
            "--no-people",
            "--quiet",
        ]
        cost = measure([*words, "--output", str(output)], dict(os.environ), Path(folder) / "log")
        summary = json.loads((output / "summary.json").read_text())
    print(
        f"{times} times {options.video.name}: {summary['frames']} frames, {summary['frames_per_second']:.1f} a second"
    )
    tenths = [float(np.mean(part)) for part in np.array_split([mb for _, mb in cost.memory], 10)]
    print("mean MB of each tenth: " + " ".join(f"{mb:.0f}" for mb in tenths))
    print(f"peak {cost.peak_mb:.0f} MB; last tenth / second tenth {tenths[-1] / tenths[1]:.3f}")


if __name__ == "__main__":
    main()
