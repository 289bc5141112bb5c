"""How far two results of one clip agree, without ground truth: those of a tracker that ran forwards and backwards.

Who is followed well is found by both runs as one person; a switch, a broken track or a false alarm of one run is seldom
repeated by the other, which meets the same frames in another order.
"""

from dataclasses import replace

import numpy as np

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import score_sequence
from remix_track.mot_text import MotRows


def agreement(forwards: MotRows, backwards: MotRows, frames: int, sure: int) -> float:
    """The share of boxes that both runs give to one person, 0 to 100.

    Tracks of the two runs are assigned one to one, as IDF1 does. The whole is the mean number of their boxes, but at
    least `sure`: else a tracker that reports little would agree with itself best.

    Args:
        forwards: results of the clip.
        backwards: results of the clip run from its end, with frames numbered as in `forwards`.
        frames: number of frames.
        sure: detections of high score in the clip.
    """
    if not len(forwards) or not len(backwards):
        return 0.0
    one = replace(forwards, score=np.ones(len(forwards)))  # every row counts
    identity = score_sequence(one, backwards, PRESETS["data"], PROTOCOLS["raw"], frames).score.identity
    return 100 * identity.idtp / max(sure, (len(forwards) + len(backwards)) / 2)
