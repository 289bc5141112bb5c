"""Masks and keypoints lie where the network has them, whatever the frame's size, and as ultralytics reads them."""

from typing import Any

import numpy as np
import pytest

from remix_track import openvino_runtime
from remix_track.trackers.detectors import openvino_yolo
from remix_track.trackers.detectors.letterbox import Letterbox
from remix_track.trackers.detectors.openvino_yolo import photographs
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics
from remix_track.trackers.detectors.yolo import YoloDetector, YoloOptions
from remix_track.trackers.frame import Frame
from tests.trackers.detectors.test_exported import SIDE, XYXY, by_class, picked, queries, refused, says, seen, write  # noqa: F401

INSIDE = [(8, 20, 20, 52), (44, 12, 52, 44)]
"""Of each box the part that is the person's, in pixels of the input: multiples of a prototype's cell of four."""


def prototypes():
    """Eight of them, of which the last two have what is inside of each box and what is not."""
    made = np.zeros((1, 8, 16, 16), np.float32)
    for channel, (left, top, right, bottom) in enumerate(INSIDE):
        made[0, 6 + channel] = -1
        made[0, 6 + channel, top // 4 : bottom // 4, left // 4 : right // 4] = 1
    return made


def with_masks(rows):
    """Rows or columns of `by_class` and `picked` with weights for those prototypes."""
    weights = rows[0, 5:, :2].T if rows.shape[1] == 13 else rows[0, :2, 6:]
    weights[:] = 0
    weights[0, 6], weights[1, 7] = 3, 3
    return rows


def extent(mask):
    points = np.concatenate(mask)
    return [*points.min(axis=0), *points.max(axis=0)]


@pytest.mark.parametrize("make", [by_class, picked])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 64), (192, 96)])
def test_masks_of_an_export(write, make, height, width):  # noqa: F811
    path = write(with_masks(make("segment")), prototypes(), notes=says("segment"))
    _, found = seen(path, height, width)
    box = Letterbox.inside(height, width, SIDE, SIDE)
    for row, inside in zip(found.mask, INSIDE, strict=True):
        # Between two cells, of 1 and -1, the border is in the middle; points are the middle of pixels.
        expected = box.to_frame(np.array([inside], np.float32))[0]
        np.testing.assert_allclose(extent(row), expected, atol=1.01 * max(height, width) / SIDE)
    filled = found.mask.raster((height, width))
    assert not (filled[0] & filled[1]).any()
    _, bare = seen(path, height, width, shapes=False)
    assert bare.mask is None
    np.testing.assert_array_equal(bare.xyxy, found.xyxy)


def test_a_mask_ends_at_its_box(write):  # noqa: F811
    whole = np.ones((1, 8, 16, 16), np.float32)
    _, found = seen(write(with_masks(by_class("segment")), whole, notes=says("segment")))
    for mask, box in zip(found.mask, XYXY, strict=True):
        np.testing.assert_allclose(extent(mask), box, atol=0.51)
    _, found = seen(write(with_masks(by_class("segment")), -whole, notes=says("segment")))
    assert [len(mask) for mask in found.mask] == [0, 0]
    raw = np.concatenate([by_class(), np.full((1, 32, 90), -7, np.float32)], axis=1)
    assert seen(write(raw, notes=says("segment")))[1].mask is None, "prototypes were cut off"


def test_prototypes_without_cells_or_finer_than_the_input_can_be(write):  # noqa: F811
    rows = with_masks(by_class("segment"))
    rows[0, :4, 0] = 0, 0, 1e-3, 1e-3
    for shape in ((0, 0), (16, 0), (16, 129), (129, 16)):
        said = refused(write(rows, np.ones((1, 8, *shape)), notes=says("segment")))
        height, width = shape
        assert said == (
            f"gives outputs that cannot be read (masks of {width}x{height} for images of 64x64); export it again"
        )
    _, found = seen(write(rows, np.ones((1, 8, 128, 128)), notes=says("segment")))
    assert [len(mask) for mask in found.mask] == [0, 1], "the first is smaller than a pixel"


@pytest.mark.parametrize("make", [by_class, picked])
@pytest.mark.parametrize("shape", [(17, 3), (5, 2)])
def test_keypoints_of_an_export(write, make, shape):  # noqa: F811
    count, numbers = shape
    values = np.random.default_rng(0).uniform(5, 60, (2, count, numbers)).astype(np.float32)
    if numbers == 3:
        values[:, :, 2] /= 60
    rows = make("detect")
    more = np.zeros((2, count * numbers), np.float32)
    more[:] = values.reshape(2, -1)
    axis = 1 if make is by_class else 2
    extra = np.zeros((1, count * numbers, 90) if make is by_class else (1, 70, count * numbers), np.float32)
    (extra[0].T if make is by_class else extra[0])[:2] = more
    path = write(np.concatenate([rows, extra], axis=axis), notes=says("pose", kpt_shape=list(shape)))
    _, found = seen(path, height=64, width=128)
    assert found.keypoints.shape == (2, count, 3)
    np.testing.assert_allclose(found.keypoints[:, :, :2], (values[:, :, :2] - [0, 16]).clip(0, [64, 32]) * 2, atol=1e-3)
    expected = values[:, :, 2] if numbers == 3 else np.ones((2, count))
    np.testing.assert_allclose(found.keypoints[:, :, 2], expected, atol=1e-6)


def test_plain_models_have_neither(write):  # noqa: F811
    for path in (write(by_class(), notes=says()), write(queries(), notes=says(head="RTDETRDecoder"))):
        assert seen(path)[1].shapes is None


@pytest.fixture(scope="module", params=["seg", "pose"])
def tiny(request, tmp_path_factory):
    """A model without training that nevertheless finds something: its norms fit photographs, its scores vary."""
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny") / f"yolo11n-{request.param}.pt"
    images = np.stack(photographs(128, 160))
    with quiet_ultralytics():
        from ultralytics import YOLO

        made = YOLO(f"yolo11n-{request.param}.yaml", verbose=False)
        for module in made.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        for level in made.model.model[-1].cv3:
            torch.nn.init.normal_(level[-1].weight, std=0.05)
            torch.nn.init.constant_(level[-1].bias, -4)
        with torch.no_grad():
            made.model.train()(torch.from_numpy(images[..., ::-1].transpose(0, 3, 1, 2) / np.float32(255)))
        made.model.eval()
        made.save(path)
    return path


@pytest.mark.parametrize("backend", [pytest.param("torch", marks=pytest.mark.slow), "openvino"])
def test_a_pt_gives_what_ultralytics_gives(tiny, backend, monkeypatch):
    # Which of hundreds of boxes of noise stays hangs on their last digits.
    monkeypatch.setattr(openvino_yolo, "same_boxes", lambda *_, **__: True)
    if backend == "openvino" and not openvino_runtime.is_usable():
        pytest.skip("openvino does not run here")
    (image, *_) = photographs(128, 160)
    options = YoloOptions(classes=range(80), conf=0.1, imgsz=160, device="cpu", threads=1, backend=backend)
    found: Any = YoloDetector(tiny, options)(Frame(1, image, 0.0))
    with quiet_ultralytics():
        from ultralytics import YOLO

        (theirs,) = YOLO(str(tiny)).predict(image, imgsz=160, conf=0.1, verbose=False, device="cpu")
    assert len(found) > 5
    overlaps, others = [], 0
    for row in range(len(found)):
        rows = np.column_stack([theirs.boxes.xyxy, theirs.boxes.conf, theirs.boxes.cls])
        mine = np.array([*found.xyxy[row], found.score[row], found.class_id[row]])
        same = np.abs(rows - mine).max(axis=1).argmin()
        if np.abs(rows[same] - mine).max() > 0.5:  # theirs leave out boxes whose masks are empty
            others += 1
        elif theirs.keypoints is not None:
            np.testing.assert_allclose(found.keypoints[row], theirs.keypoints.data[same], atol=0.5)
        else:
            ours, mask = found.mask[[row]].raster((128, 160))[0], theirs.masks.data[same].numpy() > 0
            assert mask.shape == (128, 160), "the input has the frame's size"
            overlaps.append((ours & mask).sum() / (ours | mask).sum() if mask.sum() > 200 else 1)
    assert others < len(found) / 5
    assert not overlaps or np.median(overlaps) > 0.85, "masks of noise have holes, which no outline has"
