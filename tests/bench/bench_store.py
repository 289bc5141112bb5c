"""A store of made-up tracklets: how long it takes to open, to find a camera's hour, to search, and in how much memory.

    python -m tests.bench.bench_store --tracklets 1000000 --folder /tmp/bench-store

Vectors are as long as those of the default weights, and spread over as many directions as those of 592 real crops are
(`--flat` spreads them evenly over all, which no network does: bounds then bound nothing). Everything is on one core.
What was made is removed at the end, unless `--keep` is given; a folder that is there already is measured as it is.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix_track.json_text import json_text
from remix_track.store import Job, JobSource, Weights, layout, open_store
from remix_track.store.gallery import Recognition
from remix_track.store.identification import Identities
from remix_track.store.parquet import TRACKLETS, TRACKS, write_table
from remix_track.store.people import PeopleFiles
from remix_track.store.people_rows import recognised_rows, rows_of
from remix_track.store.stored_job import JobResult, job_text
from remix_track.store.vectors import write_vectors

WIDTH = 1280
NOON = datetime(2026, 1, 1, tzinfo=UTC)
PER_JOB = 1000
"""Tracklets of an hour of one camera."""


def made(number: int, cameras: int) -> Job:
    camera, hour = number % cameras, number // cameras
    source = JobSource(f"camera-{camera:02d}-{hour:04d}", f"{camera}/{hour}.mp4", size=number + 1)
    weights = Weights("made up", "00" * 32, "192x96 RGB", WIDTH)
    return Job(source, f"camera-{camera:02d}", {}, weights, start=NOON + timedelta(hours=hour), fps=25.0)


def write_job(root: Path, number: int, cameras: int, spectrum: NDArray[np.float32]) -> None:
    """An hour of one camera, with its light; all vectors have a part in common, as real ones do."""
    drawn = np.random.default_rng(number)
    job = made(number, cameras)
    folder = root / layout.JOBS / job.key
    folder.mkdir(parents=True)
    light = np.random.default_rng([1, number % cameras]).normal(size=WIDTH).astype(np.float32) * spectrum
    common = np.random.default_rng(2).normal(size=WIDTH).astype(np.float32) * spectrum
    vectors = drawn.standard_normal((PER_JOB, WIDTH), np.float32) * spectrum + 0.3 * light + 0.6 * common
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_vectors(folder / layout.VECTORS, [vectors], vectors.shape)
    first = np.sort(drawn.uniform(0, 3590, PER_JOB))
    last = first + drawn.uniform(1, 10, PER_JOB)
    start = round(job.start.timestamp() * 1000) if job.start else 0
    rows = {
        "track": np.arange(1, PER_JOB + 1),
        "first_frame": (first * 25).astype(np.int64) + 1,
        "last_frame": (last * 25).astype(np.int64) + 1,
        "first_time": first,
        "last_time": last,
        "first_utc": (first * 1000 + start).astype("datetime64[ms]"),
        "last_utc": (last * 1000 + start).astype("datetime64[ms]"),
        "boxes": ((last - first) * 25).astype(np.int64) + 1,
        "vectors": np.full(PER_JOB, 20),
        "mean_score": np.full(PER_JOB, 0.8, np.float32),
        "crops": np.full(PER_JOB, "", object),
    }
    write_table(folder / layout.TRACKLETS, TRACKLETS, rows)
    write_table(folder / layout.TRACKS, TRACKS, {one.name: [] for one in TRACKS})
    result = JobResult(frames=90_000, first_frame=1, last_frame=90_000, seconds=3600.0, fps=25.0, tracklets=PER_JOB)
    text = job_text(job, {name: getattr(result, name) for name in JobResult.__dataclass_fields__})
    (folder / layout.JOB).write_text(json_text(text))


def spectrum_of(flat: bool) -> NDArray[np.float32]:
    """Deviation along each direction: 592 real crops have 61, 76, 85, 91, 95 and 98 % in 8, 16, 32, 64, 128 and 256."""
    if flat:
        return np.full(WIDTH, WIDTH**-0.5, np.float32)
    ends = [0, 8, 16, 32, 64, 128, 256, WIDTH]
    shares = np.diff([0, 0.607, 0.758, 0.854, 0.912, 0.953, 0.983, 1.0])
    variance = np.concatenate([np.full(end - begin, share / (end - begin))
                               for begin, end, share in zip(ends, ends[1:], shares, strict=False)])  # fmt: skip
    return np.asarray(np.sqrt(variance), np.float32)


def timed(what: str, call: Callable[[], object], times: int = 1) -> None:
    """By the clock, and in seconds of the core, which on a machine with other work is what it would take alone."""
    took, worked = [], []
    for _ in range(times):
        begin, began = time.perf_counter(), time.process_time()
        call()
        took.append(1000 * (time.perf_counter() - begin))
        worked.append(1000 * (time.process_time() - began))
    middle = times // 2
    print(f"{what:46} {sorted(took)[middle]:9.1f} ms by the clock, {sorted(worked)[middle]:9.1f} ms of the core")


def measure(folder: Path, flat: bool) -> None:
    """What a user waits for; in a process of its own, so that its memory is counted alone."""
    timed("open, and see that the index is as the folders", lambda: open_store(folder).facts())
    store = open_store(folder)
    count = sum(one.tracklets for one in store.facts())
    camera, hours = "camera-03", len(store.facts()) // 20
    hour = NOON + timedelta(hours=hours // 2)
    found = store.tracklets(camera=camera, since=hour, until=hour + timedelta(hours=1))
    timed(f"one camera's hour, {len(found):,} tracklets",
          lambda: store.tracklets(camera=camera, since=hour, until=hour + timedelta(hours=1)), 9)  # fmt: skip
    drawn = np.random.default_rng(7)
    known = store.vectors(found[:20])
    spread = spectrum_of(flat)
    queries = [unit(one + 0.3 * drawn.standard_normal(WIDTH).astype(np.float32) * spread) for one in known]
    timed("the first search", lambda: store.search(queries[0]))
    turn = iter(queries * 10)
    timed(f"a search among {count:,}", lambda: store.search(next(turn)), 21)
    print(f"{'memory, the mapped files that are in it too':46} {peak_megabytes():9.0f} MB")


def measure_live(folder: Path, minutes: int = 30) -> None:
    """What a camera that runs waits for each minute, beside all that is there, and what the next query does."""
    store, files = open_store(folder), PeopleFiles(folder)
    found, drawn = store.tracklets(), np.random.default_rng(8)
    identities = Identities.unknown(len(found))
    identities.person[:] = drawn.integers(1, 50_000, len(found))
    with files.locked():
        timed(f"all {len(found):,} rows of people written", lambda: files.write_table(rows_of(found, identities)))
    timed("a query after that", store.people)
    timed("a query", lambda: store.tracklets(camera="camera-03", since=NOON, until=NOON + timedelta(hours=1)))
    parts = iter(range(minutes))
    known = {track: Recognition(track, 0.1, 0, np.nan, True) for track in range(1, 21)}

    def minute() -> None:
        key = layout.part_key(f"live-{folder.name}", f"{next(parts) + 1:04d}")
        with files.locked():
            files.add_rows(recognised_rows(key, known))

    def query() -> None:
        minute()
        store.refresh()

    timed("a minute of a camera: 20 rows added", minute, minutes // 3)
    timed("the same, and the index", query, minutes // 3)


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/bench-store"))
    parser.add_argument("--tracklets", type=int, default=1_000_000)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--live", action="store_true", help="what a camera that runs waits for each minute")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure_live(arguments.folder) if arguments.live else measure(arguments.folder, arguments.flat)
        return
    if not arguments.folder.exists():
        open_store(arguments.folder, create=True).claim_weights(made(0, 1).weights or Weights("", "", ""))
        for number in range(arguments.tracklets // PER_JOB):
            write_job(arguments.folder, number, arguments.cameras, spectrum_of(arguments.flat))
    try:
        words = [sys.executable, "-m", "tests.bench.bench_store", "--folder", str(arguments.folder), "--measure"]
        for title in ("the index is made:", "the index is there:"):
            print(title)
            subprocess.run([*words, *(["--flat"] if arguments.flat else [])], check=True)
        if arguments.live:
            subprocess.run([*words, "--live"], check=True)
    finally:
        if not arguments.keep:
            shutil.rmtree(arguments.folder)


if __name__ == "__main__":
    main()
