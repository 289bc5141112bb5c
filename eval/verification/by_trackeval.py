"""A sequence counted again by TrackEval, from the rows of the files on: its own preprocessing, matching and measures.

TrackEval gives 0 or 1 where a number is 0/0; here that is nan, told from its own counts.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from remix_track.eval.benchmarks import Protocol, Rules
from remix_track.eval.evaluation import SequenceRows
from remix_track.extras import extra
from remix_track.mot_text import MotRows

_CLASSES = (
    "pedestrian", "person_on_vehicle", "car", "bicycle", "motorbike", "non_mot_vehicle", "static_person",
    "distractor", "occluder", "occluder_on_ground", "occluder_full", "reflection", "crowd",
)  # fmt: skip
_COUNTS = {"Dets": "Dets", "GT_Dets": "GT_Dets", "IDs": "IDs", "GT_IDs": "GT_IDs"}
_OF_THE_DEVKIT = {
    "IDsw": "IDSW", "FP": "CLR_FP", "FN": "CLR_FN", "TP": "CLR_TP", "MT": "MT", "PT": "PT", "ML": "ML", "Frag": "Frag",
    "IDTP": "IDTP", "IDFP": "IDFP", "IDFN": "IDFN",
}  # fmt: skip
_RATIOS = {
    "HOTA": ("HOTA", "either"), "DetA": ("DetA", "either"), "AssA": ("AssA", "any match"),
    "LocA": ("LocA", "any match"), "DetRe": ("DetRe", "GT_Dets"), "DetPr": ("DetPr", "Dets"),
    "AssRe": ("AssRe", "any match"), "AssPr": ("AssPr", "any match"),
}  # fmt: skip
_RATIOS_OF_THE_DEVKIT = {
    "MOTA": ("MOTA", "GT_Dets"), "MOTP": ("MOTP", "CLR_TP"), "Recall": ("CLR_Re", "GT_Dets"),
    "Precision": ("CLR_Pr", "Dets"), "IDF1": ("IDF1", "either"), "IDP": ("IDP", "Dets"), "IDR": ("IDR", "GT_Dets"),
}  # fmt: skip
"""Each with what it is divided by: where that is 0, there is no number."""


def recount(rows: Mapping[str, SequenceRows], rules: Rules, protocol: Protocol) -> dict[str, dict[str, float]]:
    """The numbers of TrackEval for each sequence and COMBINED; under `motmetrics` those that no matching decides."""
    fields: dict[str, dict[str, Any]] = {name: {} for name in (*rows, "COMBINED")}
    data = {name: prepared(*each, rules, protocol) for name, each in rows.items()}
    for metric in metrics():
        found = {name: metric.eval_sequence(each) for name, each in data.items()}
        for name, values in (*found.items(), ("COMBINED", metric.combine_sequences(found))):
            fields[name] |= values
    return {name: _as_ours(values, protocol) for name, values in fields.items()}


def metrics() -> list[Any]:
    """TrackEval's metrics, silent."""
    metrics = extra("trackeval.metrics", "verify", "recounting with TrackEval")
    quiet = {"PRINT_CONFIG": False}
    return [metrics.HOTA(), metrics.CLEAR(quiet), metrics.Identity(quiet), metrics.Count()]


def prepared(gt: MotRows, results: MotRows, frames: int, rules: Rules, protocol: Protocol) -> dict[str, Any]:
    """The data of one sequence after TrackEval's own preprocessing, without files."""
    data_sets = extra("trackeval.datasets", "verify", "recounting with TrackEval")
    # Its constructor wants folders; what the preprocessing looks at is this.
    dataset: Any = object.__new__(data_sets.MotChallenge2DBox)
    dataset.benchmark = "MOT15" if rules.person_class is None else rules.name.upper()
    dataset.do_preproc = protocol.remove_distractors
    dataset.class_name_to_class_id = {name: number for number, name in enumerate(_CLASSES, 1)}
    dataset.valid_class_numbers = list(range(1, len(_CLASSES) + 1))
    gt, results = (each[np.argsort(each.frame, kind="stable")] for each in (gt, results))
    here, there = ([slice(a, b) for a, b in pairwise(_starts(each, frames))] for each in (gt, results))
    # It makes tables as long as the greatest id.
    person, track = (np.unique(each.id, return_inverse=True)[1] for each in (gt, results))
    raw = {
        "num_timesteps": frames, "seq": "sequence",
        "gt_ids": [person[part] for part in here],
        "gt_dets": [gt.tlwh[part] for part in here],
        "gt_classes": [gt.class_id[part] for part in here],
        # A flag between 0 and 1 counts.
        "gt_extras": [{"zero_marked": (gt.score[part] != 0).astype(int)} for part in here],
        "tracker_ids": [track[part] for part in there],
        "tracker_dets": [results.tlwh[part] for part in there],
        # What class a result states is not looked at: those that count were chosen when the file was read.
        "tracker_classes": [np.ones(part.stop - part.start, int) for part in there],
        "tracker_confidences": [results.score[part] for part in there],
        "similarity_scores": [
            dataset._calculate_similarities(gt.tlwh[truth], results.tlwh[found])
            for truth, found in zip(here, there, strict=True)
        ],
    }  # fmt: skip
    data: dict[str, Any] = dataset.get_preprocessed_seq_data(raw, "pedestrian")
    return data


def _starts(rows: MotRows, frames: int) -> list[int]:
    """(frames + 1) where each frame begins in rows sorted by frame, and where the last one ends."""
    starts: list[int] = np.searchsorted(rows.frame, np.arange(1, frames + 2)).tolist()
    return starts


def _as_ours(fields: Mapping[str, Any], protocol: Protocol) -> dict[str, float]:
    devkit = protocol.matching == "devkit"
    wholes = {
        "GT_Dets": fields["GT_Dets"], "Dets": fields["Dets"], "either": fields["GT_Dets"] + fields["Dets"],
        "CLR_TP": fields["CLR_TP"], "any match": fields["HOTA_TP"][0],
    }  # fmt: skip
    counts = _COUNTS | (_OF_THE_DEVKIT if devkit else {})
    ratios = _RATIOS | (_RATIOS_OF_THE_DEVKIT if devkit else {})
    return {ours: int(fields[theirs]) for ours, theirs in counts.items()} | {
        ours: 100 * float(np.mean(fields[theirs])) if wholes[whole] else math.nan
        for ours, (theirs, whole) in ratios.items()
    }
