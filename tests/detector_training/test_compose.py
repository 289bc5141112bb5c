"""Training images: what is known of the people in them, at all scales."""

import dataclasses

import numpy as np
import pytest

from remix_track.detector_training.compose import compose
from remix_track.detector_training.footage import cut_people, empty_place
from remix_track.detector_training.material import LabelledFrame
from remix_track.detector_training.settings import ComposeSettings
from remix_track.detector_training.spoil import mirrored
from tests.detector_training.scenes import NOBODY, frame_with, material

HOW = ComposeSettings(height=128, width=160, tallest=120)


@pytest.fixture(scope="module")
def drawn():
    return material(footage=True)


def test_images_have_their_size_and_boxes_lie_inside(drawn):
    heights = []
    for seed in range(60):
        made = compose(np.random.default_rng(seed), drawn, HOW)
        assert made.image.shape == (128, 160, 3)
        assert made.image.dtype == np.uint8
        for boxes in (made.people, made.unknown):
            assert boxes.dtype == np.float32
            assert (boxes[:, :2] >= 0).all()
            assert (boxes[:, 2:] <= (160, 128)).all()
        assert (made.people[:, 2:] > made.people[:, :2]).all()
        heights += (made.people[:, 3] - made.people[:, 1]).tolist()
    assert len(heights) > 60
    assert min(heights) < 25
    assert max(heights) > 90


def test_a_generator_decides_everything(drawn):
    one, other, third = (compose(np.random.default_rng(seed), drawn, HOW) for seed in (5, 5, 6))
    assert (one.image == other.image).all()
    assert (one.people == other.people).all()
    assert not (one.image == third.image).all()


def test_shares_of_zero_and_one_are_meant(drawn):
    nobody = dataclasses.replace(HOW, footage_share=0, street_share=0, empty_share=1)
    assert all(len(compose(np.random.default_rng(seed), drawn, nobody).people) == 0 for seed in range(10))
    somebody = dataclasses.replace(HOW, footage_share=0, street_share=0, empty_share=0, shortest=60)
    assert sum(len(compose(np.random.default_rng(seed), drawn, somebody).people) for seed in range(10)) >= 10


def test_a_mirror_image_twice_is_the_image(drawn):
    frame = drawn.streets[0]
    once = mirrored(frame)
    assert (once.people[:, 0] == frame.image.shape[1] - frame.people[:, 2]).all()
    twice = mirrored(once)
    assert (twice.image == frame.image).all()
    assert np.allclose(twice.people, frame.people, atol=1e-3)


def test_a_person_is_cut_out_along_the_outline(drawn):
    person = drawn.drawn[0]
    frame = frame_with(person, (280, 200), 60, 30)
    (cut,) = cut_people([frame], 5, np.random.default_rng(0))
    left, top, right, bottom = frame.people[0].tolist()
    tall, wide = cut.alpha.shape
    assert wide / tall == pytest.approx((right - left) / (bottom - top), rel=0.1)
    assert (cut.alpha > 128).mean() == pytest.approx(person.mask.sum() / ((right - left) * (bottom - top)), rel=0.15)
    assert (cut.bgr <= cut.alpha[..., None]).all(), "colours are multiplied by the coverage"


def test_people_at_the_border_and_before_others_are_not_cut_out(drawn):
    person = drawn.drawn[0]
    at_border = frame_with(person, (280, 200), -1, 30)
    alone = frame_with(person, (280, 200), 60, 30)
    crowded = dataclasses.replace(alone, unknown=alone.people + 10)
    assert cut_people([at_border, crowded], 5, np.random.default_rng(0)) == []


def test_the_empty_place_is_what_is_seen_when_nobody_stands_there(drawn):
    person = drawn.drawn[0]
    frames = [frame_with(person, (280, 400), left, 30, seed=left) for left in (10, 130, 260)]
    place = empty_place(frames)
    assert place is not None
    assert place.min() >= 145
    assert place.max() <= 160
    assert empty_place([frames[0], frames[0]]) is None
    still = LabelledFrame(frames[0].image, NOBODY, NOBODY)
    again = empty_place([still])
    assert again is not None
    assert (again == still.image).all()
