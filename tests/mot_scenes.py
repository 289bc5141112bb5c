"""Random scenes for the evaluation's tests, and what TrackEval 1.3.0 says of them."""

import math
from typing import Any

import numpy as np

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.hota import ALPHAS
from remix_track.eval.metrics.score import Score
from remix_track.eval.verification import by_trackeval
from remix_track.mot_text import MotRows

KINDS = ("walk", "grid", "crowd", "sparse", "single frame", "no gt", "no results", "nothing", "tied crowd")


def mot_rows(frame, ids, tlwh, flag=None, class_id=None) -> MotRows:
    """Rows as a reader would give them."""
    count = len(frame)
    return MotRows(
        np.array(frame, np.int64).reshape(count),
        np.array(ids, np.int64).reshape(count),
        np.array(tlwh, np.float64).reshape(count, 4),
        np.ones(count) if flag is None else np.array(flag, np.float64),
        np.ones(count, np.int64) if class_id is None else np.array(class_id, np.int64),
        np.ones(count),
        np.arange(1, count + 1),
    )


def scene(seed: int, *, distractors: bool = False) -> tuple[MotRows, MotRows, int]:
    """Ground truth, results and number of frames; the kind of scene goes round with the seed.

    `grid` and `tied crowd` put boxes on a coarse grid, so that boxes coincide and sums tie; in a crowd most overlap.
    """
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    frames = 1 if kind == "single frame" else int(rng.integers(2, 25))
    people = int(rng.integers(8, 20)) if "crowd" in kind else int(rng.integers(1, 8))
    room = {"grid": 60, "tied crowd": 120, "crowd": 120, "sparse": 2000}.get(kind, 300)
    present = 0.3 if kind == "sparse" else 0.85
    truth, found = [], []
    place = rng.uniform(0, room, (people, 2))
    size = rng.uniform(30, 60, (people, 2))
    track_of = rng.permutation(people) + 1
    for frame in range(1, frames + 1):
        if rng.random() < 0.1:
            continue
        place += rng.normal(0, 4, place.shape)
        if rng.random() < 0.25:
            one, other = rng.integers(people, size=2)
            track_of[[one, other]] = track_of[[other, one]]
        seen = rng.random() < 0.9
        used: set[int] = set()
        for person in range(people):
            box = np.concatenate([place[person], size[person]])
            jitter = box + rng.normal(0, rng.choice([0, 2, 8]), 4)
            if kind in ("grid", "tied crowd"):
                box, jitter = np.round(box / 10) * 10, np.round(jitter / 10) * 10
            if rng.random() < present:
                truth.append((frame, person * 3 + 2, *box))
            if seen and rng.random() < 0.8:
                found.append((frame, track_of[person], *np.concatenate([jitter[:2], np.maximum(jitter[2:], 5)])))
                used.add(int(track_of[person]))
        if rng.random() < 0.4:
            found.append((frame, people + int(rng.integers(1, 5)), *rng.uniform(0, room, 2), 40, 40))
    truth = [] if kind in ("no gt", "nothing") else truth
    found = [] if kind in ("no results", "nothing") else found
    order = rng.permutation(len(truth))
    gt = np.array(truth, float).reshape(-1, 6)[order]
    results = np.array(found, float).reshape(-1, 6)[rng.permutation(len(found))]
    flag, class_id = np.ones(len(gt)), np.ones(len(gt))
    if distractors:
        class_of = rng.choice([1, 1, 1, 2, 3, 6, 7, 8, 12, 13], people + 1)
        class_id = class_of[(gt[:, 1].astype(int) - 2) // 3]
        flag = ((class_id == 1) & (rng.random(len(gt)) < 0.9)).astype(float)
    return (
        mot_rows(gt[:, 0], gt[:, 1], gt[:, 2:], flag, class_id),
        mot_rows(results[:, 0], results[:, 1], results[:, 2:]),
        frames,
    )


def trackeval_data(gt: MotRows, results: MotRows, frames: int, rules: str, protocol: str = "devkit") -> dict[str, Any]:
    """The data of one sequence after TrackEval's own preprocessing, without files."""
    return by_trackeval.prepared(gt, results, frames, PRESETS[rules], PROTOCOLS[protocol])


def trackeval_fields(data: dict[str, Any]) -> dict[str, Any]:
    """Every field of TrackEval's HOTA, CLEAR, Identity and Count for one sequence."""
    return {key: value for metric in by_trackeval.metrics() for key, value in metric.eval_sequence(data).items()}


def our_fields(score: Score) -> dict[str, Any]:
    """Our numbers under TrackEval's names."""
    clear, identity, hota, counts = score.clear, score.identity, score.hota, score.counts
    people = clear.people or math.nan
    return {
        "CLR_TP": clear.tp, "CLR_FN": clear.fn, "CLR_FP": clear.fp, "IDSW": clear.switches,
        "MT": clear.mostly_tracked, "PT": clear.partly_tracked, "ML": clear.mostly_lost, "Frag": clear.fragments,
        "CLR_Frames": clear.frames, "MOTP_sum": clear.iou_sum, "MOTA": clear.mota, "MOTP": clear.motp,
        "MODA": clear.moda, "CLR_Re": clear.recall, "CLR_Pr": clear.precision, "sMOTA": clear.smota,
        "CLR_F1": clear.f1, "FP_per_frame": clear.fp_per_frame, "MOTAL": clear.motal,
        "MTR": clear.mostly_tracked / people, "PTR": clear.partly_tracked / people, "MLR": clear.mostly_lost / people,
        "IDTP": identity.idtp, "IDFN": identity.idfn, "IDFP": identity.idfp,
        "IDF1": identity.idf1, "IDR": identity.idr, "IDP": identity.idp,
        "HOTA_TP": hota.tp, "HOTA_FN": hota.fn, "HOTA_FP": hota.fp, "HOTA": hota.hota, "DetA": hota.deta,
        "AssA": hota.assa, "DetRe": hota.detre, "DetPr": hota.detpr, "AssRe": hota.assre, "AssPr": hota.asspr,
        "LocA": hota.loca, "OWTA": hota.owta, "HOTA(0)": hota.hota[0], "LocA(0)": hota.loca[0],
        "HOTALocA(0)": hota.hota[0] * hota.loca[0],
        "Dets": counts.dets, "GT_Dets": counts.gt_dets, "IDs": counts.ids, "GT_IDs": counts.gt_ids,
    }  # fmt: skip


def undefined(score: Score) -> set[str]:
    """The fields that are 0/0 and so nan for us, where TrackEval fills in 0 or 1; found from the counts alone."""
    gt, dets, tp = score.counts.gt_dets, score.counts.dets, score.clear.tp
    names: set[str] = set()
    if not gt:
        names |= {"MOTA", "MODA", "CLR_Re", "sMOTA", "MOTAL", "MTR", "PTR", "MLR", "IDR", "DetRe", "OWTA"}
    if not dets:
        names |= {"CLR_Pr", "IDP", "DetPr"}
    if not gt and not dets:
        names |= {"IDF1", "CLR_F1", "HOTA", "DetA", "HOTA(0)"}
    if not tp:
        names |= {"MOTP"}
    if not score.hota.tp[0]:
        names |= {"AssA", "AssRe", "AssPr", "LocA", "LocA(0)", "HOTALocA(0)"}
    return names


def assert_same(score: Score, expected: dict[str, Any], where: str) -> None:
    """Every field equals TrackEval's to 1e-10; what is 0/0 is nan here, and nothing else is."""
    empty = not score.counts.gt_dets or not score.counts.dets
    for name, value in our_fields(score).items():
        if name in undefined(score):
            assert np.isnan(value).all(), f"{where}: {name} is {value}, but nothing defines it"
        elif empty and name in {"CLR_Frames", "CLR_F1", "FP_per_frame"}:
            continue  # TrackEval returns early on empty sequences and leaves these 0
        else:
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-10, err_msg=f"{where}: {name}")
    if not empty:
        assert len(np.atleast_1d(expected["HOTA"])) == len(ALPHAS)
