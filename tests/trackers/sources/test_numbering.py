import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources.numbering import Numbering
from remix_track.trackers.sources.source import Damage, Selection, folder_name


def lost(numbering, stamps):
    return [numbering.arrived(stamp) for stamp in stamps]


def sent(*stamps):
    numbering = Numbering()
    for stamp in stamps:
        numbering.sent(stamp)
    return numbering


def test_reordered_packets_lose_nothing():
    numbering = sent(0, 3, 1, 2, 6, 4, 5)
    assert lost(numbering, range(7)) == [0] * 7
    assert numbering.ended() == 0


def test_a_packet_without_picture_is_a_lost_frame_behind_damage():
    numbering = sent(0, 3, 1, 2, 6, 4, 5)
    numbering.failed()
    assert lost(numbering, [0, 1, 4]) == [0, 0, 2]
    assert numbering.ended() == 2


def test_hidden_packets_of_a_whole_file_are_not_counted_also_not_behind_later_damage():
    numbering = sent(0, 1, 2, 3)
    assert lost(numbering, [0, 2]) == [0, 0]
    numbering.sent(5)
    numbering.failed()
    assert lost(numbering, [7]) == [1]  # by the refusals alone
    assert numbering.ended() == 0


def test_a_picture_whose_turn_is_over_is_late():
    numbering = sent(0, 1, 2, 3, 4)
    numbering.failed()
    assert lost(numbering, [0, 3, 1, 4]) == [0, 2, None, 0]


@pytest.mark.parametrize("stamps", [[None, None, None], [1, 3, 2]])
def test_without_usable_stamps_refusals_count(stamps):
    numbering = sent(*stamps)
    assert lost(numbering, stamps[:2]) == [0, 0]
    numbering.failed()
    numbering.failed()
    assert lost(numbering, stamps[2:]) == [2]


def test_packets_that_vanished_count_by_their_time_where_frames_came_evenly():
    numbering = Numbering(frame_length=40)
    for stamp in (0, 40, 80):
        numbering.sent(stamp)
        assert numbering.arrived(stamp) == 0
    numbering.damaged = True
    numbering.sent(240)
    assert numbering.arrived(240) == 3
    assert numbering.arrived(None) == 0  # the next frame, whatever its stamp was
    assert numbering.arrived(320) == 0
    numbering.sent(10**15)
    assert numbering.arrived(10**15) == 0  # nobody lost a year


@pytest.mark.parametrize("damaged", [False, True])
def test_pauses_are_no_losses_where_frames_come_as_they_please(damaged):
    numbering = Numbering(frame_length=40)
    for stamp in (0, 40, 200, 240):
        numbering.sent(stamp)
        assert numbering.arrived(stamp) == 0
    numbering.damaged = damaged
    numbering.sent(600)
    assert numbering.arrived(600) == 0


def test_packets_under_way_are_bounded():
    numbering = sent(*range(100_000))
    assert not numbering.missing
    assert numbering.arrived(50_000) == 0


def test_neighbours_are_told_in_one_line():
    damage = Damage()
    damage.lost(118)
    damage.lost(119, 2)
    damage.damaged(121)
    damage.damaged(130)
    assert damage.lines == [
        "frames 118 to 120 could not be decoded; 3 frames were lost",
        "frame 121 decoded with errors; parts of the image are wrong",
        "frame 130 decoded with errors; parts of the image are wrong",
    ]


def test_damage_everywhere_stays_a_few_lines():
    damage = Damage()
    for index in range(1, 100_001, 2):
        damage.lost(index)
    assert len(damage.lines) == 21
    assert damage.lines[-1] == "and 49980 more places; in all 50000 frames were lost and 0 are damaged"


@pytest.mark.parametrize("total", [0, 1, 2, 7, 30])
@pytest.mark.parametrize(
    "selection", [Selection(), Selection(3), Selection(2, 4), Selection(1, 3, 4), Selection(5, 5, 2)]
)
def test_expected_counts_what_is_wanted(selection, total):
    wanted = [index for index in range(1, total + 1) if selection.wants(index)]
    assert selection.expected(total) == len(wanted)
    assert all(not selection.is_past(index) for index in wanted)


@pytest.mark.parametrize("values", [{"start": 0}, {"stride": 0}, {"stride": -1}, {"frames": 0}])
def test_a_selection_below_one_is_refused(values):
    (name, value), *_ = values.items()
    with pytest.raises(InputError, match=f"`{name}` = {value}; expected at least 1"):
        Selection(**values)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a b/c", "a-b-c"),
        ("..", "source"),
        ("../../etc", "etc"),
        (".hidden", "hidden"),
        ("", "source"),
        ("ü" * 200, "ü" * 80),
    ],
)
def test_names_are_safe_as_folders(text, name):
    assert folder_name(text) == name


@pytest.mark.parametrize(("resumes", "lost"), [(None, 49), (500, 0), (30, 49)])
def test_where_a_recording_pauses_nothing_is_lost_behind_damage_either(resumes, lost):
    """Ten frames, ten units apart, then one 500 units behind the last; it is known to pause at 500, or was at 30."""
    numbering = Numbering(10)
    for stamp in range(0, 100, 10):
        if stamp == resumes:
            numbering.resumes(stamp)
        numbering.sent(stamp)
        assert numbering.arrived(stamp) == 0
    numbering.damaged = True
    if resumes == 500:
        numbering.resumes(590)
    numbering.sent(590)
    assert numbering.arrived(590) == lost
