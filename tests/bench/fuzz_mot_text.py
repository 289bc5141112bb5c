"""Fuzz the reader of MOT text by hand: `python tests/bench/fuzz_mot_text.py [minutes]`, ten by default.

Starts from clean files and damages them: bytes flipped, cut, doubled, joined; numbers swapped for hostile ones. Fails
on any exception but `InputError`, on a file that takes seconds, and on memory out of proportion to the file.
"""

import random
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from remix_track.errors import InputError
from remix_track.mot_text import examine, read

SECONDS_PER_FILE = 10.0
HOSTILE = (
    *(b"nan", b"inf", b"1e999", b"-0", b"1e-400", b"9" * 5000, b"3.5", b"200000000", b"-1", b"0x1p3", b"1_0", b"#"),
    *(b"", b" ", b"\t", b"\0", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"\x85", b"\xe2\x80\xa8", b";", b'"'),
)


def clean(rng: random.Random) -> bytes:
    """A table that the reader takes as it is."""
    separator = rng.choice([",", ", ", " ", "\t"])
    columns, rows = rng.randint(6, 11), rng.choice([0, 1, 5, 50, 2000])
    line_end = rng.choice(["\n", "\n", "\r\n", "\r"])
    lines = []
    for row in range(rows):
        fields = [str(row // 5 + 1), str(row % 5)] + [
            f"{rng.uniform(-10, 2000):.{rng.randint(0, 12)}f}" for _ in range(8)
        ]
        lines.append(separator.join((fields + ["-1"] * 5)[:columns]))
    return line_end.join(lines).encode()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """`data` with one thing gone wrong."""
    if not data:
        return rng.choice(HOSTILE) * rng.choice([1, 100_000])
    start = rng.randrange(len(data))
    stop = min(len(data), start + rng.choice([1, 1, 3, 30, len(data)]))
    part = data[start:stop]
    inside = rng.choice([b"", part * 2, part[::-1], rng.choice(HOSTILE), rng.randbytes(len(part) % 64), b"\n" * 50])
    return data[:start] + inside + data[stop:]


def main(minutes: float) -> None:
    """Run until the time is up, and say what was seen."""
    seed = random.SystemRandom().randrange(2**32)
    rng, count, refused, slowest, most = random.Random(seed), 0, 0, 0.0, 0.0
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzz.txt"
        tracemalloc.start()
        while time.monotonic() < end:
            data = clean(rng)
            for _ in range(rng.choice([0, 1, 1, 2, 5])):
                data = damaged(data, rng)
            path.write_bytes(data)
            tracemalloc.reset_peak()
            before, started = tracemalloc.get_traced_memory()[0], time.process_time()
            try:
                rows, _, _ = examine(path)
                assert np.isfinite(rows.tlwh).all()
                read(path)
            except InputError as error:
                refused += 1
                if "\n" in str(error):
                    raise SystemExit(f"seed {seed}: an error of several lines: {error}") from None
            except Exception:
                Path(f"fuzz-{seed}-{count}.bin").write_bytes(data)
                raise
            seconds, memory = time.process_time() - started, tracemalloc.get_traced_memory()[1] - before
            slowest, most = max(slowest, seconds), max(most, memory / (len(data) + 20_000))
            if seconds > SECONDS_PER_FILE or memory > 40 * len(data) + 5_000_000:
                Path(f"fuzz-{seed}-{count}.bin").write_bytes(data)
                raise SystemExit(f"seed {seed}: {seconds:.1f} s and {memory:,} bytes for a file of {len(data):,}")
            count += 1
    print(
        f"seed {seed}: {count:,} files, {refused:,} refused; slowest {slowest:.2f} s, most memory {most:.1f} x the file"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
