import numpy as np
import pytest

from remix_track.trackers.sources.time_stamps import FrameStamp, LiveTime, RisingTime

STEP = 0.04


def times(stamps):
    line = RisingTime(STEP)
    return [line(stamp) for stamp in stamps]


def test_stamps_that_rise_are_kept():
    stamps = [5, 5.04, 5.05, 7, 3600.5]
    np.testing.assert_allclose(times(stamps), np.array(stamps) - 5)


def test_a_clock_that_stands_still_goes_on_frame_by_frame():
    np.testing.assert_allclose(times([0.0] * 30), np.arange(30) * STEP)


def test_a_clock_that_stumbles_is_caught_up_with():
    frames = [0, 1, 2, 2, 2, 2, 6, 7, 8]
    np.testing.assert_allclose(times([n * STEP for n in frames]), np.arange(9) * STEP)
    one_back = [0, 1, 2, 1.5, 4, 5]
    np.testing.assert_allclose(times([n * STEP for n in one_back]), np.arange(6) * STEP)


@pytest.mark.parametrize(("back", "follows"), [(8, False), (9, True)])
def test_a_clock_that_stays_behind_is_followed(back, follows):
    """For eight images behind the line they are a frame apart; from the ninth on, as far as the clock says."""
    behind = [n * 2 * STEP for n in range(back)]
    came = np.array(times([100.0, 200.0, *behind, behind[-1] + 3 * STEP]))
    assert (np.diff(came) > 0).all()
    np.testing.assert_allclose(came[-1] - came[-2], (3 if follows else 1) * STEP)


def test_a_short_frame_repeated_does_not_run_ahead():
    came = times([0, 0.001, 0.001, 0.0025, 0.2])
    np.testing.assert_allclose(came, [0, 0.001, 0.002, 0.0025, 0.2])


def test_without_stamps_there_is_no_time_until_one_comes():
    line = RisingTime(STEP)
    assert [line(None), line(None, 3)] == [None, None]
    assert line(70.0) == pytest.approx(4 * STEP)
    assert line(None, 2) == pytest.approx(6 * STEP)
    assert line(70.12) == pytest.approx(7 * STEP)


def live(pictures, *, stamped=True):
    """Times of (arrival, stamp), and whether they are those of arrival at the end."""
    now = [0.0]
    line = LiveTime(RisingTime(STEP), stamped=stamped, clock=lambda: now[0])
    came = []
    for now[0], stamp in pictures:
        came.append(line(stamp))
    return came, line.by_arrival


def test_a_stream_with_stamps_has_their_times():
    """However unevenly the network brings the images."""
    arrivals = np.cumsum(np.random.default_rng(1).uniform(0, 0.08, 50))
    came, by_arrival = live([(at, 900 + n * STEP) for n, at in enumerate(arrivals)])
    np.testing.assert_allclose(came, np.arange(50) * STEP)
    assert not by_arrival


def test_the_first_picture_of_a_stream_may_have_no_stamp():
    came, by_arrival = live([(0, None), (0.001, STEP), (0.002, 2 * STEP), (0.08, 3 * STEP)])
    assert (np.diff(came) > 0).all()
    np.testing.assert_allclose(np.diff(came)[1:], STEP)
    assert not by_arrival


@pytest.mark.parametrize("stamp", [None, 7.0])
def test_stamps_that_do_not_move_give_way_to_the_time_of_arrival(stamp):
    came, by_arrival = live([(2 + n * 0.5, stamp) for n in range(20)])
    np.testing.assert_allclose(came, np.arange(20) * 0.5, atol=1e-5)
    assert by_arrival


def test_stamps_that_stop_moving_give_way_and_time_goes_on_rising():
    came, by_arrival = live([(n * STEP, min(n, 30) * STEP) for n in range(60)])
    assert (np.diff(came) > 0).all()
    np.testing.assert_allclose(came, np.arange(60) * STEP, atol=1e-5)
    assert by_arrival


@pytest.mark.parametrize(("still", "given_up"), [(2, False), (3, True)])
def test_three_pictures_with_one_stamp_are_a_clock_that_stands(still, given_up):
    stamps = [0, 1, *[2] * (still + 1), 3 + still]
    _, by_arrival = live([(n * STEP, stamp * STEP) for n, stamp in enumerate(stamps)])
    assert by_arrival == given_up


def test_made_up_stamps_are_not_believed():
    came, by_arrival = live([(n * 0.2, n * STEP) for n in range(20)], stamped=False)
    np.testing.assert_allclose(came, np.arange(20) * 0.2)
    assert by_arrival


@pytest.mark.parametrize("leap", [-5e8, 5e8, 11])
def test_a_camera_that_sets_its_clock_does_not_leap(leap):
    came, by_arrival = live([(n * STEP, n * STEP + leap * (n >= 20)) for n in range(40)])
    np.testing.assert_allclose(came, np.arange(40) * STEP, atol=1e-3)
    assert not by_arrival


def test_a_stream_that_was_silent_as_long_as_its_stamps_say_leaps():
    came, _ = live([(n * STEP + 60 * (n >= 20), n * STEP + 60 * (n >= 20)) for n in range(40)])
    np.testing.assert_allclose(came[20] - came[19], 60 + STEP)


def test_of_two_stamps_the_one_that_runs_back_less_is_believed():
    believed = FrameStamp()
    shown = [believed(pts, dts) for pts, dts in zip([1, 2, 4, 3, 6, 5, 8], range(2, 9), strict=True)]
    assert shown == [1, 2, 4, 5, 6, 7, 8]
    believed = FrameStamp()
    assert [believed(pts, dts) for pts, dts in zip(range(6), [9, 1, 0, 3, 2, 4], strict=True)] == [*range(6)]
    assert [FrameStamp()(*stamps) for stamps in ((None, None), (None, 3), (4, None), (4, 3))] == [None, 3, 4, 4]
    believed = FrameStamp()
    assert [believed(1, 1), believed(None, 2)] == [1, None]
