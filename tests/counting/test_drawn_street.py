"""Counts on drawn streets, whose people are known exactly: exact where identities are, also where tracks broke."""

from dataclasses import replace

import numpy as np
import pytest

from remix_track.counting.counts import Recording, count
from remix_track.counting.feet import Feet, joined, track_number
from remix_track.counting.table import total_of
from remix_track.counting.zones_file import Ground, Place, Zones
from remix_track.synthetic.scenes import StreetScene

pytest.importorskip("shapely")

FPS, FRAMES = 8, 80
CORNERS = ((-1.8, 6.8), (1.8, 6.8), (1.8, 11.2), (-1.8, 11.2))
ACROSS = -0.5
"""Metres right of the middle, where a line leads away from the camera."""
ZONE = (-1.6, -0.2)
"""Metres between which, at any depth, the zone lies."""


def scene_of(seed, width):
    return StreetScene(seed, frames=FRAMES, fps=FPS, width=width, height=width * 9 // 16, people=9)


@pytest.fixture(scope="module", params=[1])
def street(request):
    """A street before two cameras of other sizes: the scenes, and the feet of true boxes in each."""
    scenes = [scene_of(request.param, width) for width in (256, 320)]
    return scenes, [feet_of(scene, number) for number, scene in enumerate(scenes)]


def feet_of(scene, number):
    """Of whom at least a bit shows; a camera sees nothing of the others."""
    truth = scene.ground_truth()
    feet = Feet.of_boxes(track_number(number, truth.id), (truth.frame - 1) / FPS, truth.frame, truth.tlwh, truth.id)
    return feet, truth.visibility


def zones_of(scenes):
    """A line and a zone in metres, which both cameras see."""
    grounds = [Ground(tuple(one.camera.pixel(*at) for at in CORNERS), CORNERS, f"{n}") for n, one in enumerate(scenes)]
    around = ((ZONE[0], 6.0), (ZONE[1], 6.0), (ZONE[1], 13.0), (ZONE[0], 13.0))
    places = [
        place
        for camera in ("0", "1")
        for place in (
            Place("line", "across", ((ACROSS, 6.0), (ACROSS, 13.0)), camera, "metres"),
            Place("zone", "strip", around, camera, "metres"),
        )
    ]
    return Zones(tuple(places), tuple(grounds))


def counted(scenes, parts):
    found = [Recording(f"{n}", feet, 0.0, (FRAMES - 1) / FPS) for n, feet in parts]
    cameras = [one.camera for one in found]
    line, strip = count(found, zones_of(scenes), cameras, sources=["a", "b"], clock=True).places
    return total_of(line), total_of(strip)


def truth_of(scene, feet):
    """By a loop over the ways as they were walked: (right, left, people) across, (entries, people) in the zone.

    Only while the camera shows the person; a change of side counts once the person is 17 cm beyond it.
    """
    across, crossed, entries, there = [0, 0], set[int](), 0, set[int]()
    for person in range(1, len(scene.people) + 1):
        shown = feet.frame[feet.who == person]
        ways = scene._walks[person - 1].place[np.sort(shown) - 1, 0]
        side, inside = None, False
        for x in ways.tolist():
            beyond = 1 if x > ACROSS else -1
            if side is None:
                side = beyond
            elif beyond != side and abs(x - ACROSS) > 0.17:
                side = beyond
                across[0 if beyond > 0 else 1] += 1
                crossed.add(person)
            if not inside and ZONE[0] <= x <= ZONE[1]:
                inside = True
                entries += 1
                there.add(person)
            elif inside and not ZONE[0] - 0.17 <= x <= ZONE[1] + 0.17:
                inside = False
    return (across[0], across[1], len(crossed)), (entries, len(there))


def test_one_camera_that_keeps_everybody(street):
    scenes, parts = street
    for number, (scene, (feet, _)) in enumerate(zip(scenes, parts, strict=True)):
        line, strip = counted(scenes, [(number, feet)])
        across, within = truth_of(scene, feet)
        # Away from the camera is up in the image, and right of that is right: out.
        assert (line.outs, line.ins, line.people) == across
        assert (strip.ins, strip.people) == within
        assert across[2] >= 4


def test_tracks_that_broke_and_two_cameras(street):
    """Who is hidden by half is lost, and found again under another number; identities are known."""
    scenes, parts = street
    broken = [broken_where_hidden(feet, visibility) for feet, visibility in parts]
    across, within = truth_of(scenes[0], parts[0][0])
    assert len(np.unique(broken[0].track)) > len(scenes[0].people)
    for chosen in ([(0, broken[0])], [(0, broken[0]), (1, broken[1])]):
        line, strip = counted(scenes, chosen)
        assert (line.outs, line.ins, line.people) == across
        assert strip.people == within[1]
    # Where each track is somebody, the same two cameras count more people than there are.
    alone = [(number, replace(feet, who=-1 - feet.track)) for number, feet in enumerate(broken)]
    line, strip = counted(scenes, alone)
    assert strip.people >= 2 * within[1]


def broken_where_hidden(feet, visibility):
    """The rows of whom more than half shows; after each gap the track has another number."""
    seen = feet[visibility > 0.5]
    parts = None
    for person in np.unique(seen.who).tolist():
        own = seen[seen.who == person]
        own = own[np.argsort(own.frame)]
        piece = np.concatenate([[0], np.cumsum(np.diff(own.frame) > 1)])
        own = replace(own, track=own.track + 100 * piece)
        parts = own if parts is None else joined(parts, own)
    return parts
