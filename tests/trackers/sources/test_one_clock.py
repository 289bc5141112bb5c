"""Packets in the order of decoding; `pts` of B-frames run back and forth, as in files."""

from functools import partial

import pytest

from remix_track.trackers.sources.time_stamps import OneClock, Stamps

TICKS, STEP = 1000, 40  # a clock of milliseconds, 25 frames a second
PERIOD = 2**20


def _given(stamps):
    return stamps


def moved(packets, period=None):
    """What comes of (pts, dts, key), and the clock."""
    clock = OneClock(TICKS, STEP, period)
    waiting, came = list(packets), []
    while waiting:
        pts, dts, key = waiting.pop(0)
        behind = Stamps(*waiting[0][:2]) if waiting else None
        came.append(tuple(clock.moved(Stamps(pts, dts), key=key, after=partial(_given, behind))))
    return came, clock


def recording(frames, *, begin=0, b_frames=True):
    """Packets of I, P and B-frames: shown 1 4 2 3 7 5 6 ..., two frames after they are decoded."""
    packets = []
    for place in range(frames):
        shown = place
        if b_frames and place:
            shown = place + 2 if place % 3 == 1 else place - 1
        packets.append((begin + (shown + 2) * STEP, begin + place * STEP, place == 0 or place % 9 == 1))
    return packets


def shown(packets):
    return sorted(pts for pts, _, _ in packets)


def straight(frames, begin=0):
    return [begin + (n + 2) * STEP for n in range(frames)]


@pytest.mark.parametrize("b_frames", [True, False])
def test_a_healthy_recording_is_left_as_it_is(b_frames):
    packets = recording(28, b_frames=b_frames)
    came, clock = moved(packets)
    assert came == [packet[:2] for packet in packets]
    assert (clock.joins, clock.notes, clock.offset) == (0, [], 0)


@pytest.mark.parametrize("begin", [0, -5000, 40])
@pytest.mark.parametrize("b_frames", [True, False])
def test_recordings_end_to_end_follow_each_other(begin, b_frames):
    one, other = recording(28, b_frames=b_frames), recording(28, begin=begin, b_frames=b_frames)
    came, clock = moved(one + other)
    assert sorted(pts for pts, _ in came) == straight(56)
    assert [dts for _, dts in came] == [n * STEP for n in range(56)]
    assert clock.joins == 1
    back = (27 * STEP - begin) / 1000
    assert clock.notes == [
        f"the clock runs back by {back:.2f} s at 1.12 s: another recording begins there; times go on without a gap"
    ]


def test_a_recording_without_b_frames_waits_for_the_last_picture_of_one_with_them():
    other = [(pts - 2 * STEP, dts, key) for pts, dts, key in recording(5, b_frames=False)]
    came, _ = moved(recording(28) + other)
    assert sorted(pts for pts, _ in came) == straight(33)


def test_many_recordings_are_told_in_five_lines():
    _, clock = moved([packet for _ in range(40) for packet in recording(7)])
    assert clock.joins == 39
    assert len(clock.notes) == 5


@pytest.mark.parametrize("hole", [400, 9_000, 4 * 3600 * 1000])
@pytest.mark.parametrize("b_frames", [True, False])
@pytest.mark.parametrize("at", range(8, 12))
def test_time_that_passed_is_kept(hole, b_frames, at):
    """Cameras that record what moves: the images pause, also between two B-frames."""
    packets = recording(28, b_frames=b_frames)
    times = [pts + hole * (pts > at * STEP) for pts in straight(28)]
    packets = [
        (times[pts // STEP - 2], times[max(0, n - 2)] - 2 * STEP, key) for n, (pts, _, key) in enumerate(packets)
    ]
    came, clock = moved(packets)
    assert came == [packet[:2] for packet in packets]
    assert clock.joins == 0


def test_a_clock_that_wraps_goes_on():
    packets = recording(28, begin=PERIOD - 10 * STEP)
    wrapped = [(pts % PERIOD, dts % PERIOD, key) for pts, dts, key in packets]
    assert min(pts for pts, _, _ in wrapped) < 10 * STEP
    came, clock = moved(wrapped * 1, PERIOD)
    assert came == [packet[:2] for packet in packets]
    assert clock.joins == 0


def test_a_clock_wraps_again_and_again():
    every = PERIOD // 5
    packets = [(n * every, n * every, True) for n in range(40)]
    came, clock = moved([(pts % PERIOD, dts % PERIOD, key) for pts, dts, key in packets], PERIOD)
    assert [pts for pts, _ in came] == [n * every for n in range(40)]
    assert clock.joins == 0


def test_a_period_too_many_is_another_recording():
    """FFmpeg adds the period to stamps that lie before those of the first recording."""
    one = recording(28, begin=100_000)
    other = [(pts + PERIOD, dts + PERIOD, key) for pts, dts, key in recording(28)]
    came, clock = moved(one + other, PERIOD)
    assert sorted(pts for pts, _ in came) == straight(56, 100_000)
    assert clock.joins == 1


@pytest.mark.parametrize("by", [-3000, 40_000])
@pytest.mark.parametrize("key", [True, False])
def test_one_packet_out_of_line_has_no_stamp(by, key):
    packets = recording(28)
    pts, dts, _ = packets[16]
    packets[16] = (pts + by, dts + by, key)
    came, clock = moved(packets)
    assert came == [packet[:2] for packet in packets[:16]] + [(None, None)] + [packet[:2] for packet in packets[17:]]
    assert clock.joins == 0


def test_the_second_of_slack():
    """Without a key frame a clock may stumble by a second."""
    for back, joins in ((1000, 0), (1001, 1)):
        packets = [(n * 500, n * 500, n == 0) for n in range(9)]
        packets += [(4000 - back + n * 500, 4000 - back + n * 500, False) for n in range(9)]
        assert moved(packets)[1].joins == joins


def test_wrong_stamps_of_decoding_move_nothing():
    packets = [(pts, 0, key) for pts, _, key in recording(28)]
    assert [pts for pts, _ in moved(packets)[0]] == [pts for pts, _, _ in packets]
    packets = [(n * STEP, (5 - n) * STEP, True) for n in range(40)]
    assert [pts for pts, _ in moved(packets)[0]] == [n * STEP for n in range(40)]


@pytest.mark.parametrize("only", ["pts", "dts", "late dts"])
def test_one_stamp_is_enough(only):
    def kept(packets):
        if only == "late dts":
            return [(pts, dts if n > 1 else None, key) for n, (pts, dts, key) in enumerate(packets)]
        return [(pts if only == "pts" else None, dts if only == "dts" else None, key) for pts, dts, key in packets]

    came, clock = moved(kept(recording(28)) + kept(recording(28)))
    assert clock.joins == 1
    which = 1 if only == "dts" else 0
    assert sorted(stamps[which] for stamps in came) == [n * STEP for n in range(56)] if which else straight(56)


def test_no_stamp_is_no_stamp():
    came, clock = moved([(None, None, True)] * 5)
    assert came == [(None, None)] * 5
    assert clock.joins == 0
