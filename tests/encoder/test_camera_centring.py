"""The camera taken out: what helps between cameras, and what must stay where there is nothing to take."""

import math

import numpy as np
import pytest

from remix_track.encoder.camera_centring import CameraCentring

WIDTH = 16


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scene(shared, alone=0, cast=2.0, seed=0, cameras=2):
    """Tracks of people, each before every camera, and of others before one alone; a cast is the camera's offset."""
    random = np.random.default_rng(seed)
    everybody = random.normal(size=(shared + cameras * alone, WIDTH)) + 1.0
    casts = random.normal(size=(cameras, WIDTH)) * cast
    vectors, camera, person = [], [], []
    for one in range(cameras):
        there = [*range(shared), *range(shared + one * alone, shared + (one + 1) * alone)]
        for who in random.permutation(there):
            vectors.append(everybody[who] + casts[one] + 0.6 * random.normal(size=WIDTH))
            camera.append(one)
            person.append(who)
    return unit(np.array(vectors)).astype(np.float32), np.array(camera), np.array(person)


def found_again(vectors, camera, person):
    """Share of the tracks whose nearest track of another camera is the same person's, of those who have one."""
    alike = vectors @ vectors.T
    alike[camera[:, None] == camera] = -np.inf
    there = [((person == who) & (camera != one)).any() for who, one in zip(person, camera, strict=True)]
    return (person[alike.argmax(axis=1)] == person)[there].mean()


def simple(vectors, camera):
    """The formulas of the module's docstring where each camera is one cell, by loops."""
    vectors, count = vectors.astype(np.float64), np.bincount(camera)
    means = np.array([vectors[camera == one].mean(axis=0) for one in range(len(count))], np.float64)
    within = sum(float(((vector - means[one]) ** 2).sum()) for vector, one in zip(vectors, camera, strict=True))
    within /= len(vectors) - len(count)
    middle = means.mean(axis=0)
    between = sum(float(((mean - middle) ** 2).sum()) for mean in means) / (len(count) - 1)
    between = max(between - sum(within / n for n in count) / len(count), 0.0)
    return middle, means - middle, [between / (between + within / n) for n in count]


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_random_effects_model_by_loops(seed):
    vectors, camera, _ = scene(7, alone=seed + 1, seed=seed, cameras=3)
    mean, offset, kept = simple(vectors, camera)
    made = CameraCentring.of(vectors, camera, memory=math.inf)
    np.testing.assert_allclose(made.mean, mean, atol=1e-9)
    np.testing.assert_allclose(made.kept, [kept[one] for one in camera], atol=1e-9)
    np.testing.assert_allclose(made.offset, [kept[one] * offset[one] for one in camera], atol=1e-9)
    expected = unit(vectors - mean - made.offset)
    np.testing.assert_allclose(made.tracks(vectors), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(made.stranger(vectors), axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("shared", "alone"), [(30, 0), (10, 20), (5, 0)])
def test_people_are_found_again_between_cameras_that_differ(shared, alone):
    before, after = [], []
    for seed in range(6):
        vectors, camera, person = scene(shared, alone, seed=seed)
        centred = CameraCentring.of(vectors, camera).tracks(vectors)
        before.append(found_again(vectors, camera, person))
        after.append(found_again(centred, camera, person))
    assert np.mean(after) > np.mean(before) + 0.05


def test_the_same_camera_twice_with_other_people_keeps_its_vectors():
    kept = [CameraCentring.of(*scene(0, alone=12, cast=0.0, seed=seed)[:2]).kept.mean() for seed in range(8)]
    assert np.mean(kept) < 0.25
    differing = [CameraCentring.of(*scene(0, alone=12, cast=2.0, seed=seed)[:2]).kept.mean() for seed in range(8)]
    assert np.mean(differing) > 0.7


def test_few_people_say_less_of_their_camera_than_many():
    def kept(people):
        return np.mean([CameraCentring.of(*scene(people, seed=seed)[:2]).kept.mean() for seed in range(6)])

    assert kept(3) < kept(10) < kept(40)


def test_one_track_in_each_camera_tells_nothing():
    vectors, camera, _ = scene(1)
    made = CameraCentring.of(vectors, camera)
    assert (made.kept == 0).all()
    assert (made.offset == 0).all()


@pytest.mark.parametrize("cameras", [0, 1])
def test_within_one_camera_nothing_changes(cameras):
    vectors, camera, _ = scene(8, cameras=1)
    vectors, camera = vectors[: 8 * cameras], camera[: 8 * cameras]
    made = CameraCentring.of(vectors, camera)
    np.testing.assert_allclose(made.tracks(vectors), vectors, atol=1e-6)
    np.testing.assert_allclose(made.stranger(vectors), vectors, atol=1e-6)


def test_tracks_without_appearance_count_for_nothing_and_stay_zeros():
    vectors, camera, _ = scene(6)
    blind = np.zeros((2, WIDTH), np.float32)
    made = CameraCentring.of(np.concatenate([vectors, blind]), np.array([*camera, 0, 1]))
    bare = CameraCentring.of(vectors, camera)
    np.testing.assert_array_equal(made.offset[:-2], bare.offset)
    np.testing.assert_array_equal(made.tracks(np.concatenate([vectors, blind]))[-2:], blind)
    # A camera that only blind tracks come from is no second camera.
    alone = CameraCentring.of(np.concatenate([vectors[camera == 0], blind]), np.array([*camera[camera == 0], 1, 1]))
    assert not alone.mean.any()


def test_a_camera_that_changes_at_dusk_is_followed():
    random = np.random.default_rng(0)
    people, day, dusk, other = (random.normal(size=(count, WIDTH)) for count in (60, 1, 1, 1))
    noise = 0.6 * random.normal(size=(180, WIDTH))
    vectors = unit(np.concatenate([people + 2.5 * day, people + 2.5 * dusk, people + 2.5 * other]) + noise)
    camera, person = np.repeat([0, 0, 1], 60), np.tile(np.arange(60), 3)
    plain, running = (CameraCentring.of(vectors, camera, memory=memory).tracks(vectors) for memory in (math.inf, 15))
    evening = slice(60, 180)  # the first camera by dusk, and the second
    found = [found_again(one[evening], camera[evening], person[evening]) for one in (plain, running)]
    assert found[1] > found[0] + 0.1


def test_the_camera_of_a_second_number_is_the_same_camera():
    vectors, camera, _ = scene(9)
    np.testing.assert_array_equal(
        CameraCentring.of(vectors, camera).tracks(vectors), CameraCentring.of(vectors, 7 - 3 * camera).tracks(vectors)
    )
