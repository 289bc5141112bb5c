"""What `identify` measures: the distance of one person on vectors without their cameras, or none of both."""

import numpy as np
import pytest

from remix_track.encoder.camera_centring import CameraCentring
from remix_track.encoder.stranger_distance import stranger_distance
from remix_track.store.identify_rows import CENTRED, FEWEST_STRANGERS, FEWEST_TRACKLETS, Known, identify_rows
from remix_track.store.presence import Presence
from remix_track.track_means import unit

WIDTH = 48


def scene(shared, alone=0, cast=1.0, seed=0):
    """(T, D) vectors, (T,) camera, (T,) person: some before both cameras, others before one, who come one by one."""
    rng = np.random.default_rng(seed)
    people = [[*range(shared), *range(shared + one * alone, shared + (one + 1) * alone)] for one in (0, 1)]
    looks, casts = rng.normal(size=(shared + 2 * alone, WIDTH)), cast * rng.normal(size=(2, WIDTH))
    person = np.concatenate([rng.permutation(there) for there in people])
    camera = np.repeat([0, 1], [len(there) for there in people])
    vectors = looks[person] + casts[camera] + 0.4 * rng.normal(size=(len(person), WIDTH))
    return unit(vectors).astype(np.float32), camera, person


def identified(vectors, camera, known, wanted=True):
    """The tracklets come one after another, so that anybody may be anybody."""
    count = len(vectors)
    start = 100.0 * np.arange(count, dtype=np.float64)
    presence = Presence(camera, camera, np.zeros(count, np.int64), start, start + 9, np.eye(3, dtype=bool))
    none = np.zeros(count, np.int64)
    return identify_rows(presence, none, none == (not wanted), lambda rows: vectors[rows], vectors.shape[1], known)


def f1(found, person):
    """Of the pairs of tracklets that are one person."""
    pairs = np.triu_indices(len(person), 1)
    same, joined = ((one[:, None] == one)[pairs] for one in (person, found))
    return 2 * (same & joined).sum() / (same.sum() + joined.sum())


def right(vectors, camera, person, known):
    done = identified(vectors, camera, known)
    found = np.zeros(len(person), np.int64)
    found[done.new] = done.found.person
    return f1(found, person)


def test_the_distance_is_measured_on_vectors_without_their_cameras():
    vectors, camera, _ = scene(20, 25)
    limits = identified(vectors, camera, Known()).limits
    centred = CameraCentring.of(vectors, camera).tracks(vectors)
    for limit, share in ((limits.join, 0.1), (limits.doubt, 1.0)):
        expected = stranger_distance(centred, camera, strangers=FEWEST_STRANGERS, false_share=share)
        assert limit == pytest.approx(expected, abs=1e-6)
    as_is = stranger_distance(vectors, camera, strangers=FEWEST_STRANGERS)
    assert as_is is not None
    assert abs(limits.join - as_is) > 0.05
    by_hand = identified(vectors, camera, Known(distance=0.123)).limits
    assert by_hand.join == 0.123


@pytest.mark.parametrize("tracklets", [100, 2400])
def test_what_the_weights_say_of_one_person_is_the_least_and_less_among_many(tracklets):
    vectors, camera, _ = scene(tracklets // 2)
    measured = identified(vectors, camera, Known(fallback=0.0), wanted=False).limits
    fallback = 1.1 * measured.join / CENTRED
    limits = identified(vectors, camera, Known(fallback=fallback), wanted=False).limits
    many = tracklets // 2 > FEWEST_STRANGERS
    assert (limits.join < CENTRED * fallback - 0.001) == many
    assert limits.join == pytest.approx(1.1 * measured.join, rel=0.05)
    assert limits.join > measured.join
    assert limits.doubt == max(limits.join, measured.doubt)
    low = identified(vectors, camera, Known(fallback=0.9 * measured.join / CENTRED), wanted=False).limits
    assert low.join == measured.join
    assert identified(vectors, camera, Known(fallback=fallback, distance=0.01), wanted=False).limits.join == 0.01


@pytest.mark.parametrize("missing", [0, 1])
def test_with_few_tracklets_nothing_is_subtracted_and_the_weights_distance_holds(missing):
    vectors, camera, _ = scene(FEWEST_TRACKLETS // 2)
    vectors[:missing] = 0  # a tracklet without appearance tells nothing
    done = identified(vectors, camera, Known(fallback=0.17), wanted=False)
    assert (done.limits.join == 0.17) == bool(missing)
    assert done.centring.mean.any() != bool(missing)
    as_they_are = np.allclose(done.centring.camera(vectors[5:9], 0), vectors[5:9], atol=1e-6)
    assert as_they_are == bool(missing)


def test_a_camera_that_is_none_moves_no_light_and_no_distance():
    vectors, camera, _ = scene(30, 10)
    plain = identified(vectors, camera, Known(foreign=2))
    images = np.random.default_rng(5).normal(size=(12, WIDTH)) + 3
    joined = np.concatenate([vectors, unit(images).astype(np.float32)])
    done = identified(joined, np.concatenate([camera, np.full(12, 2)]), Known(foreign=2))
    np.testing.assert_allclose(done.centring.mean, plain.centring.mean)
    assert done.limits.join == pytest.approx(plain.limits.join, abs=0.03)  # the sample is another


@pytest.mark.parametrize(("shared", "alone"), [(60, 0), (30, 30), (10, 40)])
def test_people_are_found_between_cameras_that_differ_and_have_other_people(shared, alone):
    """By the measured distance, against the best of all distances of vectors as they are."""
    before, after = [], []
    for seed in range(2):
        made = scene(shared, alone, seed=seed)
        vectors, camera, person = made
        centred = right(vectors, camera, person, Known())
        after.append(centred)
        one = np.zeros_like(camera)  # all as of one camera, so that nothing is subtracted
        before.append(max(right(vectors, one, person, Known(distance=limit)) for limit in np.arange(0.05, 1.0, 0.1)))
    assert np.mean(after) > np.mean(before) + 0.1
    assert np.mean(after) > 0.6


def test_where_cameras_are_alike_nothing_is_lost():
    made = scene(10, 40, cast=0.0)
    done = identified(made[0], made[1], Known(), wanted=False)
    kept = done.centring.cameras / (done.centring.cameras + done.centring.people / 50)
    assert kept < 0.35
