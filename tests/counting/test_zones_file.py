"""The file of lines and zones: what it may say, and that each mistake is a line."""

import numpy as np
import pytest

from remix_track.counting.ground_plane import GroundPlane
from remix_track.counting.zones_file import CountSettings, Ground, Place, Zones, read_zones, to_toml, zones_from
from remix_track.errors import InputError

pytest.importorskip("shapely")

GOOD = """
hysteresis = 0.2

[[line]]
name = "door"
camera = "gate"
points = [[0, 100], [200, 100.5]]

[[zone]]
name = "shop"
unit = "metres"
points = [[0, 0], [4, 0], [4, 3]]

[[ground]]
pixels = [[100, 300], [500, 300], [400, 200], [200, 200]]
metres = [[0, 0], [4, 0], [4, 6], [0, 6]]
"""


def written(tmp_path, text):
    path = tmp_path / "zones.toml"
    path.write_text(text)
    return path


def test_a_file_is_read_and_written_back(tmp_path):
    zones = read_zones(written(tmp_path, GOOD))
    assert zones.settings == CountSettings(hysteresis=0.2)
    assert zones.places[0] == Place("line", "door", ((0.0, 100.0), (200.0, 100.5)), "gate")
    assert zones.places[1].unit == "metres"
    assert [one.place.name for one in zones.before("gate")] == ["door", "shop"]
    assert [one.place.name for one in zones.before("yard")] == ["shop"]
    (tmp_path / "again").mkdir()
    assert read_zones(written(tmp_path / "again", to_toml(zones))) == zones
    assert to_toml(Zones()) == ""
    assert zones_from({}, "here") == Zones()


POINTS = "points = [[0, 0], [9, 0], [9, 9]]"
FOUR = "[[0, 0], [9, 0], [9, 9], [0, 9]]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[zones]]\n", "unknown key 'zones'; did you mean 'zone'?"),
        ("[zone]\n", "zone is a table for each zone; write [[zone]]"),
        ("hysteresis = 2\n", "hysteresis = 2.0; expected 0 to 1"),
        (f'[[zone]]\nnam = "a"\n{POINTS}', "[[zone]] 1: unknown key 'nam'; did you mean 'name'?"),
        ('[[zone]]\nname = "a"', "[[zone]] 'a': has no points"),
        (f'[[zone]]\nname = "a"\nunit = "meter"\n{POINTS}', "did you mean metres?"),
        (f'[[zone]]\nname = ""\n{POINTS}', "expected a printable text of 1 to 60 letters"),
        (f'[[zone]]\nname = "a\\n"\n{POINTS}', "expected a printable text"),
        (f'[[zone]]\nname = 7\n{POINTS}', "name = 7; expected text"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1]]', "expected 3 to 200 points [x, y]"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1], [2]]', "point 3 = [2]; expected [x, y]"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1], [nan, 0]]', "point 3 = [nan, 0]; expected [x, y]"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1], [true, 0]]', "point 3 = [True, 0]; expected [x, y]"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1], [1e7, 0]]', "a number up to 1,000,000"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [1, 1], [2, 2]]', "the points lie on a line"),
        ('[[zone]]\nname = "a"\npoints = [[0, 0], [9, 9], [9, 0], [0, 9]]', "crosses itself near [4.5, 4.5]"),
        ('[[line]]\nname = "a"\npoints = [[1, 1], [1, 1]]', "points that follow each other are the same"),
        ('[[line]]\nname = "a"\npoints = [[0, 0], [9, 9], [9, 0], [0, 9]]', "the line crosses itself"),
        (f'[[zone]]\nname = "a"\n{POINTS}\n' * 2, "zone 'a': there is another of that name"),
        (f'[[zone]]\nname = "a"\n{POINTS}\n[[zone]]\nname = "a"\ncamera = "c"\n{POINTS}', "another of that name"),
        (
            f'[[zone]]\nname = "a"\ncamera = "b"\n{POINTS}\n[[line]]\nname = "a"\ncamera = "c"\n{POINTS}',
            "a line before one camera and a zone before another",
        ),
        (f'[[zone]]\nname = "a"\nunit = "metres"\n{POINTS}', "is in metres; give a [[ground]]"),
        ("[[ground]]\npixels = [[0, 0]]\nmetres = [[0, 0]]", "[[ground]] 1: pixels = [[0, 0]]; expected 4 points"),
        (f"[[ground]]\npixels = {FOUR}\nmetres = [[0, 0], [1, 1], [2, 2.01], [0, 2]]", "points 1, 2, 3 of metres"),
        (f"[[ground]]\npixels = {FOUR}\nmetres = [[0, 0], [9, 9], [9, 0], [0, 9]]", "in different orders"),
        ("zone = " + "[" * 40 + "]" * 40, "nests more than 32 levels deep"),
        (f'[[zone]]\nname = "a"\n{POINTS}\n#' + "x" * 1_000_000, "larger than 1 MB"),
        ("".join(f'[[zone]]\nname = "z{n}"\n{POINTS}\n' for n in range(201)), "more than 200 lines, zones or grounds"),
    ],
)  # fmt: skip
def test_each_mistake_is_a_line(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        read_zones(written(tmp_path, text))
    said = str(error.value)
    assert message in said
    assert str(tmp_path) in said
    assert "\n" not in said
    assert len(said) < 400


def test_one_name_before_two_cameras_is_one_place():
    points = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    zones = Zones((Place("zone", "shop", points, "a"), Place("zone", "shop", points, "b")))
    assert [len(zones.before(camera)) for camera in ("a", "b", "c")] == [1, 1, 0]


def test_a_file_for_other_cameras_names_the_nearest():
    zones = Zones((Place("line", "door", ((0.0, 0.0), (9.0, 0.0)), "gaet"),))
    with pytest.raises(InputError, match=r"z\.toml: has no line and no zone of .*; did you mean 'gate'"):
        zones.check_cameras(["gate", "yard"], "z.toml")
    zones.check_cameras(["gaet", "yard"], "z.toml")
    zones.check_cameras([], "z.toml")


def test_four_points_give_the_ground_back():
    """A pinhole camera, whose ground is known: what stands at (x, depth) shows at (320 + 660 x / d, 150 + 1450 / d)."""

    def shown(points):
        return np.array([[320 + 660 * x / depth, 150 + 1450 / depth] for x, depth in points])

    corners = [(-1.8, 6.8), (1.8, 6.8), (1.8, 11.2), (-1.8, 11.2)]
    plane = Ground(tuple(map(tuple, shown(corners).tolist())), tuple(corners)).plane()
    others = np.array([(0.0, 5.0), (3.0, 30.0), (-4.0, 8.0)])
    assert plane.to_metres(shown(others)) == pytest.approx(others, abs=1e-6)
    assert plane.to_pixels(others) == pytest.approx(shown(others), abs=1e-6)
    assert np.isnan(plane.to_pixels(np.array([(0.0, -3.0)]))).all()
    assert plane.mirrors
    assert not GroundPlane.of_points(shown(corners), np.array(corners) * [-1, 1]).mirrors
