"""`remix_track.track` of images in memory: the tracks of the same images in files, or one `InputError`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import remix_track
from remix_track import InputError, TrackedFrame
from remix_track.trackers.pipeline.run import Run

HEIGHT, WIDTH, FRAMES = 96, 128, 8


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH + FRAMES, 3), np.uint8)
    return [np.ascontiguousarray(noise[:, k : k + WIDTH]) for k in range(FRAMES)]


@pytest.fixture(scope="module")
def det(tmp_path_factory: pytest.TempPathFactory) -> Path:
    #   1 ->        <- 2
    path = tmp_path_factory.mktemp("det") / "det.txt"
    rows = [f"{k},-1,{10 + 3 * k},20,20,60,0.9\n{k},-1,{90 - 3 * k},25,20,60,0.8\n" for k in range(1, FRAMES + 1)]
    path.write_text("".join(rows))
    return path


@pytest.fixture(scope="module")
def folder(images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    for number, image in enumerate(images, 1):
        cv2.imwrite(str(folder / f"{number:06}.png"), image)
    return folder


def track(source: Any, det: Path, **changes: Any) -> Run:
    given: dict[str, Any] = {"detector": str(det), "weights": "none", "n_init": 1, "fps": 25} | changes
    return remix_track.track(source, **given)


def same(some: list[TrackedFrame], others: list[TrackedFrame]) -> bool:
    return len(some) == len(others) and all(
        (one.index, one.time) == (other.index, other.time)
        and np.array_equal(one.ids, other.ids)
        and np.array_equal(one.xyxy, other.xyxy)
        and np.array_equal(one.image, other.image)
        for one, other in zip(some, others, strict=True)
    )


class Frames:
    """Images that can be gone through more than once, and of which nothing else is known."""

    def __init__(self, images: list[np.ndarray]) -> None:
        self.images = images

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.images)


ONCE: dict[str, Callable[[list[np.ndarray]], Any]] = {
    "a generator": lambda images: (image for image in images),
    "an iterator": iter,
    "a mapped function": lambda images: map(np.asarray, images),
}
FORMS: dict[str, Callable[[list[np.ndarray]], Any]] = {
    "a list": list,
    "a tuple": tuple,
    "an array": np.stack,
    "an array with alpha": lambda images: np.stack([np.dstack([image, image[:, :, :1]]) for image in images]),
    "an array of floats": lambda images: np.stack(images) / 255,
    "a tensor": lambda images: torch.from_numpy(np.stack(images)),
    "tensors": lambda images: [torch.from_numpy(image) for image in images],
    "images of Pillow": lambda images: [Image.fromarray(image[:, :, ::-1].copy()) for image in images],
    "an iterable": Frames,
}


@pytest.mark.parametrize("selection", [{}, {"start": 2, "stride": 3}, {"frames": 4}, {"offline": True}])
@pytest.mark.parametrize("form", FORMS | ONCE)
def test_images_in_memory_are_tracked_as_those_in_files(form, selection, images, folder, det):
    expected = list(track(folder, det, **selection))
    assert len(expected[-1].ids) == 2
    given = (FORMS | ONCE)[form](images)
    if "offline" in selection and form in ONCE:
        with pytest.raises(InputError, match="gives its images once, and `offline` needs them twice; give a list"):
            track(given, det, **selection)
        return
    run = track(given, det, **selection)
    assert same(list(run), expected)
    assert (run.source.frames, run.source.width, run.source.height) == (
        None if form in ONCE or form == "an iterable" else len(expected),
        WIDTH,
        HEIGHT,
    ) or selection.get("frames")


def test_gray_images_are_repeated(images, det):
    gray = np.stack(images)[:, :, :, 1]
    frames = list(track(gray, det))
    assert all(np.array_equal(frame.image[:, :, 2], one) for frame, one in zip(frames, gray, strict=True))


def test_no_more_is_asked_of_a_generator_than_is_due(images, det):
    asked = []

    def filmed() -> Iterator[np.ndarray]:
        for number, image in enumerate(images, 1):
            asked.append(number)
            yield image

    run = track(filmed(), det, frames=2, stride=3)
    assert asked == []
    assert [frame.index for frame in run] == [1, 4]
    assert asked == [1, 2, 3, 4]


def test_one_buffer_for_all_frames_and_drawing_on_them_do_no_harm(images, folder, det):
    def filmed() -> Iterator[np.ndarray]:
        buffer = np.empty_like(images[0])
        for image in images:
            buffer[:] = image
            yield buffer

    assert same(list(track(filmed(), det)), list(track(folder, det)))
    kept = [image.copy() for image in images]
    for frame in track(images, det):
        frame.image[:] = 0
    assert all(map(np.array_equal, images, kept))


def test_the_rate_is_the_callers_or_said_to_be_30(images, det):
    known, unknown = track(images, det), track(images, det, fps=None)
    assert (known.fps, known.source.warnings) == (25, [])
    assert unknown.fps == 30
    (said,) = unknown.source.warnings
    assert said.startswith("frames in memory: the frame rate is unknown; 30 is assumed")
    assert [frame.time for frame in unknown] == [k / 30 for k in range(FRAMES)]


def test_errors_of_the_callers_own_code_stay_what_they_are(images, det):
    def breaks() -> Iterator[np.ndarray]:
        yield images[0]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(track(breaks(), det))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "`source` is of type NoneType; give a video, a folder of images"),
        (True, "`source` is of type bool; give a video"),
        (b"video.mp4", "`source` is of type bytes; give a video"),
        (2.5, "`source` is of type float; give a video"),
        (np.zeros((9, 9, 3), np.uint8), r"`source` is a single image; give a list, \[image\]"),
        (np.zeros((9, 9, 1), np.uint8), r"`source` is a single image; give a list, \[image\]"),
        (np.zeros((9, 9), np.uint8), r"`source` is a single image; give a list, \[image\]"),
        (Image.new("RGB", (9, 9)), r"`source` is a single image; give a list, \[image\]"),
        (["a.mp4", "b.mp4"], r"`source` is a list with names of files in it; call track\(\) for each"),
        ([Path("a.mp4")], r"`source` is a list with names of files in it; call track\(\) for each"),
        ([], r"`source` holds no image; give images, each \(H, W, 3\) uint8 in BGR"),
        (iter([]), "`source` holds no image"),
        (np.empty((0, 9, 9, 3), np.uint8), "`source` holds no image"),
        ([None], r"frame 1 is None; expected \(H, W, 3\) uint8 in BGR"),
        ({"a.mp4": 1}, "frame 1 is of type str; expected"),
        (np.zeros((2, 3, 9, 9), np.uint8), r"frame 1 is \(3, 9, 9\) uint8: channels come last"),
        ([np.zeros((9, 9, 3), np.uint8), np.zeros((9, 8, 3), np.uint8)], "frame 2 is 8x9, those before it 9x9"),
        ([np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), np.nan)], "frame 2 is .* whose value range is unknown"),
    ],
)
def test_what_is_no_source_is_refused(source, message, det):
    with pytest.raises(InputError, match=message):
        list(track(source, det))


def test_a_run_is_iterated_once(images, det):
    run = track(images, det)
    assert len(list(run)) == FRAMES
    with pytest.raises(InputError, match=r"this run was iterated already, its frames are gone; call track\(\) again"):
        list(run)
