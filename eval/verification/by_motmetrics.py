"""A matched sequence counted again by motmetrics.

Its accumulator and its measures do the work; only the IoU is handed in, because `distances.iou_matrix` of the release
needs a numpy before 2. Under the protocol `motmetrics` it matches by itself. Under the others who is matched with whom
is the rule of the devkit, which it does not have: it is handed the pairs that were chosen, and counts them.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.eval.benchmarks import Protocol
from remix_track.eval.matching.match import Match

_CLEAR = {
    "MOTA": "mota", "MOTP": "motp", "IDsw": "num_switches", "FP": "num_false_positives", "FN": "num_misses",
    "TP": "num_detections", "Recall": "recall", "Precision": "precision", "Dets": "num_predictions",
    "GT_Dets": "num_objects", "GT_IDs": "num_unique_objects",
}  # fmt: skip
_RULES_OF_ITS_OWN = {
    "MT": "mostly_tracked", "PT": "partially_tracked", "ML": "mostly_lost", "Frag": "num_fragmentations",
}  # fmt: skip
"""80 % and more is mostly tracked, and a person who leaves breaks no stretch: otherwise under the devkit."""
_IDENTITY = {
    "IDF1": "idf1", "IDP": "idp", "IDR": "idr", "IDTP": "idtp", "IDFP": "idfp", "IDFN": "idfn",
}  # fmt: skip
_RATIOS = frozenset({"mota", "motp", "recall", "precision", "idf1", "idp", "idr"})


def recount(matches: Mapping[str, Match], protocol: Protocol) -> dict[str, dict[str, float]]:
    """The numbers of motmetrics for each sequence and COMBINED."""
    import motmetrics

    own = protocol.matching == "motmetrics"
    numbers: dict[str, dict[str, float]] = {name: {} for name in (*matches, "COMBINED")}
    with motmetrics.lap.set_default_solver("scipy"):
        for names, chosen_only in ((_CLEAR | (_RULES_OF_ITS_OWN if own else {}), not own), (_IDENTITY, False)):
            partials = {name: _counted(match, chosen_only, list(names.values())) for name, match in matches.items()}
            for name, found in (*partials.items(), ("COMBINED", _together(list(partials.values()), names.values()))):
                numbers[name] |= {ours: _as_ours(theirs, found[theirs]) for ours, theirs in names.items()}
    return numbers


def _counted(match: Match, chosen_only: bool, metrics: list[str]) -> dict[str, Any]:
    """What motmetrics counts in a sequence, with the parts that it needs to add sequences up."""
    import motmetrics

    accumulator = motmetrics.MOTAccumulator()
    for frame, gt_ids, result_ids, distance in _frames(match, chosen_only):
        accumulator.update(gt_ids, result_ids, distance, frameid=frame)
    found: dict[str, Any] = motmetrics.metrics.create().compute(
        accumulator, metrics=metrics, return_dataframe=False, return_cached=True
    )
    return found


def _together(partials: list[dict[str, Any]], metrics: Any) -> dict[str, float]:
    """Its numbers of all sequences together."""
    import motmetrics

    host = motmetrics.metrics.create()
    found: dict[str, float] = host.compute_overall(partials, metrics=list(metrics), return_dataframe=False)
    if "motp" in found:
        # Its sum is nan as soon as one sequence has no match, whose mean distance is nan.
        matched = [partial for partial in partials if partial["num_detections"]]
        motp = host.compute_overall(matched, metrics=["motp"], return_dataframe=False) if matched else {}
        found["motp"] = motp.get("motp", math.nan)
    return found


def _as_ours(name: str, value: float) -> float:
    if name == "motp":
        value = 1 - value
    # A negative number over 0 is -inf there.
    return (100 * float(value) if math.isfinite(value) else math.nan) if name in _RATIOS else int(value)


def _frames(match: Match, chosen_only: bool) -> Iterator[tuple[int, Any, Any, NDArray[np.float64]]]:
    """Frame number, ids of n people, ids of m results, and (n, m) distances 1 - IoU, nan where no pair is possible."""
    import motmetrics

    gt, results = match.gt, match.results
    for frame in np.union1d(gt.frame, results.frame):
        here = slice(*np.searchsorted(gt.frame, [frame, frame + 1]))
        there = slice(*np.searchsorted(results.frame, [frame, frame + 1]))
        truth, found = gt[here], results[there]
        distance = np.full((len(truth), len(found)), np.nan)
        if distance.size:
            iou = motmetrics.distances.boxiou(truth.tlwh[:, None], found.tlwh[None])
            distance = _possible(iou, match.protocol)
        if chosen_only:
            chosen = match.match[here, None] == np.arange(there.start, there.stop)
            distance = np.where(chosen, 1 - iou if distance.size else distance, np.nan)
        yield int(frame), truth.id, found.id, distance


def _possible(iou: NDArray[np.float64], protocol: Protocol) -> NDArray[np.float64]:
    close = 1 - iou <= 0.5 if protocol.matching == "motmetrics" else iou >= 0.5
    return np.where(close, 1 - iou, np.nan)
