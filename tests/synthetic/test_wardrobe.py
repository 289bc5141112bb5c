"""What people wear and how cameras colour them, where that is a choice; the usual choice draws what it always drew."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from remix_track.errors import InputError
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.people import Person, crowd
from remix_track.synthetic.style import Style
from remix_track.synthetic.wardrobe import PAINT_BOX, STREET
from remix_track.training.drawn_data import drawn_folder
from remix_track.training.train_settings import DrawnSettings

SMALL: dict[str, Any] = {"identities": 2, "cameras": 2, "videos": 1, "sequences": 0, "target_identities": 2}


def people(wardrobe, count=400):
    return crowd(np.random.default_rng(0), count, lookalikes=0.0, any_colour=0.0, wardrobe=wardrobe)


def chroma(colour):
    return max(colour) - min(colour)


def test_on_a_street_most_clothes_are_muted_and_trousers_hardly_ever_bright():
    street, paint_box = ([chroma(p.top_colour) for p in people(wardrobe)] for wardrobe in (STREET, PAINT_BOX))
    assert np.mean(np.array(street) < 60) > 0.65
    assert np.mean(np.array(paint_box) < 60) < 0.5
    trousers = [chroma(p.bottom_colour) for p in people(STREET) if p.bottom in ("trousers", "shorts")]
    assert np.mean(np.array(trousers) < 80) > 0.9


def test_the_street_has_other_colours_too():
    assert np.mean([chroma(p.top_colour) > 90 for p in people(STREET)]) > 0.03


def test_a_lookalike_takes_shoes_and_bag_from_the_same_wardrobe():
    only = dataclasses.replace(STREET, cloth=((90, 90, 90),), trousers=((90, 90, 90),), shoes=((90, 90, 90),))
    person = Person.sample(np.random.default_rng(1), STREET)
    other = person.lookalike(np.random.default_rng(2), only)
    assert other.top == person.top
    for colour in (other.shoe_colour, other.bag_colour, other.hat_colour):
        assert np.abs(np.subtract(colour, 90)).max() <= 12


def test_a_colour_cast_scales_the_white_balance_and_nothing_else():
    def tints(cast):
        gains = [CropCamera.sample(np.random.default_rng(seed), cast).gain for seed in range(60)]
        return np.log([(red / blue, green**2 / (red * blue)) for blue, green, red in gains])

    full, third, none = tints(1.0), tints(1 / 3), tints(0.0)
    np.testing.assert_allclose(third, full / 3, atol=1e-9)
    np.testing.assert_allclose(none, 0, atol=1e-9)
    usual, less = (CropCamera.sample(np.random.default_rng(3), cast) for cast in (1.0, 0.2))
    assert dataclasses.replace(less, gain=usual.gain) == usual


def test_the_set_says_its_style_unless_it_is_the_usual_one(tmp_path):
    synthesize(tmp_path / "usual", style=Style(), **SMALL)
    synthesize(tmp_path / "street", style=Style("street", 0.5, 0.33), **SMALL)
    said = [json.loads((tmp_path / name / "synthetic.json").read_text()).get("style") for name in ("usual", "street")]
    assert said == [None, {"wardrobe": "street", "lookalikes": 0.5, "colour_cast": 0.33}]
    assert drawn_folder(DrawnSettings(identities=2)).name == "2-people-6-cameras-60-videos-100-others-seed-0"
    chosen = DrawnSettings(identities=2, wardrobe="street", colour_cast=0.5)
    assert "-wardrobe-street-colour_cast-0.5-seed-0" in drawn_folder(chosen).name


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"wardrobe": "beach"}, "wardrobe = 'beach'; expected 'paint-box' or 'street'"),
        ({"lookalikes": 1.01}, "expected 0 to 1"),
        ({"lookalikes": -0.01}, "expected 0 to 1"),
        ({"colour_cast": 3.01}, "expected 0 to 3"),
        ({"colour_cast": float("nan")}, "expected 0 to 3"),
    ],
)
def test_what_no_set_can_be_is_refused(values, said):
    with pytest.raises(InputError, match=said):
        Style(**values)
