"""The commands of both programs, a line each: dispatch, help and suggestions are made from these tables."""

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from remix_track.errors import InputError
from remix_track.setting_values import nearest

_LONGEST_USAGE = 38
_LONGEST_SHOWN = 80


class Command(NamedTuple):
    """A command of a program.

    Attributes:
        module: below `remix_track.cli`; its `run` takes the words after the command and returns the exit code.
        usage: an example of what follows the program's name.
        about: what it does, in a line.
    """

    module: str
    usage: str
    about: str


REMIX_TRACK = {
    "track": Command("track", "video.mp4 [options]", "track a video: annotated video, MOT text, summary (below)"),
    "eval": Command("eval", "eval --mot17 [ROOT]", "MOTA, IDF1, IDsw and HOTA, per sequence and COMBINED"),
    "demo": Command("demo", "demo", "a drawn street, tracked and scored; needs no data"),
    "adapt": Command("adapt", "adapt footage/*.mp4", "weights for your own cameras, without labels"),
    "calibrate": Command("calibrate", "calibrate footage.mp4", "the tracker's threshold from your own footage"),
    "tune": Command("tune", "tune --data ROOT", "the tracker's settings chosen for your own clips"),
    "search": Command("search", "search RUN --like P.jpg", "tracks ranked by similarity to an image"),
    "store": Command("store", "store STORE", "what is in a store of many videos and cameras"),
    "identify": Command("identify", "identify --store S", "one number for a person over a store's cameras"),
    "people": Command("people", "people --store S", "who is in a store: names, tracklets, cameras, times"),
    "enrol": Command("enrol", "enrol NAME P.jpg --store S", "a name for the person whom images show"),
    "correct": Command("correct", "correct STORE merge 3 8", "people of a store merged, split, named, rejected; undo"),
    "forget": Command("forget", "forget PERSON --store S", "people out of a store, with all that is kept of them"),
    "view": Command("view", "view STORE | RUN ...", "people in a browser: who, when, where, how sure"),
    "count": Command("count", "count RUN --zones Z.toml", "who crosses lines and stays in zones, by the hour"),
    "draw": Command("draw", "draw RUN --blur heads", "a run's video drawn anew, without networks; people hidden"),
    "export": Command("export", "export RUN --to cvat", "tracks for an annotation tool to correct"),
    "import": Command("import_tracks", "import FILE --run RUN", "the corrected tracks, as ground truth for eval"),
    "completion": Command("completion", "completion bash", "Tab completion: source <(remix-track completion bash)"),
}
REMIX_TRAIN = {
    "average": Command("train_average", "average A B -o C", "the mean of several weights as one file"),
    "detector": Command("train_detector", "detector --config F.toml", "a small person detector for --detector"),
    "eval": Command("train_eval", "eval --weights W ...", "Rank-1, mAP and mINP on a labelled set"),
    "export": Command("train_export", "export W --format onnx", "weights for other runtimes"),
    "grid": Command("train_grid", "grid configs/grid_cpu.toml", "studies: many trainings, tables, plots"),
    "harvest": Command("train_harvest", "harvest OUT footage/*.mp4", "crops of people from raw videos"),
    "import": Command("train_import", "import FILE.pth", "weights of Torchreid or LUPerson as ours"),
    "synthesize": Command("train_synthesize", "synthesize OUT", "drawn people to train on"),
}
CALLED_ELSEWHERE = {
    "benchmark": "eval",
    "evaluate": "eval",
    "generate": "track",
    "predict": "track",
    "reid": "search",
    "test": "eval",
    "train": "remix-train",
    "tracking": "track",
    "val": "eval",
    "validate": "eval",
}
"""Commands of other tools, and which one does that here."""


def run_command(command: Command, words: Sequence[str]) -> int:
    """Run it; its exit code."""
    return int(import_module(f"remix_track.cli.{command.module}").run(words))


def help_lines(program: str, commands: Mapping[str, Command]) -> str:
    """A line for each command, for the program's help."""
    lines = [f"{program} {one.usage}".ljust(_LONGEST_USAGE) + f" {one.about}" for one in commands.values()]
    return "\n".join([*lines, f"{program} COMMAND --help".ljust(_LONGEST_USAGE) + " the flags of a command", "", ""])


def refuse_unknown(program: str, word: str, commands: Mapping[str, Command]) -> None:
    """Refuse a first word that reads like a command, is none, and is no file either.

    Raises:
        InputError: with the nearest command, or the one that does what other tools call so.
    """
    if word in commands or not re.fullmatch(r"[a-z][a-z_-]{2,}", word) or Path(word).exists():
        return
    unknown = f"unknown command {word[:_LONGEST_SHOWN]}, and no file is called so"
    meant = _meant(program, word)
    raise InputError(f"{unknown}{f'; did you mean {meant}?' if meant else ';'} see {program} --help")


def _meant(program: str, word: str) -> str | None:
    """The nearest command of this program, of other tools, or of our other program; None where none is near."""
    both = {"remix-track": REMIX_TRACK, "remix-train": REMIX_TRAIN}
    known = [*both[program], *CALLED_ELSEWHERE, *REMIX_TRACK, *REMIX_TRAIN]
    near = nearest(word, known, cutoff=0.6)
    if near is None:
        return None
    name = near if near in both[program] else CALLED_ELSEWHERE.get(near, near)
    owner = program if name in both[program] else next((one for one in both if name in both[one]), None)
    return f"{owner} {name}" if owner else name
