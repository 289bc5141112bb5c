"""The skeleton of a walking person: where every joint is at a moment of the gait.

Frame of reference: origin on the ground below the pelvis; axes forward, left, up; unit the person's stature.
Segment lengths follow the table of body proportions in Winter, Biomechanics and Motor Control of Human Movement,
section 4.1; the joint curves are hand-made likenesses of its plots of level walking.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THIGH, SHIN, FOOT = 0.245, 0.24, 0.145
UPPER_ARM, FOREARM, HAND = 0.17, 0.15, 0.075
ANKLE_HEIGHT = 0.045
_HIP_TO_SHOULDER = 0.285

LEFT, RIGHT = 0, 1
"""The first index of every pair of joints."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Joints in the person's frame: (3,) each, pairs (2, 3) with the left one first.

    Attributes:
        pelvis: midpoint of the hips.
        chest: midpoint of the shoulders.
        hip, knee, ankle, toe: the legs.
        shoulder, elbow, wrist: the arms.
        foot_pitch: (2,) radians, positive with the toes up.
    """

    pelvis: Points
    chest: Points
    hip: Points
    knee: Points
    ankle: Points
    toe: Points
    shoulder: Points
    elbow: Points
    wrist: Points
    foot_pitch: tuple[float, float]


def walking_pose(
    phase: float, stride: float, arm_swing: tuple[float, float], shoulder_width: float, hip_width: float
) -> Pose:
    """The pose at one moment of a walk.

    Args:
        phase: radians of the gait cycle of two steps; the left heel strikes at 0, the right one at pi.
        stride: 0 stands, 1 walks.
        arm_swing: how far the left and the right arm swing; 1 is usual, 0 hangs still.
        shoulder_width: distance from the middle to the shoulder joint.
        hip_width: distance from the middle to the hip joint.
    """
    cycle = phase / (2 * math.pi)
    hip_offsets = np.array([[0, hip_width, 0], [0, -hip_width, 0]])
    legs = [_leg((cycle + 0.5 * side) % 1.0, stride) for side in (LEFT, RIGHT)]
    lowest = min(min(heel, toe) for _, _, _, _, heel, toe in legs)
    pelvis = np.array([0.0, 0.0, -lowest])
    chest = pelvis + np.array([0.012 * stride, 0, _HIP_TO_SHOULDER])
    twist = 0.13 * stride * math.cos(phase)
    to_left_shoulder = shoulder_width * np.array([-math.sin(twist), math.cos(twist), 0])
    low = chest - np.array([0, 0, 0.01])
    shoulder = np.stack([low + to_left_shoulder, low - to_left_shoulder])
    arms = [_arm((cycle + 0.5 * side) % 1.0, stride * arm_swing[side], 1 - 2 * side) for side in (LEFT, RIGHT)]
    hip = pelvis + hip_offsets
    return Pose(
        pelvis=pelvis,
        chest=chest,
        hip=hip,
        knee=hip + np.array([leg[0] for leg in legs]),
        ankle=hip + np.array([leg[1] for leg in legs]),
        toe=hip + np.array([leg[2] for leg in legs]),
        shoulder=shoulder,
        elbow=shoulder + np.array([arm[0] for arm in arms]),
        wrist=shoulder + np.array([arm[1] for arm in arms]),
        foot_pitch=(legs[LEFT][3], legs[RIGHT][3]),
    )


def _leg(cycle: float, stride: float) -> tuple[Points, Points, Points, float, float, float]:
    """Knee, ankle and toe from the hip, the foot's pitch, and how high heel and toe of the sole are."""
    thigh = stride * (0.08 + 0.35 * math.cos(2 * math.pi * cycle))
    bend = 0.03 + stride * (0.05 + 0.2 * _bump(cycle, 0.15, 0.08) + 1.02 * _bump(cycle, 0.75, 0.115))
    pitch = stride * (0.30 * _bump(cycle, 0.98, 0.05) - 0.85 * _bump(cycle, 0.63, 0.08))
    knee = THIGH * np.array([math.sin(thigh), 0, -math.cos(thigh)])
    ankle = knee + SHIN * np.array([math.sin(thigh - bend), 0, -math.cos(thigh - bend)])
    along = np.array([math.cos(pitch), 0, math.sin(pitch)])
    sole = ankle - ANKLE_HEIGHT * np.array([-math.sin(pitch), 0, math.cos(pitch)])
    toe = sole + 0.75 * FOOT * along
    return knee, ankle, toe, pitch, float(sole[2] - 0.25 * FOOT * math.sin(pitch)), float(toe[2])


def _arm(cycle: float, swing: float, side: int) -> tuple[Points, Points]:
    """Elbow and wrist from the shoulder; the arm swings against the leg of its side."""
    upper = 0.02 - 0.36 * swing * math.cos(2 * math.pi * cycle)
    bend = 0.36 + swing * (0.2 + 0.16 * math.cos(2 * math.pi * (cycle - 0.5)))
    spread = 0.19 * side
    elbow = UPPER_ARM * np.array([math.sin(upper), math.sin(spread), -math.cos(upper)])
    lower = upper + bend
    return elbow, elbow + FOREARM * np.array([math.sin(lower), 0.2 * math.sin(spread), -math.cos(lower)])


def _bump(cycle: float, centre: float, width: float) -> float:
    """A smooth hill of height 1 around `centre` of the cycle, which closes on itself."""
    away = (cycle - centre + 0.5) % 1.0 - 0.5
    return math.exp(-0.5 * (away / width) ** 2)
