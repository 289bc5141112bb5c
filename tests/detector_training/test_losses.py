"""What the detector should give, and how far it is from that: against plain loops."""

import math

import numpy as np
import pytest
import torch

from remix_track.detector_training.losses import box_loss, giou, score_loss, targets
from remix_track.detector_training.network import STRIDE, boxes_of

NOBODY = np.zeros((0, 4), np.float32)
PERSON = np.array([[40, 16, 72, 112]], np.float32)


def area(box):
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def naive_giou(one, other):
    inner = [max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])]
    hull = [min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])]
    union = area(one) + area(other) - area(inner)
    return area(inner) / union - (area(hull) - union) / area(hull)


def test_giou_is_that_of_a_loop():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (2, 40, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 60, low.shape)], axis=2)
    made = giou(*(torch.from_numpy(part) for part in boxes))
    assert made.tolist() == pytest.approx([naive_giou(one, other) for one, other in zip(*boxes, strict=True)])


def test_the_middle_of_a_person_is_hot_and_its_cells_are_taught_the_box():
    wanted = targets([PERSON], [NOBODY], 128, 160)
    assert wanted.heat.shape == (1, 128 // STRIDE, 160 // STRIDE)
    assert wanted.heat[0, 8, 7] == 1
    assert wanted.heat[0, 8, 8] == wanted.heat[0, 8, 6] < wanted.heat[0, 9, 7] < 1, "a person is taller than wide"
    assert wanted.box[0, :, 8, 7].tolist() == PERSON[0].tolist()
    assert wanted.box_weight.sum().item() == pytest.approx(1)
    assert wanted.box_weight[0, 0, 0] == 0


def test_where_two_people_meet_the_smaller_one_is_taught():
    behind = np.array([[48, 40, 64, 88]], np.float32)
    wanted = targets([np.concatenate([behind, PERSON])], [NOBODY], 128, 160)
    assert wanted.box[0, :, 8, 7].tolist() == behind[0].tolist()


def test_what_is_unknown_counts_nothing_but_a_known_person_in_it():
    unknown = np.array([[32, 0, 80, 128]], np.float32)
    assert targets([NOBODY], [unknown], 128, 160).counts[0, :, 4:10].sum() == 0
    assert targets([NOBODY], [unknown], 128, 160).counts[0, :, :4].min() == 1
    with_person = targets([PERSON], [unknown], 128, 160)
    assert with_person.counts[0, 8, 7] == 1
    assert with_person.counts[0, :, 4:10].sum() == 1


def test_score_loss_is_that_of_a_loop():
    wanted = targets([PERSON], [np.array([[100, 0, 140, 60]], np.float32)], 128, 160)
    logits = torch.randn(1, 16, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    total = 0.0
    for row in range(16):
        for column in range(20):
            heat, sure = wanted.heat[0, row, column].item(), 1 / (1 + math.exp(-logits[0, row, column].item()))
            found = -((1 - sure) ** 2) * math.log(sure)
            other = -((1 - heat) ** 4) * sure**2 * math.log(1 - sure)
            total += (found if heat == 1 else other) * wanted.counts[0, row, column].item()
    assert score_loss(logits, wanted).item() == pytest.approx(total, rel=1e-5)


def test_losses_of_the_right_answer_are_none():
    wanted = targets([PERSON], [NOBODY], 128, 160)
    logits = torch.where(wanted.heat == 1, 20.0, -20.0)
    assert score_loss(logits, wanted).item() < 1e-6
    middle = boxes_of(torch.zeros(1, 4, 16, 20))
    sides = torch.cat([middle[:, :2] - wanted.box[:, :2], wanted.box[:, 2:] - middle[:, 2:]], dim=1)
    assert box_loss(sides, wanted).item() == pytest.approx(0, abs=1e-5)
    assert box_loss(sides + 8, wanted).item() > 0.2


def test_images_without_people_teach_no_box():
    sides = torch.ones(2, 4, 16, 20, requires_grad=True)
    box_loss(sides, targets([NOBODY, NOBODY], [NOBODY, NOBODY], 128, 160)).backward()
    assert sides.grad is not None
    assert sides.grad.abs().sum() == 0
