"""Flags of other tools, as people type them: taken as ours, or answered with ours in a line.

The tables are for those who come from ultralytics, BoxMOT, trackers, TrackEval and Deep SORT's own scripts;
`docs/guide/coming-from.md` shows them by tool.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from remix_track.cli.terminal import say
from remix_track.errors import InputError

_WEIGHTS = (".pt", ".pth", ".onnx", ".xml", ".safetensors", ".engine")
_LONGEST = 80
_LISTS = ("--classes", "--sequences", "--mean", "--std")


@dataclass(frozen=True, slots=True)
class Ours:
    """A flag of ours stands in its place; a value that follows stays where it is.

    Attributes:
        words: of ours; none: the value alone, which is a source.
    """

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Needless:
    """What it asks for happens anyway: it is left out, with the values that follow it, and said.

    Attributes:
        why: it is needless.
        values: of it that are left out at most.
        off: our flag for the opposite, which `flag=False` asks for; none: that happens anyway.
    """

    why: str
    values: int = 0
    off: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of ours does quite the same.

    Attributes:
        instead: what to do.
    """

    instead: str


Habit = Ours | Needless | Refused
_SOURCE = Ours()
_VIDEO = Needless("video.mp4 is written unless --no-video", off="--no-video")
_SCORES = Needless("tracks.txt has every score")

TRACK: Mapping[str, Habit] = {
    "--source": _SOURCE,
    "--input": _SOURCE,
    "--sequence-dir": _SOURCE,
    "--model": Ours(("--detector",)),
    "--yolo-model": Ours(("--detector",)),
    "--detection-file": Ours(("--detector",)),
    "--reid-model": Ours(("--weights",)),
    "--tracking-method": Ours(("--tracker",)),
    "--tracker-type": Ours(("--tracker",)),
    "--conf": Ours(("--min-confidence",)),
    "--conf-thres": Ours(("--min-confidence",)),
    "--confidence": Ours(("--min-confidence",)),
    "--model.confidence": Ours(("--min-confidence",)),
    "--model.device": Ours(("--device",)),
    "--track-buffer": Ours(("--max-age",)),
    "--tracker.lost-track-buffer": Ours(("--max-age",)),
    "--iou-thres": Ours(("--iou",)),
    "--img-size": Ours(("--imgsz",)),
    "--half": Ours(("--detector-precision", "fast")),
    "--vid-stride": Ours(("--stride",)),
    "--save-crop": Ours(("--crops",)),
    "--save-crops": Ours(("--crops",)),
    "--nosave": Ours(("--no-video",)),
    "--no-save": Ours(("--no-video",)),
    "--display": Ours(("--show",)),
    "--view-img": Ours(("--show",)),
    "--exist-ok": Ours(("--overwrite",)),
    "--line-thickness": Ours(("--line-width",)),
    "--show-labels": Ours(("--labels",)),
    "--hide-labels": Ours(("--no-labels",)),
    "--show-boxes": Ours(("--boxes",)),
    "--show-conf": Ours(("--scores",)),
    "--hide-conf": Ours(("--no-scores",)),
    "--show-trajectories": Ours(("--trails",)),
    "--save": _VIDEO,
    "--save-vid": _VIDEO,
    "--save-txt": Needless("tracks.txt is always written"),
    "--save-mot": Needless("tracks.txt is always written"),
    "--mot-output": Refused("tracks.txt in the folder --output DIR is MOT text"),
    "--output-file": Refused("tracks.txt in the folder --output DIR is MOT text"),
    "--save-conf": _SCORES,
    "--verbose": Needless("progress and a table are shown unless --quiet", off="--quiet"),
    "--stream": Needless("frames are always taken one by one"),
    "--persist": Needless("tracks go on from frame to frame"),
    "--save-frames": Refused("video.mp4 has the frames; --crops writes an image of each person"),
    "--per-class": Needless("a track has one class unless --no-match-classes"),
    "--agnostic-nms": Refused("boxes are merged by class; --nms-max-overlap 0.7 merges what is left of any class"),
    "--max-det": Refused("up to 2,000 boxes of a frame are taken, those with the highest scores"),
    "--batch": Refused("frames are tracked one after another, several sources at a time; leave it out"),
}
"""What people type for `remix-track`."""

EVAL: Mapping[str, Habit] = {
    "--gt": Ours(("--data",)),
    "--gt-dir": Ours(("--data",)),
    "--gt-folder": Ours(("--data",)),
    "--source": Ours(("--data",)),
    "--tracker-dir": Ours(("--results",)),
    "--trackers-folder": Ours(("--results",)),
    "--trackers-to-eval": Ours(("--results",)),
    "--model": Ours(("--detector",)),
    "--conf": Ours(("--min-confidence",)),
    "--reid-model": Ours(("--weights",)),
    "--tracking-method": Ours(("--tracker",)),
    "--num-parallel-cores": Ours(("--jobs",)),
    "--metrics": Needless("HOTA, CLEAR and Identity are always counted", values=9),
    "--use-parallel": Needless("sequences are counted at the same time", values=1),
    "--columns": Needless("the table has the usual columns; --json, --csv have all", values=99),
    "--benchmark": Refused("the benchmark is a flag of its own: --mot17 ROOT, --dancetrack ROOT, --data ROOT"),
    "--split-to-eval": Refused("ROOT is the folder of the split, such as MOT17/train; --split val-half takes halves"),
    "--classes-to-eval": Refused("pedestrians count in MOT benchmarks; --data ROOT --classes 1 2 says others"),
    "--do-preproc": Refused("--protocol says what is removed before counting; see --help-all"),
}
"""What people type for `remix-track eval`."""

TRACKERS: Mapping[str, str] = {
    "sort": "remix without appearance is its successor: --weights none",
    "bytetrack": "remix has its second pass over low scores (--low-score); without appearance: --weights none",
    "botsort": "remix has what it adds, camera motion (--camera-motion) and appearance beside overlap, by default",
    "ocsort": "remix without appearance is nearest: --weights none; gaps are filled by --offline",
    "deepocsort": "remix has camera motion and appearance; gaps are filled by --offline",
    "strongsort": "remix has camera motion and a mean vector per track; its linking and filling are --offline",
    "deepsort": "it is called deep-sort: --tracker deep-sort",
    "hybridsort": "remix has low scores and appearance in one cost (--low-score, --appearance-weight)",
    "boosttrack": "remix has low scores, camera motion and appearance",
    "imprassoc": "remix has low scores, camera motion and appearance",
    "cbiou": "remix without appearance is nearest: --weights none",
    "tracktrack": "remix has low scores, camera motion and appearance",
}
"""Trackers that are none of ours, without dashes, and what remix has of each."""


def ours(words: Sequence[str], habits: Mapping[str, Habit], known: Collection[str]) -> list[str]:
    """The words of a command line with our flags where those of other tools stand.

    `max_age` is written `--max-age` here; `key=value` words, as ultralytics has them, are flags where there is such a
    flag and no such file.

    Args:
        words: as they were given, without the command.
        habits: `TRACK` or `EVAL`.
        known: the flags that there are.

    Raises:
        InputError: a flag that is answered rather than taken, or a tracker that is none of ours.
    """
    end = list(words).index("--") if "--" in words else len(words)
    left = [word for one in words[:end] for word in _split(one, habits, known)]
    made: list[str] = []
    sources: list[str] = []
    while left:
        flag = _spelled(left.pop(0), habits, known)
        habit = habits.get(flag)
        if isinstance(habit, Refused):
            raise InputError(f"{flag}: {habit.instead}")
        if isinstance(habit, Needless):
            _leave_out(left, habit.values)
            say(f"remix-track: note: {flag} is not needed: {habit.why}")
        elif habit == _SOURCE:
            # To the front, as behind a list such as `--classes 0` it would become a class.
            sources += [left.pop(0)] if left else []
        else:
            made += habit.words if isinstance(habit, Ours) else [flag]
    if "--jsonl" in made[:-1] and made[made.index("--jsonl") + 1] == "-":
        place = made.index("--jsonl")
        made[place : place + 2] = ["--jsonl-out"]
    return [*sources, *_values(made), *words[end:]]


def _split(word: str, habits: Mapping[str, Habit], known: Collection[str]) -> list[str]:
    """`--flag=value` of another tool, and `flag=value`, as two words or as a switch."""
    name, equals, value = word.partition("=")
    flag = _spelled(name, habits, known)
    if equals and flag in habits:
        return _pair(flag, value, habits, known)
    if equals and re.fullmatch("[a-z_]+", name) and not Path(word).exists():
        flag = _spelled(f"--{name}", habits, known)
        if flag in habits or flag in known:
            return _pair(flag, value, habits, known)
    return [word]


def _pair(flag: str, value: str, habits: Mapping[str, Habit], known: Collection[str]) -> list[str]:
    if value in ("True", "true"):
        return [flag]
    if value in ("False", "false"):
        return _off(flag, habits, known)
    if value == "None":
        return []
    several = re.fullmatch(r"[\[(](.*)[\])]", value)
    # A comma alone may be part of a file's name.
    return [flag, *several[1].split(",")] if several else [flag, *(value.split(",") if flag in _LISTS else [value])]


def _off(flag: str, habits: Mapping[str, Habit], known: Collection[str]) -> list[str]:
    """The flag for the opposite of a switch; none where that is what happens without any."""
    habit = habits.get(flag)
    if isinstance(habit, Needless):
        return [habit.off] if habit.off else []
    ours = habit.words[0] if isinstance(habit, Ours) and habit.words else flag
    other = f"--{ours.removeprefix('--no-')}" if ours.startswith("--no-") else f"--no-{ours.removeprefix('--')}"
    return [other] if other in known else []


def _spelled(flag: str, habits: Mapping[str, Habit], known: Collection[str]) -> str:
    """A flag with dashes and in small letters where only so it is one."""
    if not flag.startswith("--") or flag in known:
        return flag
    written = flag.replace("_", "-").lower()
    return written if written in habits or written in known else flag


def _leave_out(words: list[str], most: int) -> None:
    while words and most and not words[0].startswith("--"):
        words.pop(0)
        most -= 1


def _values(words: list[str]) -> list[str]:
    """The words, where values are meant otherwise elsewhere: the names of trackers, and weights behind `--reid`.

    Raises:
        InputError: a tracker that is none of ours.
    """
    made = list(words)
    for place, (flag, value) in enumerate(zip(words, [*words[1:], ""], strict=False)):
        name = re.sub(r"\.ya?ml$|[-_ ]", "", value.lower())
        if flag == "--tracker" and value != "deep-sort" and name in TRACKERS:
            raise InputError(f"--tracker {value[:_LONGEST]}: {TRACKERS[name]}; leave --tracker out for remix")
        if flag == "--reid" and value.endswith(_WEIGHTS):
            made[place] = "--weights"
    return made
