"""What Python users hand over, in every form that is met: the tracks of the plain form, or one `InputError`."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from remix_track import Detections, InputError, Tracker, Tracks
from remix_track.encoder.crops import NetworkInput
from remix_track.encoder.embedder import NetworkEmbedder
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings

HEIGHT, WIDTH, FRAMES = 120, 160, 6
Form = Callable[[np.ndarray], Any]


class ChannelMeans:
    """A network that a test can follow by hand: the mean of each channel."""

    width, largest_batch, takes_pixels, backend = 3, 8, True, "numpy"

    def __call__(self, batch):
        return batch.reshape(len(batch), -1, 3).mean(axis=1).astype(np.float32) + 1


def embedder() -> NetworkEmbedder:
    return NetworkEmbedder(ChannelMeans(), NetworkInput(16, 8), {"name": "test"})


def images(gray: bool = False) -> list[np.ndarray]:
    """Noise that moves a pixel to the right each frame; with values above 1 and up to 255 in each image."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH + FRAMES, 3), np.uint8)
    noise = np.repeat(noise[:, :, :1], 3, axis=2) if gray else noise
    return [np.ascontiguousarray(noise[:, FRAMES - k : FRAMES - k + WIDTH]) for k in range(FRAMES)]


def boxes(frame: int) -> list[list[float]]:
    #   1 ->          <- 2
    return [[20 + 3 * frame, 20, 40 + 3 * frame, 80], [120 - 3 * frame, 30, 140 - 3 * frame, 90]]


def detections(frame: int) -> Detections:
    return Detections(boxes(frame), [0.9, 0.8], [0, 0])


def tracker(embedder: NetworkEmbedder | None = None, **association: Any) -> Tracker:
    return Tracker.around(
        embedder,
        fps=30,
        settings=DeepSortSettings(n_init=1),
        association=AssociationSettings(**association),
    )


def same(one: Tracks, other: Tracks) -> bool:
    """Whether both hold the same, bit by bit."""
    pairs = [(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(Tracks)]
    return all(a is b is None or (a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)) for a, b in pairs)


def answers(forms: list[Any], *, appearance: bool = True) -> list[Tracks]:
    with_eyes = tracker(embedder() if appearance else None)
    return [with_eyes.update(detections(frame), form) for frame, form in enumerate(forms)]


# --- images ---

COLOUR: dict[str, Form] = {
    "not contiguous": lambda bgr: np.asfortranarray(bgr),
    "a view turned twice": lambda bgr: bgr[:, ::-1].copy()[:, ::-1],
    "read only": lambda bgr: np.frombuffer(bgr.tobytes(), np.uint8).reshape(bgr.shape),
    "BGRA": lambda bgr: np.dstack([bgr, np.full(bgr.shape[:2], 7, np.uint8)]),
    "float64 0..1": lambda bgr: bgr / 255,
    "float32 0..1": lambda bgr: (bgr / 255).astype(np.float32),
    "float16 0..1": lambda bgr: (bgr / 255).astype(np.float16),
    "float32 0..255": lambda bgr: bgr.astype(np.float32),
    "BGRA float": lambda bgr: np.dstack([bgr, bgr[:, :, :1]]) / 255,
    "uint16 0..255": lambda bgr: bgr.astype(np.uint16),
    "uint16 0..65535": lambda bgr: bgr.astype(np.uint16) * 257,
    "int64": lambda bgr: bgr.astype(np.int64),
    "lists": lambda bgr: bgr.tolist(),
    "tensor": lambda bgr: torch.from_numpy(bgr),
    "tensor with gradient": lambda bgr: torch.from_numpy(bgr / 255).requires_grad_(),
    "Pillow RGB": lambda bgr: Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1])),
    "Pillow RGBA": lambda bgr: Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1])).convert("RGBA"),
}
GRAY: dict[str, Form] = {
    "gray": lambda bgr: bgr[:, :, 0],
    "gray, one channel": lambda bgr: bgr[:, :, :1],
    "gray float": lambda bgr: bgr[:, :, 0] / 255,
    "gray uint16": lambda bgr: bgr[:, :, 0].astype(np.uint16) * 257,
    "Pillow L": lambda bgr: Image.fromarray(np.ascontiguousarray(bgr[:, :, 0])),
    "Pillow 16 bit": lambda bgr: Image.fromarray(bgr[:, :, 0].astype(np.uint16) * 257),
    "Pillow float": lambda bgr: Image.fromarray(bgr[:, :, 0].astype(np.float32)),
}
NO_IMAGE: dict[str, Form] = {
    "None": lambda bgr: None,
    "empty": lambda bgr: np.empty((0, 0, 3), np.uint8),
    "no pixels": lambda bgr: np.array([]),
}
REFUSED: dict[str, Form] = {
    "a path": lambda bgr: "frame.jpg",
    "bytes": lambda bgr: bgr.tobytes(),
    "a number": lambda bgr: 3,
    "an object": lambda bgr: object(),
    "an empty list": lambda bgr: [],
    "channels first": lambda bgr: bgr.transpose(2, 0, 1),
    "tensor, channels first": lambda bgr: torch.from_numpy(bgr).permute(2, 0, 1),
    "a batch of one": lambda bgr: bgr[None],
    "one row": lambda bgr: bgr[0, :, 0],
    "two channels": lambda bgr: bgr[:, :, :2],
    "five channels": lambda bgr: np.dstack([bgr, bgr[:, :, :2]]),
    "NaN": lambda bgr: np.full(bgr.shape, np.nan),
    "infinite": lambda bgr: np.full(bgr.shape, np.inf),
    "below 0": lambda bgr: bgr / 255 - 0.5,
    "floats above 255": lambda bgr: bgr * 4.0,
    "beyond 16 bits": lambda bgr: bgr.astype(np.int64) * 1000,
    "true and false": lambda bgr: bgr > 100,
    "complex": lambda bgr: bgr * 1j,
    "text": lambda bgr: bgr.astype(str),
    "rows of two lengths": lambda bgr: [[[1, 2, 3]], [[1, 2, 3], [1, 2, 3]]],
}


@pytest.mark.parametrize("form", COLOUR)
def test_images_in_other_forms_give_the_tracks_of_the_plain_form(form):
    expected = answers(images())
    assert all(len(tracks) == 2 for tracks in expected)
    assert all(map(same, answers([COLOUR[form](image) for image in images()]), expected))


@pytest.mark.parametrize("form", GRAY)
def test_gray_images_give_the_tracks_of_gray_in_three_channels(form):
    plain = images(gray=True)
    assert all(map(same, answers([GRAY[form](image) for image in plain]), answers(plain)))


@pytest.mark.parametrize("appearance", [True, False])
@pytest.mark.parametrize("form", REFUSED)
def test_what_is_no_image_is_refused_and_changes_nothing(form, appearance):
    with_eyes = tracker(embedder() if appearance else None)
    got = []
    for frame, image in enumerate(images()):
        with pytest.raises(InputError, match=r"^image\b.*expected \(H, W, 3\) uint8 in BGR"):
            with_eyes.update(detections(frame), REFUSED[form](image))
        got.append(with_eyes.update(detections(frame), image))
    assert all(map(same, got, answers(images(), appearance=appearance)))


@pytest.mark.parametrize("form", NO_IMAGE)
def test_without_images_motion_and_given_embeddings_are_enough(form):
    image = NO_IMAGE[form](images()[0])
    motion, given, eyes = tracker(), tracker(embedder()), tracker(embedder())
    for frame in range(FRAMES):
        assert motion.update(detections(frame), image).ids.tolist() == [1, 2]
        tracks = given.update(detections(frame).with_embedding(np.eye(2, 3)), image)
        assert tracks.ids.tolist() == [1, 2]
        np.testing.assert_array_equal(tracks.embedding, np.eye(2, 3))
        with pytest.raises(InputError, match=r'image is missing.*with_embedding.*weights "none"'):
            eyes.update(detections(frame), image)
    assert len(eyes.update(Detections.empty(), image)) == 0
    assert motion.update(detections(FRAMES)).ids.tolist() == [1, 2], "image may be left out"


@pytest.mark.parametrize("options", [{}, {"camera_motion": False}, {"tracker": "deep-sort"}])
def test_a_missing_image_between_others_is_no_fault(options):
    both = tracker(**options)
    for frame, image in enumerate(images()):
        assert both.update(detections(frame), None if frame == 3 else image).ids.tolist() == [1, 2]


def test_images_of_two_sizes_are_refused():
    one = tracker()
    one.update(detections(0), images()[0])
    with pytest.raises(InputError, match=r"image is 80x120, those before it 160x120; call reset\(\) for a new video"):
        one.update(detections(1), images()[1][:, :80])
    assert one.update(detections(1), images()[1]).ids.tolist() == [1, 2]


def test_what_else_update_refuses():
    one = tracker()
    wrong: Any
    for wrong in (None, object(), boxes(0), {"xyxy": boxes(0)}):
        with pytest.raises(InputError, match=r"detections is .*; give remix_track.Detections\("):
            one.update(wrong, images()[0])
    warp: Any
    for warp in (np.eye(3), np.full((2, 3), np.nan), "left", [[1, 0], [0, 1]]):
        with pytest.raises(InputError, match=r"^camera"):
            one.update(detections(0), images()[0], warp)
    assert one.update(detections(0), images()[0], np.eye(2, 3)).ids.tolist() == [1, 2]


def test_embeddings_of_two_widths_are_refused_before_anything_changes():
    one, other = tracker(), tracker()
    for frame, image in enumerate(images()):
        seen = detections(frame).with_embedding(np.eye(2, 4))
        if frame:
            with pytest.raises(InputError, match="embeddings 5 wide after 4"):
                one.update(detections(frame).with_embedding(np.eye(2, 5)), image)
        assert same(one.update(seen, image), other.update(seen, image))


# --- detections ---

TAKEN: dict[str, Callable[[], Detections]] = {
    "tuples": lambda: Detections(tuple(map(tuple, boxes(1))), (0.9, 0.8), (0, 0)),
    "float64": lambda: Detections(np.array(boxes(1)), np.array([0.9, 0.8]), np.zeros(2)),
    "not contiguous": lambda: Detections(np.array(boxes(1)).T.copy().T, np.array([0.9, 9, 0.8])[::2], [0, 0]),
    "whole boxes": lambda: Detections(np.array(boxes(1), np.int32), [0.9, 0.8], [0, 0]),
    "classes as floats": lambda: Detections(boxes(1), [0.9, 0.8], np.zeros(2, np.float32)),
    "classes of 8 bits": lambda: Detections(boxes(1), [0.9, 0.8], np.zeros(2, np.uint8)),
    "tensors": lambda: Detections(torch.tensor(boxes(1)), torch.tensor([0.9, 0.8]), torch.zeros(2)),
    "gradients": lambda: Detections(
        torch.tensor(np.array(boxes(1)) * 1.0, requires_grad=True), torch.tensor([0.9, 0.8]), [0, 0]
    ),
    "a list of tensors": lambda: Detections([torch.tensor(box) for box in boxes(1)], [0.9, 0.8], [0, 0]),
    "a list of arrays": lambda: Detections([np.array(box) for box in boxes(1)], [0.9, 0.8], [0, 0]),
}
EMPTY: list[Any] = [
    [],
    (),
    [[]],
    np.array([]),
    np.empty((0, 4)),
    np.empty((0, 5), np.int8),
    np.empty((1, 0)),
    torch.empty(0),
    torch.empty((0, 4)),
]
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no boxes": ({"xyxy": None}, "xyxy is None; expected numbers"),
    "one box": ({"xyxy": [1, 2, 3, 4]}, r"xyxy has shape \(4,\), expected \(N, 4\); write a single box as \[\[x1"),
    "five columns": ({"xyxy": np.zeros((2, 5))}, r"xyxy has shape \(2, 5\), expected \(N, 4\)"),
    "three dimensions": ({"xyxy": np.zeros((2, 4, 1))}, r"xyxy has shape \(2, 4, 1\)"),
    "ragged": ({"xyxy": [[1, 2, 3, 4], [1, 2, 3]]}, "xyxy: cannot be read as numbers"),
    "words": ({"xyxy": [["1"] * 4] * 2}, "xyxy is .*; expected numbers"),
    "a hole": ({"xyxy": [[1, 2, 3, None], [1, 2, 3, 4]]}, "xyxy is .*; expected numbers"),
    "NaN": ({"xyxy": [[1, 2, 3, 4], [1, 2, 3, np.nan]]}, "xyxy: row 1 .* holds NaN or infinite values"),
    "beyond float32": ({"xyxy": [[1, 2, 3e39, 4], [1, 2, 3, 4]]}, "xyxy: row 0 .* holds NaN or infinite values"),
    "x swapped": ({"xyxy": [[1, 2, 3, 4], [9, 2, 3, 4]]}, "xyxy: row 1 .* corners in the wrong order; expected x1"),
    "y swapped": ({"xyxy": [[1, 9, 3, 4], [1, 2, 3, 4]]}, "xyxy: row 0 .* corners in the wrong order; expected x1"),
    "one score": ({"score": 0.9}, r"score has shape \(\), expected \(2,\) as xyxy has"),
    "few scores": ({"score": [0.9]}, r"score has shape \(1,\), expected \(2,\) as xyxy has"),
    "no scores": ({"score": []}, r"score has shape \(0,\), expected \(2,\) as xyxy has"),
    "a column of scores": ({"score": [[0.9], [0.8]]}, r"score has shape \(2, 1\), expected \(2,\)"),
    "NaN score": ({"score": [0.9, np.nan]}, "score: row 1 = nan holds NaN or infinite values"),
    "no number": ({"score": [None, 1]}, "score is .*; expected numbers"),
    "few classes": ({"class_id": [0]}, r"class_id has shape \(1,\), expected \(2,\) as xyxy has"),
    "half a class": ({"class_id": [0, 0.5]}, "class_id holds values that are no whole numbers"),
    "NaN class": ({"class_id": [0, np.nan]}, "class_id holds values that are no whole numbers"),
    "a class beyond 64 bits": ({"class_id": [0, 1e30]}, "class_id holds values that are no whole numbers"),
    "a class by name": ({"class_id": ["person", "person"]}, "class_id is .*; expected numbers"),
    "true and false": ({"class_id": [True, False]}, "class_id is .*; expected numbers"),
    "one vector": ({"embedding": np.ones(3)}, r"embedding has shape \(3,\), expected \(2, D\)"),
    "few vectors": ({"embedding": np.ones((1, 3))}, r"embedding has shape \(1, 3\), expected \(2, D\)"),
    "vectors of words": ({"embedding": [["a"], ["b"]]}, "embedding is .*; expected numbers"),
}


@pytest.mark.parametrize("form", TAKEN)
def test_detections_in_other_forms_are_the_plain_ones(form):
    plain, made = detections(1), TAKEN[form]()
    for name in ("xyxy", "score", "class_id"):
        np.testing.assert_array_equal(getattr(made, name), getattr(plain, name))
        assert getattr(made, name).dtype == getattr(plain, name).dtype


@pytest.mark.parametrize("none", EMPTY, ids=str)
def test_any_empty_is_a_frame_without_detections(none):
    for embedding in (None, none):
        made = Detections(none, none, none, embedding)
        assert (made.xyxy.shape, made.score.shape, made.class_id.shape, len(made)) == ((0, 4), (0,), (0,), 0)
        assert len(tracker().update(made)) == 0
    kept = Detections([], [], [], np.empty((0, 7))).embedding
    assert kept is not None
    assert kept.shape == (0, 7)


@pytest.mark.parametrize("fault", WRONG)
def test_detections_that_do_not_fit_are_refused_by_their_name(fault):
    changes, message = WRONG[fault]
    given: dict[str, Any] = {"xyxy": boxes(1), "score": [0.9, 0.8], "class_id": [0, 0]}
    with pytest.raises(InputError, match=rf"^Detections\.{message}") as caught:
        Detections(**(given | changes))
    assert "\n" not in str(caught.value)


def test_scores_of_any_scale_and_boxes_without_area_are_kept():
    made = Detections([[1, 2, 1, 9], [0, 0, 5, 5]], [-3, 17], [0, -1])
    assert (made.score.tolist(), made.class_id.tolist()) == ([-3, 17], [0, -1])


def test_detections_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        detections(0).score = np.zeros(2, np.float32)  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(detections(0), "more", 1)
