"""What the detector should give for an image, and how far it is from that."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix_track.detector_training.network import STRIDE, boxes_of

Array = NDArray[np.float32]
_SPREAD = 0.54 / 6
"""Deviation of a person's heat as a share of the box's sides (Training-Time-Friendly Network, section 3.2)."""
_BOX_HEAT = 0.2
"""Cells of at least so much heat are taught the box."""
_EASY, _AWAY = 2.0, 4.0
"""Exponents of the focal loss: how little sure cells count, and how little those near a middle (CornerNet's 2, 4)."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Of B images with h x w cells each.

    Attributes:
        heat: (B, h, w) 1 in the cell of each person's middle, falling to 0 towards the sides of the box.
        counts: (B, h, w) 0 where it is not known what is there, else 1.
        box: (B, 4, h, w) corners in pixels of the person a cell belongs to.
        box_weight: (B, h, w) how much the cell's box counts, 0 outside of people; each person's sum is the same.
    """

    heat: Tensor
    counts: Tensor
    box: Tensor
    box_weight: Tensor


def targets(people: list[Array], unknown: list[Array], height: int, width: int) -> Targets:
    """The targets of images of one size.

    Args:
        people: of each image, boxes (N, 4) xyxy in pixels.
        unknown: of each image, boxes (M, 4) of what may be a person or not.
        height: of the images in pixels, a multiple of the stride.
        width: likewise.
    """
    made = [_of_image(*both, height // STRIDE, width // STRIDE) for both in zip(people, unknown, strict=True)]
    return Targets(*(torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True)))


def _of_image(people: Array, unknown: Array, rows: int, columns: int) -> tuple[Array, Array, Array, Array]:
    heat, counts = np.zeros((rows, columns), np.float32), np.ones((rows, columns), np.float32)
    box, weight = np.zeros((4, rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    for left, top, right, bottom in unknown.tolist():
        counts[_cells(top, bottom, rows), _cells(left, right, columns)] = 0
    sizes = (people[:, 2:] - people[:, :2]).prod(axis=1)
    # The smaller person last: the larger one has cells enough.
    for left, top, right, bottom in people[np.argsort(-sizes, kind="stable")].tolist():
        x, y = (left + right) / 2 / STRIDE, (top + bottom) / 2 / STRIDE
        column, row = min(max(int(x), 0), columns - 1), min(max(int(y), 0), rows - 1)
        across = max(_SPREAD * (right - left) / STRIDE, 0.3), max(_SPREAD * (bottom - top) / STRIDE, 0.3)
        bump = np.outer(_bell(np.arange(rows) - row, across[1]), _bell(np.arange(columns) - column, across[0]))
        np.maximum(heat, bump, out=heat)
        mine = bump >= _BOX_HEAT
        box[:, mine] = np.array([left, top, right, bottom], np.float32)[:, None]
        weight[mine] = bump[mine] / bump[mine].sum()
        counts[row, column] = 1
    return heat, counts, box, weight


def _cells(low: float, high: float, count: int) -> slice:
    return slice(max(math.floor(low / STRIDE), 0), min(max(math.ceil(high / STRIDE), 0), count))


def _bell(offset: NDArray[np.int64], deviation: float) -> Array:
    return np.exp(-(offset**2) / (2 * deviation**2)).astype(np.float32)


def score_loss(logits: Tensor, wanted: Targets) -> Tensor:
    """Focal loss of the heat map (Law and Deng, "CornerNet", ECCV 2018, eq. 1), per person."""
    sure = torch.sigmoid(logits)
    middle = (wanted.heat == 1).float()
    found = middle * (1 - sure) ** _EASY * torch.nn.functional.softplus(-logits)
    other = (1 - middle) * (1 - wanted.heat) ** _AWAY * sure**_EASY * torch.nn.functional.softplus(logits)
    return ((found + other) * wanted.counts).sum() / middle.sum().clamp(min=1)


def box_loss(sides: Tensor, wanted: Targets) -> Tensor:
    """1 - GIoU (Rezatofighi et al., CVPR 2019) in the cells of people, per person."""
    rows = wanted.box_weight > 0
    if not rows.any():
        return sides.sum() * 0
    made, true = (boxes.permute(0, 2, 3, 1)[rows] for boxes in (boxes_of(sides), wanted.box))
    weight = wanted.box_weight[rows]
    return ((1 - giou(made, true)) * weight).sum() / weight.sum()


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Generalised IoU of boxes (N, 4) xyxy with area, row by row, -1..1."""
    shared = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0).prod(1)
    hull = (torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])).prod(1)
    union = (one[:, 2:] - one[:, :2]).prod(1) + (other[:, 2:] - other[:, :2]).prod(1) - shared
    return shared / union - (hull - union) / hull
