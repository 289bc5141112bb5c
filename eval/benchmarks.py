"""What counts, and how it is matched: the rules of each benchmark and the three protocols."""

from dataclasses import dataclass
from typing import Literal

_MOT_CLASSES = frozenset(range(1, 14))


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rows of a benchmark's ground truth count.

    Attributes:
        name: the preset's name.
        title: the benchmark's name in prose.
        prefix: what the names of its sequences begin with, where they have something in common.
        person_class: the class in the eighth column that counts; None where that column is no class and the flag
            in the seventh column (0: does not count) decides alone.
        distractors: classes on which a result is neither right nor wrong; results matched to them are dropped.
        classes: the classes that may occur; anything else means that the file is not of this benchmark.
    """

    name: str
    title: str
    prefix: str | None = None
    person_class: int | None = None
    distractors: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()


def _with_classes(name: str, title: str, prefix: str | None, *distractors: int) -> Rules:
    return Rules(name, title, prefix, 1, frozenset(distractors), _MOT_CLASSES)


# 2 person on vehicle, 7 static person, 8 distractor, 12 reflection; MOT20 adds 6 non-motorised vehicle
# (TrackEval 1.3.0, MotChallenge2DBox.get_preprocessed_seq_data). DanceTrack and SportsMOT are scored with the rules
# of MOT17, as their authors do; their ground truth holds class 1 only.
PRESETS: dict[str, Rules] = {
    rules.name: rules
    for rules in (
        Rules("mot15", "MOT15"),
        _with_classes("mot16", "MOT16", "MOT16-", 2, 7, 8, 12),
        _with_classes("mot17", "MOT17", "MOT17-", 2, 7, 8, 12),
        _with_classes("mot20", "MOT20", "MOT20-", 2, 6, 7, 8, 12),
        _with_classes("dancetrack", "DanceTrack", "dancetrack", 2, 7, 8, 12),
        _with_classes("sportsmot", "SportsMOT", None, 2, 7, 8, 12),
        Rules("data", "own data"),
    )
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """How results are prepared and matched.

    Attributes:
        name: what `--protocol` calls it.
        remove_distractors: drop results matched to distractors and count only the person class; without it the
            flag in the seventh column decides alone (TrackEval with DO_PREPROC off).
        matching: `devkit` prefers a match of the previous frame and then the greatest total IoU; MT means more than
            80 % of a life. `motmetrics` keeps any earlier match as long as its boxes overlap enough, and then
            matches as many pairs as it can at the least total distance; MT means 80 % or more.
        description: one line for the caption of a table.
    """

    name: str
    remove_distractors: bool
    matching: Literal["devkit", "motmetrics"]
    description: str


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("devkit", True, "devkit", "official devkit, as TrackEval 1.3.0; results on distractors removed"),
        Protocol("motmetrics", True, "motmetrics", "matching of motmetrics 1.4.0; results on distractors removed"),
        Protocol("raw", False, "devkit", "as TrackEval 1.3.0 without preprocessing; distractors not removed"),
    )
}
