"""`remix-track calibrate`: which crops are compared, what is stored where, and what is said when it cannot be."""

import cv2
import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.data.crops.harvest_cache import Harvest, crop_name
from remix_track.data.crops.tracklet_crops import TrackletVectors, embed_crop, embed_tracklets
from remix_track.encoder.onnx_network import read_side_file
from remix_track.encoder.threshold import check_storage, store_threshold
from remix_track.encoder.weights_file import load_weights, read_card
from remix_track.errors import InputError
from remix_track.training.threshold_from_tracklets import GAP, calibrate_tracklets, tracklet_distances
from tests.footage import write_video

PEOPLE = ((40, 40, 220), (40, 200, 40), (220, 60, 40), (30, 200, 220))  # BGR
FRAMES = 60


class Colours:
    """An embedder whose vectors are the mean colours of a crop."""

    width, description, max_cosine_distance = 3, {"name": "colours"}, None

    def __call__(self, image, xyxy):
        rows = [image[int(t) : int(b), int(left) : int(r)].mean(axis=(0, 1)) for left, t, r, b in xyxy]
        vectors = np.array(rows, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scene(tracklets=6, crops=5, seed=0):
    """Tracklets of five crops half a second apart; each begins a second after the one before."""
    random = np.random.default_rng(seed)
    tracklet = np.repeat(np.arange(tracklets), crops)
    vectors = random.normal(size=(tracklets, 6))[tracklet] + 0.3 * random.normal(size=(len(tracklet), 6))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    time = tracklet + 0.5 * np.tile(np.arange(crops), tracklets)
    span = np.array([(number, number + 0.5 * (crops - 1)) for number in range(tracklets)], np.float64)
    return TrackletVectors(unit, tracklet.astype(np.int64), time.astype(np.float64), span)


def naive(video):
    same, other = [], []
    for i in range(len(video.unit)):
        for t, (first, last) in enumerate(video.span):
            mine = video.span[video.tracklet[i]]
            near = [
                1 - float(video.unit[i] @ video.unit[j])
                for j in np.flatnonzero(video.tracklet == t)
                if abs(video.time[i] - video.time[j]) >= GAP
            ]
            if near and t == video.tracklet[i]:
                same.append(min(near))
            elif near and first <= mine[1] and mine[0] <= last:
                other.append(min(near))
    return same, other


def test_crops_are_held_against_tracklets_a_second_away():
    video = scene()
    for found, wanted in zip(tracklet_distances(video), naive(video), strict=True):
        assert len(wanted) > 10
        np.testing.assert_allclose(sorted(found), sorted(wanted), atol=1e-6)


def test_many_crops_are_compared_in_blocks(monkeypatch):
    whole = tracklet_distances(scene())
    monkeypatch.setattr("remix_track.training.threshold_from_tracklets._BLOCK", 4)
    for part, wanted in zip(tracklet_distances(scene()), whole, strict=True):
        np.testing.assert_allclose(part, wanted, atol=1e-6)


def test_videos_are_apart():
    one = calibrate_tracklets([scene()], "here")
    two = calibrate_tracklets([scene(), scene(seed=1)], "here")
    same, other = tracklet_distances(scene(seed=1))
    assert len(two[1]) == len(one[1]) + len(same)
    assert len(two[2]) == len(one[2]) + len(other)
    assert two[0].pairs == len(two[2])
    assert (np.diff(two[1]) >= 0).all()


@pytest.mark.parametrize(
    ("video", "said"),
    [
        (scene(tracklets=3), "3 tracklets, 3 of them at the same time"),
        (scene(crops=2), "6 tracklets, 0 of them at the same time as another, 0 crops"),
    ],
)
def test_too_little_footage_says_how_much_there_was(video, said):
    with pytest.raises(InputError, match=rf"street\.mp4: {said}.* give more footage$"):
        calibrate_tracklets([video], "street.mp4")


class BlackToo(Colours):
    """Zeros for a black crop, as embedders have it for a crop without a direction."""

    def __call__(self, image, xyxy):
        return np.nan_to_num(super().__call__(image, xyxy))


def test_crops_know_their_tracklet_and_their_time(tmp_path):
    for number, frame, colour in ((3, 10, (250, 0, 0)), (3, 16, (240, 0, 0)), (7, 12, (0, 0, 250)), (7, 14, (0, 0, 0))):
        cv2.imwrite(str(tmp_path / crop_name(number, frame)), np.full((40, 20, 3), colour, np.uint8))
    made = Harvest("v.mp4", "f", "d", 9, 10.0, 2, ((3, 8, 18, 2), (7, 12, 14, 2)), "")
    with np.errstate(invalid="ignore"):
        found = embed_tracklets(tmp_path, made, BlackToo())
    assert found.tracklet.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.time, [0.5, 0.8, 0.6])
    np.testing.assert_allclose(found.span, [[0.4, 0.9], [0.6, 0.7]])
    np.testing.assert_allclose(found.unit[2], [0, 0, 1], atol=0.05)


def test_a_picture_that_is_none_is_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"none")
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read as an image of a person \(not a JPEG"):
        embed_crop(tmp_path / "a.jpg", Colours())
    with pytest.raises(InputError, match=r"b\.jpg: .*\(No such file or directory\)"):
        embed_crop(tmp_path / "b.jpg", Colours())


def test_a_side_file_keeps_what_else_stands_in_it(tmp_path):
    weights, side = tmp_path / "w.onnx", tmp_path / "w.toml"
    weights.write_bytes(b"network")
    side.write_text('# mine\nmax_cosine_distance = 0.2  # published\ntrained_on = "x"')
    assert check_storage(str(weights), None, overwrite=True) == weights
    store_threshold(str(weights), weights, 0.3125)
    assert side.read_text() == '# mine\nmax_cosine_distance = 0.312500  # published\ntrained_on = "x"'
    side.write_text('"max_cosine_distance" = 0.2')
    store_threshold(str(weights), weights, 0.3125)
    assert read_side_file(weights).max_cosine_distance == 0.3125
    side.write_text('trained_on = "x"')
    copy = check_storage(str(weights), tmp_path / "new" / "copy.onnx", overwrite=False)
    store_threshold(str(weights), copy, 0.25)
    assert copy.read_bytes() == b"network"
    assert read_side_file(copy).max_cosine_distance == 0.25
    assert side.read_text() == 'trained_on = "x"'
    with pytest.raises(InputError, match=r"copy\.onnx: there is something already; give another `output`, or `overw"):
        check_storage(str(weights), copy, overwrite=False)
    ir = tmp_path / "w.xml"
    ir.write_bytes(b"graph")
    ir.with_suffix(".bin").write_bytes(b"constants")
    store_threshold(str(ir), tmp_path / "new" / "ir.xml", 0.4)
    assert (tmp_path / "new" / "ir.bin").read_bytes() == b"constants"


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Four people in a row who walk to the right, and where they are."""
    root = tmp_path_factory.mktemp("filmed")
    images, lines = [], []
    for frame in range(1, FRAMES + 1):
        image = np.full((140, 400, 3), 90, np.uint8)
        for number, colour in enumerate(PEOPLE):
            left = 10 + 70 * number + 2 * frame
            image[30:110, left : left + 30] = colour
            lines.append(f"{frame},-1,{left + 1},31,30,80,0.9\n")
        images.append(image)
    (root / "det.txt").write_text("".join(lines))
    return write_video(root / "gate.mp4", images=images, rate=20), root / "det.txt"


def calibrate(filmed, tmp_path, *words):
    video, detections = filmed
    line = ["calibrate", video, "--detector", detections, "--crops", tmp_path / "crops", "--every", "0.25", *words]
    return main([str(word) for word in line])


def test_the_whole_command(filmed, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    assert calibrate(filmed, tmp_path, "--weights", "default", "--output", out) == 0
    said = capsys.readouterr().out
    card, _ = load_weights(out)
    assert card.max_cosine_distance is not None
    assert f"max_cosine_distance {card.max_cosine_distance:.4f}, where missed and accepted together are least" in said
    assert "0.0% of 40 crops are farther from their own tracklet or person, 0.0% of 120 are" in said
    assert (tmp_path / "mine-calibration.png").read_bytes()[:4] == b"\x89PNG"
    # In place: refused while it has a threshold, and then for the image's sake, replaced on demand.
    before = out.read_bytes()
    assert calibrate(filmed, tmp_path, "--weights", out) == 2
    assert f"mine.safetensors: has max_cosine_distance {card.max_cosine_distance:g} already; give --output for a" in (
        capsys.readouterr().err
    )
    assert out.read_bytes() == before
    store_threshold(str(out), out, 0.9)
    assert calibrate(filmed, tmp_path, "--weights", out, "--overwrite", "--quiet") == 0
    assert read_card(out).max_cosine_distance == pytest.approx(card.max_cosine_distance, abs=1e-5)
    assert capsys.readouterr().out == ""


def test_what_cannot_be_calibrated_is_one_line(filmed, tmp_path, capsys):
    nobody = tmp_path / "nobody.txt"
    nobody.write_text("")
    lines = filmed[1].read_text().splitlines(keepends=True)
    alone, three = tmp_path / "alone.txt", tmp_path / "three.txt"
    alone.write_text("".join(lines[::4]))
    three.write_text("".join(line for row, line in enumerate(lines) if row % 4))
    out = ["--weights", "default", "--output", tmp_path / "w.safetensors"]
    (tmp_path / "taken.safetensors").touch()
    (tmp_path / "drawn-calibration.png").touch()
    wrong = {
        "give --output W.safetensors": ["--weights", "default"],
        "no place for a threshold": ["--weights", "w.pt"],
        "these weights stay .safetensors": ["--weights", "default", "--output", tmp_path / "w.onnx"],
        "taken.safetensors: there is something": ["--weights", "default", "--output", tmp_path / "taken.safetensors"],
        "drawn-calibration.png: there is": ["--weights", "default", "--output", tmp_path / "drawn.safetensors"],
        "gone.safetensors: weights cannot be read": ["--weights", tmp_path / "gone.safetensors"],
        "gone.onnx: weights cannot be read": ["--weights", tmp_path / "gone.onnx"],
        "no people found in 30 frames": [*out, "--detector", nobody],
        "one tracklet alone": [*out, "--detector", alone],
        "3 tracklets, 3 of them at the same time": [*out, "--detector", three],
    }
    for said, words in wrong.items():
        assert calibrate(filmed, tmp_path, "--quiet", *words) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert not (tmp_path / "w.safetensors").exists()
