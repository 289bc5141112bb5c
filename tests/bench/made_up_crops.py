"""Crops of made-up people: blocks of colour and noise as JPEG, half a millisecond each, to measure with, not to learn.

A person is a coarse grid of colours, a camera a gain of each channel, and a crop adds noise of its own. So crops of one
person are alike for any network, also one with random weights, and pseudo labels find people; there is nothing else in
them. Where it matters what a crop shows, `remix-train synthesize` draws people.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 256, 128


def write_labelled(folder: Path, *, people: int, cameras: int, each: int, threads: int) -> int:
    """A set for `folder:PATH`, `person0001/cam1_0002.jpg`; the number of its crops.

    Args:
        folder: does not exist yet.
        people: in it.
        cameras: that see each of them.
        each: crops of a person in a camera.
        threads: that draw.
    """

    def write(person: int) -> int:
        home = folder / f"person{person:04}"
        home.mkdir(parents=True)
        views = [(f"cam{camera}_{number:04}", camera) for camera in range(cameras) for number in range(each)]
        return _write(home, ((name, person, camera) for name, camera in views), (0, person))

    return _in_threads(write, people, threads)


def write_videos(folder: Path, *, videos: int, people: int, each: int, threads: int) -> int:
    """A set for `folders:PATH`, `video0001/0012_0003.jpg`, each video with people of its own; the number of its crops.

    The first field of a name is the person: `data.hidden_identity_fields = [0]`.

    Args:
        folder: does not exist yet.
        videos: each is a camera of its own.
        people: of a video.
        each: crops of a person.
        threads: that draw.
    """

    def write(video: int) -> int:
        home = folder / f"video{video:04}"
        home.mkdir(parents=True)
        strangers = range(10_000 + video * people, 10_000 + (video + 1) * people)
        views = ((f"{person}_{number:04}", person, 1000 + video) for person in strangers for number in range(each))
        return _write(home, views, (1, video))

    return _in_threads(write, videos, threads)


def _in_threads(write: Callable[[int], int], count: int, threads: int) -> int:
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(write, range(count)))


def _write(folder: Path, crops: Iterable[tuple[str, int, int]], seed: tuple[int, int]) -> int:
    """Write crops, each a name, a person and a camera; how many there were."""
    noise, written = np.random.default_rng(seed), 0
    for name, person, camera in crops:
        _, encoded = cv2.imencode(".jpg", _crop(person, camera, noise))
        (folder / f"{name}.jpg").write_bytes(encoded.tobytes())
        written += 1
    return written


def _crop(person: int, camera: int, noise: np.random.Generator) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3)."""
    colours = np.random.default_rng((2, person)).uniform(0, 255, (8, 3, 3))
    gains = np.random.default_rng((3, camera)).uniform(0.8, 1.2, 3)
    coarse = cv2.resize(colours, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_NEAREST) * gains
    coarse += noise.normal(0, 12, coarse.shape)
    drawn = coarse.clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(drawn, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)
