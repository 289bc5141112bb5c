"""Drawn frames with tracks and vectors for tests of the store."""

import numpy as np

from remix_track.detections import Tracks
from remix_track.store import Job, JobSource, Weights
from remix_track.trackers.frame import TrackedFrame

WEIGHTS = Weights("drawn", "ab" * 32, "16x8 RGB", 8)


def job(name="gate", *, weights=WEIGHTS, **others):
    source = JobSource(name, f"{name}.mp4", size=100, modified_ns=1, digest=name)
    return Job(source, **{"camera": name, "fps": 10.0, **others}, weights=weights)


def vector(person, seed=0, width=8):
    """The mean look of a person and a little noise, of unit length."""
    drawn = np.random.default_rng(person).normal(size=width) + 0.05 * np.random.default_rng([person, seed]).normal(
        size=width
    )
    return drawn / np.linalg.norm(drawn)


def frame(index, people, *, fps=10.0, utc=None, left=10.0, size=(80, 200), coasting=(), light=None):
    """Frame `index`: person p as track p, each 40 columns from the one before, before a camera of some `light`.

    Those in `coasting` have no detection behind them.
    """
    people = list(people)
    count = len(people)
    xyxy = np.array([[left + 40 * place, 10, left + 40 * place + 20, 60] for place in range(count)]).reshape(-1, 4)
    seen = np.array([person not in coasting for person in people], bool)
    vectors = np.array([vector(person, index) for person in people]).reshape(count, 8)
    if light is not None:
        vectors += 2 * np.random.default_rng([99, light]).normal(size=8)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors *= seen[:, None]
    tracks = Tracks(
        ids=people,
        xyxy=xyxy,
        score=np.where(seen, 0.9, np.nan),
        class_id=np.zeros(count, np.int64),
        detection=np.where(seen, np.arange(count), -1),
        embedding=vectors,
    )
    image = np.full((*size, 3), index % 256, np.uint8)
    return TrackedFrame(index, image, (index - 1) / fps, tracks, utc)


def write(store, made, frames):
    with store.writer(made) as writer:
        for one in frames:
            writer.add(one)
    return store.job(made)
