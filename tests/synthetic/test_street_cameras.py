"""Cameras as they hang in streets, and drawings of any height; what usual cameras drew stays as it was."""

import dataclasses
import json
from typing import Any

import cv2
import numpy as np
import pytest

from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.electronics import Electronics
from remix_track.synthetic.street_cameras import street_camera
from remix_track.synthetic.style import Style
from remix_track.training.drawn_data import drawn_folder
from remix_track.training.train_settings import DrawnSettings

SMALL: dict[str, Any] = {"identities": 2, "cameras": 2, "videos": 1, "sequences": 0, "target_identities": 2}
STILL = Electronics(smear=0.0, sharpening=0.0, halo=1.0, chroma_blur=0.1, coder_quality=100)


def picture(height=128, width=64):
    coarse = np.random.default_rng(5).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def usual(**fields):
    return dataclasses.replace(CropCamera.sample(np.random.default_rng(1)), **fields)


def as_ever(camera, image, rng, distance):
    """`CropCamera.develop` of 128 rows, as the shipped weights' set was drawn."""
    toned = camera.tone(image)
    rows = min(max(camera.resolution / distance, 24.0), 128.0)
    coarse = cv2.resize(toned, (max(round(64 * rows / 128), 8), max(round(rows), 16)), interpolation=cv2.INTER_AREA)
    noisy = np.clip(coarse + np.rint(rng.normal(0, camera.noise, coarse.shape)), 0, 255).astype(np.uint8)
    fine = cv2.resize(noisy, (64, 128), interpolation=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(fine, (0, 0), camera.blur) if camera.blur > 0.25 else fine


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("distance", [0.8, 1.0, 6.0])
def test_crops_of_128_rows_are_what_they_always_were(seed, distance):
    camera = CropCamera.sample(np.random.default_rng(seed))
    made = camera.develop(picture(), np.random.default_rng(7), distance=distance)
    assert (made == as_ever(camera, picture(), np.random.default_rng(7), distance)).all()


@pytest.mark.parametrize("blur", [0.2, 0.9])
def test_a_drawing_of_twice_the_height_shows_the_same_detail(blur):
    camera = usual(noise=0.0, resolution=60.0, blur=blur)
    small = picture()
    large = cv2.resize(small, (128, 256), interpolation=cv2.INTER_NEAREST)
    seen = camera.develop(large, np.random.default_rng(0))
    assert seen.shape == (256, 128, 3)
    shrunk = cv2.resize(seen, (64, 128), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(shrunk - camera.develop(small, np.random.default_rng(0))).mean() < 1


def test_a_camera_may_resolve_all_rows_of_a_higher_crop():
    cameras = [CropCamera.sample(np.random.default_rng(seed), most_rows=256) for seed in range(40)]
    assert max(camera.resolution for camera in cameras) > 200
    fine = (np.indices((256, 128)).sum(axis=0) % 2 * 120).astype(np.uint8)
    image = np.repeat(fine[..., None], 3, axis=2)
    camera = usual(noise=0.0, blur=0.0)
    sharp, soft = (
        dataclasses.replace(camera, resolution=rows).develop(image, np.random.default_rng(0)) for rows in (256.0, 90.0)
    )
    assert sharp.std() > 2 * soft.std()


def test_street_cameras_clip_and_see_little_light_some_of_them():
    cameras = [street_camera(np.random.default_rng(seed)) for seed in range(300)]
    light = np.array([camera.gain[1] for camera in cameras])
    assert 0.03 < np.mean(light > 1.3) < 0.3, "white clothes clip"
    assert 0.03 < np.mean(light < 0.75) < 0.4
    electronics = [camera.electronics for camera in cameras if camera.electronics is not None]
    assert len(set(electronics)) == 300
    smear = np.array([one.smear for one in electronics])
    dim = (smear > 90 / 60 - 1e-6) & np.array([camera.saturation < 0.75 for camera in cameras])
    assert 0.15 < dim.mean() < 0.4
    noise = np.array([camera.noise for camera in cameras])
    assert noise[dim].mean() > noise[~dim].mean() + 1
    coder = [one.coder_quality for one in electronics]
    assert min(coder) >= 25
    assert max(coder) <= 80


def test_their_white_balance_is_that_of_the_colour_cast():
    for seed in range(20):
        blue, green, red = street_camera(np.random.default_rng(seed), 0.0).gain
        assert blue == pytest.approx(green) == pytest.approx(red)
        full, usual_one = (make(np.random.default_rng(seed)).gain for make in (street_camera, CropCamera.sample))
        assert full[2] / full[0] == pytest.approx(usual_one[2] / usual_one[0])


def test_people_are_smeared_along_rows_and_no_light_is_lost():
    line = np.zeros((64, 64, 3), np.uint8)
    line[:, 32] = 250
    rng = np.random.default_rng(0)
    smeared = dataclasses.replace(STILL, smear=8.0).expose(line, 1.0, rng)
    assert smeared[:, 32].max() < 200
    assert smeared[30].sum() == pytest.approx(line[30].sum(), rel=0.05)
    across = np.ascontiguousarray(line.transpose(1, 0, 2))
    assert (dataclasses.replace(STILL, smear=8.0).expose(across, 1.0, rng) == across).all()
    assert (STILL.expose(line, 1.0, rng) == line).all()


def test_twice_the_pixels_twice_the_smear():
    line = np.zeros((8, 65, 3), np.uint8)
    line[:, 32] = 250
    wide, narrow = (
        dataclasses.replace(STILL, smear=6.0).expose(line, scale, np.random.default_rng(1)) for scale in (2.0, 1.0)
    )
    assert np.count_nonzero(wide[4, :, 0]) > np.count_nonzero(narrow[4, :, 0]) > 1


def test_sharpening_leaves_rims_beside_edges():
    edge = np.full((64, 64, 3), 80, np.uint8)
    edge[:, 32:] = 160
    plain, sharp = (
        dataclasses.replace(STILL, sharpening=amount).process(edge, np.random.default_rng(0)) for amount in (0.0, 1.0)
    )
    assert plain.min() >= 76
    assert plain.max() <= 164
    assert sharp[:, 31].mean() < 65
    assert sharp[:, 32].mean() > 175
    assert abs(sharp[:, 10].mean() - 80) < 2


def test_a_coarse_coder_loses_more_and_colour_is_less_sharp_than_brightness():
    image, rng = cv2.GaussianBlur(picture(), (0, 0), 1.0), np.random.default_rng
    fine, coarse = (
        np.abs(dataclasses.replace(STILL, coder_quality=quality).process(image, rng(0)).astype(int) - image).mean()
        for quality in (95, 25)
    )
    assert coarse > 1.5 * fine
    blue_red = np.zeros((64, 64, 3), np.uint8)
    blue_red[:, :32], blue_red[:, 32:] = (200, 60, 60), (60, 60, 200)
    soft = dataclasses.replace(STILL, chroma_blur=1.6).process(blue_red, rng(0))
    step = np.abs(np.diff(cv2.cvtColor(soft, cv2.COLOR_BGR2YCrCb)[30].astype(int), axis=0)).max(axis=0)
    hard = np.abs(np.diff(cv2.cvtColor(blue_red, cv2.COLOR_BGR2YCrCb)[30].astype(int), axis=0)).max(axis=0)
    assert step[1] < 0.5 * hard[1]


def test_a_set_of_street_cameras_is_the_same_again_and_says_so(tmp_path):
    for name, style in (("first", Style(camera_kind="street")), ("again", Style(camera_kind="street"))):
        synthesize(tmp_path / name, style=style, **SMALL)
    names = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert all((tmp_path / "first" / one).read_bytes() == (tmp_path / "again" / one).read_bytes() for one in names)
    assert json.loads((tmp_path / "first" / "synthetic.json").read_text())["style"]["camera_kind"] == "street"
    assert "camera_kind" not in Style().recorded()
    assert drawn_folder(DrawnSettings(identities=2, camera_kind="street")).name.endswith("-camera_kind-street-seed-0")
