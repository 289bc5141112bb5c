"""How a pose moves the segments of a body."""

import numpy as np
import pytest

from remix_track.synthetic.bodies.pieces import Stock
from remix_track.synthetic.bodies.skeleton import (
    FOREARM,
    HAND,
    SEGMENTS,
    SHIN,
    THIGH,
    UPPER_ARM,
    Build,
    read_skeleton,
    transforms,
)
from remix_track.synthetic.pose import walking_pose
from tests.synthetic.bodies.small_package import write_package


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory):
    return Stock(write_package(tmp_path_factory.mktemp("package"))).skeleton


def _moved(maps, segment, point):
    return np.append(point, 1) @ maps[segment]


def test_limbs_point_where_the_pose_has_them_and_keep_their_length(skeleton):
    pose = walking_pose(0.7, 1.0, (1.0, 1.0), 0.1, 0.05)
    maps = transforms(skeleton, pose, Build())
    ends = {THIGH: (SHIN, pose.hip, pose.knee), UPPER_ARM: (FOREARM, pose.shoulder, pose.elbow)}
    for segment, (following, begin, end) in ends.items():
        for side in (0, 1):
            joint, next_joint = skeleton.joints[segment + side], skeleton.joints[following + side]
            forward, left, up = end[side] - begin[side]
            wanted = np.array([left, up, forward]) / np.linalg.norm([left, up, forward])
            limb = _moved(maps, segment + side, next_joint) - _moved(maps, segment + side, joint)
            assert limb == pytest.approx(np.linalg.norm(next_joint - joint) * wanted, abs=1e-4)


def test_segments_stay_joined(skeleton):
    maps = transforms(skeleton, walking_pose(2.0, 1.0, (1.2, 0.8), 0.1, 0.05), Build(1.2, 0.9, 1.1, 1.05))
    pairs = [(THIGH, 0), (SHIN, THIGH), (FOREARM, UPPER_ARM), (HAND, FOREARM), (UPPER_ARM, 1)]
    for segment, parent in pairs:
        joint = skeleton.joints[segment]
        assert _moved(maps, segment, joint) == pytest.approx(_moved(maps, parent, joint), abs=1e-4)


def test_a_build_makes_limbs_thicker_and_longer(skeleton):
    pose = walking_pose(0, 0.0, (1.0, 1.0), 0.1, 0.05)
    plain, built = transforms(skeleton, pose, Build()), transforms(skeleton, pose, Build(limbs=1.3, legs=1.1))
    along = skeleton.along[THIGH]
    across = np.cross(along, [0, 0, 1])
    for direction, factor in ((along, 1.1), (across / np.linalg.norm(across), 1.3)):
        lengths = [np.linalg.norm(direction @ maps[THIGH, :3]) for maps in (plain, built)]
        assert lengths[1] / lengths[0] == pytest.approx(factor, abs=1e-4)
    assert plain.shape == (SEGMENTS, 4, 3)


def test_a_bone_before_its_parent_is_refused():
    with pytest.raises(ValueError, match="before its parent"):
        read_skeleton([{"name": "root", "parent": 3, "pos": [0, 0, 0]}])
