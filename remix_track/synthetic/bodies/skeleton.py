"""Fifteen stiff segments of the body: where their joints are at rest, and how a pose moves what hangs on them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from remix_track.synthetic.bodies.mesh_files import Points
from remix_track.synthetic.pose import Pose

PELVIS, CHEST, HEAD = 0, 1, 2
THIGH, SHIN, FOOT, UPPER_ARM, FOREARM, HAND = 3, 5, 7, 9, 11, 13
"""The left one of each pair; the right one is the next."""
SEGMENTS = 15
_PARENT = (-1, 0, 1, 0, 0, 3, 4, 5, 6, 1, 1, 9, 10, 11, 12)

_OF_BONE = (
    (r"upperleg", THIGH), (r"lowerleg", SHIN), (r"foot|toe", FOOT), (r"upperarm", UPPER_ARM),
    (r"lowerarm", FOREARM), (r"wrist|metacarpal|finger", HAND), (r"root|pelvis|spine0[45]", PELVIS),
    (r"spine0[123]|clavicle|shoulder|breast", CHEST),
)  # fmt: skip
_HEAD_OF = {
    PELVIS: "spine05", CHEST: "spine03", HEAD: "neck01", THIGH: "upperleg01", SHIN: "lowerleg01", FOOT: "foot",
    UPPER_ARM: "upperarm01", FOREARM: "lowerarm01", HAND: "wrist",
}  # fmt: skip
_TOES = "toe1-1"


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """The skeleton at rest, in decimetres: left, up, forward.

    Attributes:
        segment: number of the segment of each bone.
        joints: (15, 3) where each segment is joined to the one that it hangs on.
        along: (15, 3) unit vector from each segment's joint to its end; up for pelvis, chest and head.
    """

    segment: tuple[int, ...]
    joints: Points
    along: Points


def read_skeleton(bones: Sequence[Any]) -> Skeleton:
    """The skeleton of MakeHuman's list of bones, each with a name, a parent and a place from the parent's.

    Raises:
        ValueError, KeyError, TypeError: no such list.
    """
    places: list[Points] = []
    named: dict[str, Points] = {}
    for bone in bones:
        parent = int(bone["parent"])
        if parent >= len(places):
            raise ValueError("a bone stands before its parent")
        place = np.asarray(bone["pos"], np.float32) + (places[parent] if parent >= 0 else np.float32(0))
        places.append(place)
        named[str(bone["name"])] = place
    joints = np.stack([named[_bone(segment) + "____head"] for segment in range(SEGMENTS)])
    ends = joints + np.array([0, 1, 0], np.float32)
    for pair, following in ((THIGH, SHIN), (SHIN, FOOT), (UPPER_ARM, FOREARM), (FOREARM, HAND)):
        ends[pair : pair + 2] = joints[following : following + 2]
    for side in (0, 1):
        ends[FOOT + side] = named[f"{_TOES}.{'LR'[side]}____head"]
        ends[HAND + side] = 2 * joints[HAND + side] - joints[FOREARM + side]
    along = ends - joints
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return Skeleton(tuple(_segment(str(bone["name"])) for bone in bones), joints, along.astype(np.float32))


def _bone(segment: int) -> str:
    """The bone at whose beginning a segment's joint is."""
    if segment in (PELVIS, CHEST, HEAD):
        return _HEAD_OF[segment]
    left = segment if segment in _HEAD_OF else segment - 1
    return f"{_HEAD_OF[left]}.{'LR'[segment - left]}"


def _segment(bone: str) -> int:
    """The segment that a bone belongs to; the face is the head's."""
    for pattern, segment in _OF_BONE:
        if re.match(pattern, bone):
            paired = segment >= THIGH
            return segment + 1 if paired and ".R" in bone else segment
    return HEAD


@dataclass(frozen=True, slots=True)
class Build:
    """How a body differs from the one at rest, as factors.

    Attributes:
        hips, chest, limbs: thickness of the pelvis, of the chest, of arms and legs.
        legs: length of thighs and shins.
    """

    hips: float = 1.0
    chest: float = 1.0
    limbs: float = 1.0
    legs: float = 1.0


def transforms(skeleton: Skeleton, pose: Pose, build: Build) -> Points:
    """(15, 4, 3) the affine map of each segment: `[x y z 1] @ map`, from rest to the pose.

    A limb is turned the shortest way from where it points at rest to where the pose has it.
    """
    directions = _directions(skeleton, pose)
    maps = np.zeros((SEGMENTS, 4, 3), np.float32)
    for segment, parent in enumerate(_PARENT):
        turn = _shortest_turn(skeleton.along[segment], directions[segment])
        if segment == CHEST:
            turn = _twist(pose)
        linear = turn @ _stretch(skeleton.along[segment], *_factors(segment, build))
        joint = skeleton.joints[segment]
        moved = joint if parent < 0 else joint @ maps[parent, :3] + maps[parent, 3]
        maps[segment, :3] = linear.T
        maps[segment, 3] = moved - linear @ joint
    return maps


def _directions(skeleton: Skeleton, pose: Pose) -> Points:
    """(15, 3) where each segment points in the pose, left, up, forward."""
    directions = skeleton.along.copy()
    for side in (0, 1):
        limbs = {
            THIGH: pose.knee[side] - pose.hip[side],
            SHIN: pose.ankle[side] - pose.knee[side],
            FOOT: pose.toe[side] - pose.ankle[side],
            UPPER_ARM: pose.elbow[side] - pose.shoulder[side],
            FOREARM: pose.wrist[side] - pose.elbow[side],
            HAND: pose.wrist[side] - pose.elbow[side],
        }
        for segment, (forward, left, up) in limbs.items():
            directions[segment + side] = np.array([left, up, forward]) / np.linalg.norm([left, up, forward])
    return directions


def _twist(pose: Pose) -> Points:
    """The chest's turn about the upright axis, which the line of the shoulders shows."""
    forward, left, _ = pose.shoulder[0] - pose.shoulder[1]
    cos, sin = np.array([left, forward]) / np.hypot(left, forward)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)


def _shortest_turn(one: Points, other: Points) -> Points:
    """(3, 3) the rotation that takes one unit vector to another (Rodrigues)."""
    axis = np.cross(one, other)
    cos = float(one @ other)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn: Points = (np.eye(3) + skew + skew @ skew / max(1 + cos, 1e-6)).astype(np.float32)
    return turn


def _factors(segment: int, build: Build) -> tuple[float, float]:
    """Thickness and length of a segment."""
    if segment in (PELVIS, CHEST):
        return (build.hips if segment == PELVIS else build.chest), 1.0
    if segment == HEAD or segment >= HAND or segment in (FOOT, FOOT + 1):
        return 1.0, 1.0
    return build.limbs, build.legs if segment < FOOT else 1.0


def _stretch(along: Points, thick: float, long: float) -> Points:
    """(3, 3) a stretch by `long` along the unit vector, by `thick` across it."""
    return (thick * np.eye(3) + (long - thick) * np.outer(along, along)).astype(np.float32)
