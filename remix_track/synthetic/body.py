"""The body of a person in a pose, dressed: torso, arms, legs, shoes and bags as tubes.

All measures are fractions of the stature; heights on the torso count from the hip joints.
"""

import numpy as np

from remix_track.synthetic.head import head
from remix_track.synthetic.people import Person
from remix_track.synthetic.pose import HAND, Pose, walking_pose
from remix_track.synthetic.tubes import UP, Array, Tube, block, limb, quad_angles, tube, upright

_TORSO_HEIGHT = np.array([-0.06, -0.03, 0.0, 0.04, 0.09, 0.14, 0.19, 0.24, 0.275, 0.3, 0.32, 0.338, 0.35])
_TORSO_WIDTH = np.array([0.045, 0.082, 0.095, 0.092, 0.08, 0.083, 0.094, 0.105, 0.107, 0.094, 0.064, 0.042, 0])
_TORSO_DEPTH = np.array([0.052, 0.07, 0.078, 0.076, 0.068, 0.068, 0.073, 0.074, 0.067, 0.055, 0.042, 0.034, 0])
_HEM = {"t-shirt": 0.0, "sweater": -0.005, "open jacket": -0.02, "coat": -0.02, "hoodie": -0.015}
_TIGHTS = (52, 46, 48)
_BULK = {"t-shirt": 0.0, "sweater": 0.004, "open jacket": 0.007, "coat": 0.01, "hoodie": 0.01}

# Along a leg: 0 the ankle, 1 the knee, 2 the hip. Along an arm: -1 the finger tips, 0 the wrist, 1 the elbow, 2.
_LEG_AT = np.array([-0.05, 0.0, 0.2, 0.45, 0.7, 0.9, 1.0, 1.1, 1.3, 1.55, 1.8, 2.0, 2.1])
_LEG_RADIUS = np.array([0.02, 0.023, 0.026, 0.035, 0.04, 0.037, 0.037, 0.038, 0.044, 0.053, 0.06, 0.062, 0.03])
_TROUSER_RADIUS = np.array([0.036, 0.037, 0.038, 0.04, 0.044, 0.044, 0.045, 0.046, 0.05, 0.057, 0.064, 0.066, 0.03])
_ARM_AT = np.array([-1.0, -0.85, -0.5, -0.2, 0.0, 0.25, 0.6, 1.0, 1.25, 1.6, 1.85, 2.02, 2.12])
_ARM_RADIUS = np.array([0, 0.012, 0.02, 0.018, 0.016, 0.021, 0.025, 0.026, 0.029, 0.032, 0.035, 0.031, 0.01])


def dressed_body(person: Person, phase: float, stride: float) -> list[Tube]:
    """Everything there is to draw of a person, in the person's frame, in metres.

    Args:
        person: the looks.
        phase: radians of the gait cycle.
        stride: 0 stands, 1 walks.
    """
    swing = [person.arm_swing, person.arm_swing]
    if person.bag == "shopping bag":
        swing[_side(person)] *= 0.3
    pose = walking_pose(
        phase, stride, (swing[0], swing[1]), 0.104 * person.shoulders * _width(person), 0.05 * person.hips
    )
    parts = [_torso(person, pose), *head(person, pose)]
    for side in (0, 1):
        parts += [_leg(person, pose, side), _shoe(person, pose, side), _arm(person, pose, side)]
    parts += _below_the_waist(person, pose) + _bag(person, pose)
    return [Tube(part.vertices * person.stature, part.colour, part.mottle) for part in parts]


def _side(person: Person) -> int:
    """0 where the bag hangs on the left, else 1."""
    return 0 if person.bag_side > 0 else 1


def _width(person: Person) -> float:
    """Shoulders grow less than bellies do."""
    return 1 + 0.4 * (person.girth - 1)


def _torso(person: Person, pose: Pose) -> Tube:
    height = np.linspace(_TORSO_HEIGHT[0], _TORSO_HEIGHT[-1], 27)
    share = np.clip(height / 0.285, 0, 1)
    bulk = _BULK[person.top] * (height > 0)
    width = np.interp(height, _TORSO_HEIGHT, _TORSO_WIDTH) + bulk
    width *= (person.hips + (person.shoulders - person.hips) * share) * (1 + (person.girth - 1) * (1 - 0.6 * share))
    depth = (np.interp(height, _TORSO_HEIGHT, _TORSO_DEPTH) + bulk) * person.girth
    width[-1] = depth[-1] = 0
    centre = pose.pelvis + share[:, None] * (pose.chest - pose.pelvis)
    centre[:, 2] = pose.pelvis[2] + height
    across = pose.shoulder[0] - pose.shoulder[1]
    twist = share * np.arctan2(-across[0], across[1])
    side = np.stack([-np.sin(twist), np.cos(twist), 0 * twist], axis=1)
    front = np.stack([np.cos(twist), np.sin(twist), 0 * twist], axis=1)
    middle = (height[:-1] + height[1:]) / 2
    colour = _torso_colour(person, middle[:, None], quad_angles(20)[None])
    return tube(centre, front * depth[:, None], side * width[:, None], 20, colour, 0.02)


def _torso_colour(person: Person, height: Array, angle: Array) -> Array:
    """Colours (R, S, 3) of the torso's quads at `height` (R, 1) and `angle` (1, S)."""
    colour = _pattern(person, height, angle)
    if person.top == "open jacket":
        colour[(np.abs(angle) < 0.5) & (height < 0.3)] = person.second_colour
    if person.top == "hoodie":
        colour[(np.abs(angle) < 0.2) & (height < 0.27)] *= 0.8
    legs = person.top_colour if person.bottom == "dress" else person.bottom_colour
    colour[np.broadcast_to(height < _HEM[person.top], colour.shape[:2])] = legs
    if person.top == "t-shirt":
        colour[(height > 0.315) & (np.abs(angle) < 1.2)] = person.skin
    if person.bag == "backpack":
        straps = (np.abs(np.abs(np.sin(angle)) - 0.62) < 0.16) & (np.cos(angle) > 0) & (height > 0.13)
        colour[straps | ((height > 0.29) & (np.abs(np.abs(np.sin(angle)) - 0.62) < 0.16))] = person.bag_colour
    if person.bag == "shoulder bag":
        strap = 0.17 - 0.16 * person.bag_side * np.sin(angle)
        colour[np.abs(height - strap) < 0.022] = person.bag_colour
    return colour


def _pattern(person: Person, height: Array, angle: Array) -> Array:
    """The top's own colours, plain or not, as (R, S, 3)."""
    band = np.floor(height / 0.032).astype(int) % 2 == 0
    column = np.floor((angle + np.pi) / (2 * np.pi / 10)).astype(int) % 2 == 0
    shape = np.broadcast_shapes(height.shape, angle.shape)
    colour = np.broadcast_to(np.array(person.top_colour, np.float64), (*shape, 3)).copy()
    second = np.array(person.second_colour, np.float64)
    if person.pattern == "stripes":
        colour[np.broadcast_to(band, shape)] = 0.6 * colour[0, 0] + 0.4 * second
    elif person.pattern == "checks":
        share = 0.28 * band[..., None] + 0.28 * column[..., None]
        colour = colour * (1 - share) + second * share
    elif person.pattern == "logo":
        colour[(np.abs(height - 0.225) < 0.035) & (np.abs(angle) < 0.6)] = second
    elif person.pattern == "two-tone":
        colour[np.broadcast_to(height > 0.18, shape)] = second
    return colour


def _along(joints: tuple[Array, Array, Array], at: Array) -> Array:
    """Points (R, 3) on the bent line through three joints, 0 the first, 1 the second, 2 the third; it goes on."""
    first, second, third = joints
    lower = first + at[:, None] * (second - first)
    return np.where(at[:, None] <= 1, lower, second + (at[:, None] - 1) * (third - second))


def _leg(person: Person, pose: Pose, side: int) -> Tube:
    at = (_LEG_AT[:-1] + _LEG_AT[1:]) / 2
    covered = {"trousers": at > -1, "shorts": at > 1.15, "skirt": at > 1.25, "dress": at > 1.25}[person.bottom]
    cloth = person.top_colour if person.bottom == "dress" else person.bottom_colour
    under = _TIGHTS if person.tights and person.bottom in ("skirt", "dress") else person.skin
    colour = np.where(covered[:, None], cloth, under).astype(np.float64)
    if person.top == "coat":
        colour[at > 1.55] = person.top_colour
    wide = np.append(covered, True) & (person.bottom in ("trousers", "shorts"))
    radius = np.where(wide, _TROUSER_RADIUS, _LEG_RADIUS) * person.girth
    if person.boots and person.bottom != "trousers":
        colour[at < 0.6] = person.shoe_colour
        radius[_LEG_AT < 0.6] = np.maximum(radius[_LEG_AT < 0.6], 0.034)
    points = _along((pose.ankle[side], pose.knee[side], pose.hip[side]), _LEG_AT)
    return limb(points, radius, 10, colour[:, None], 0.022)


def _shoe(person: Person, pose: Pose, side: int) -> Tube:
    at = np.array([-0.27, -0.24, -0.1, 0.15, 0.45, 0.68, 0.75])
    half_width = np.array([0, 0.024, 0.027, 0.029, 0.031, 0.022, 0])
    half_height = np.array([0, 0.026, 0.031, 0.027, 0.018, 0.012, 0])
    pitch = pose.foot_pitch[side]
    along = np.array([np.cos(pitch), 0, np.sin(pitch)])
    above = np.array([-np.sin(pitch), 0, np.cos(pitch)])
    heel = pose.toe[side] - 0.75 * 0.145 * along
    centre = heel + 0.145 * at[:, None] * along + np.maximum(half_height, 0.012)[:, None] * above
    side_axis = half_width[:, None] * np.array([0.0, 1.0, 0.0])
    return tube(centre, -half_height[:, None] * above, side_axis, 10, np.array(person.shoe_colour), 0.02)


def _arm(person: Person, pose: Pose, side: int) -> Tube:
    elbow, wrist = pose.elbow[side], pose.wrist[side]
    down = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    points = _along((wrist, elbow, pose.shoulder[side]), _ARM_AT)
    hand = _ARM_AT < 0
    points[hand] = wrist - HAND * _ARM_AT[hand, None] * down
    at = (_ARM_AT[:-1] + _ARM_AT[1:]) / 2
    sleeve = at > (1.4 if person.top == "t-shirt" else -0.02)
    colour = np.where(sleeve[:, None], person.top_colour, person.skin).astype(np.float64)
    if person.pattern == "stripes":
        band = sleeve & (np.arange(len(at)) % 2 == 0)
        colour[band] = 0.6 * colour[band] + 0.4 * np.array(person.second_colour)
    elif person.pattern == "two-tone":
        colour[sleeve & (at > 1.35)] = person.second_colour
    radius = (_ARM_RADIUS + np.append(sleeve, True) * (0.005 + 0.6 * _BULK[person.top])) * _width(person)
    radius[0] = 0
    return limb(points, radius, 8, colour[:, None], 0.022)


def _below_the_waist(person: Person, pose: Pose) -> list[Tube]:
    """Skirt, dress or the tails of a coat: a cone that gives room to both thighs."""
    if person.top == "coat":
        top, hem, room, colour = 0.1, -0.13, 0.015, person.top_colour
    elif person.bottom in ("skirt", "dress"):
        top, hem, room = 0.08, -0.21, 0.012
        colour = person.top_colour if person.bottom == "dress" else person.bottom_colour
    else:
        return []
    height = np.linspace(hem, top, 9)
    share = np.clip(-height / 0.245, 0, 1)
    knees = pose.knee[:, 0] - pose.hip[:, 0]
    forward, backward = share * max(knees.max(), 0.0), share * min(knees.min(), 0.0)
    centre = pose.pelvis + height[:, None] * UP
    centre[:, 0] += (forward + backward) / 2
    waist = np.interp(height, _TORSO_HEIGHT, _TORSO_DEPTH) * person.girth + 0.008
    depth = np.where(height > 0, waist, 0.075 * person.girth) + room * share / 0.8 + (forward - backward) / 2
    waist = np.interp(height, _TORSO_HEIGHT, _TORSO_WIDTH) * person.girth * person.hips + 0.008
    width = np.where(height > 0, waist, 0.1 * person.girth * person.hips) + room * share / 0.8
    # Turned in at the hem, so that one does not look through the back faces that are left out.
    height = np.append(height[0] + 0.012, height)
    centre = np.concatenate([centre[:1] + 0.012 * UP, centre])
    width, depth = np.append(0.0, width), np.append(0.0, depth)
    return [upright(centre, depth, width, 18, np.array(colour), 0.025)]


def _bag(person: Person, pose: Pose) -> list[Tube]:
    colour = np.array(person.bag_colour)
    if person.bag == "backpack":
        back = pose.chest - np.array([0.055 * person.girth + 0.05, 0, 0.09])
        return [block(back, 0.055, 0.085, 0.115, colour)]
    if person.bag == "shoulder bag":
        out = person.bag_side * (0.1 * person.girth * person.hips + 0.03)
        return [block(pose.pelvis + np.array([0.0, out, -0.005]), 0.075, 0.026, 0.055, colour)]
    if person.bag == "shopping bag":
        hand = pose.wrist[_side(person)]
        return [block(hand - np.array([0, -0.012 * person.bag_side, 0.155]), 0.075, 0.03, 0.085, colour)]
    return []
