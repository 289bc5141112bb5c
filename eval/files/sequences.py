"""Where the ground truth lies.

No sequence map is needed: a folder with `gt/gt.txt` in it is a sequence, at any depth that a benchmark's download,
TrackEval's data folder or a flat folder of sequences has.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from remix_track import mot_sequence, mot_text
from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, Rules
from remix_track.eval.files.folders import folders_below
from remix_track.eval.metrics.score import public_detector
from remix_track.mot_sequence import SequenceInfo
from remix_track.setting_values import nearest

_DEPTH = 5  # TrackEval/data/gt/mot_challenge/MOT17-train/SEQ
_DOWNLOADS = {
    "dancetrack": "https://github.com/DanceTrack/DanceTrack",
    "sportsmot": "https://github.com/MCG-NJU/SportsMOT",
}


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence with ground truth.

    Attributes:
        name: the folder's name, which results files are named after.
        folder: the sequence's folder.
        gt: its ground-truth file.
        info: what `seqinfo.ini` says. Its `frames` is never None: where the file is silent or says far more than
            there is, what the pictures give, or else the last frame in ground truth and detections.
        pictures: the folder that holds its pictures, None without any.
        video: the video file in its place, None where there are pictures, no video or several.
        detections: its public detections, `det/det.txt`, None where absent.
        doubt: what to say of its length, None where there is nothing.
    """

    name: str
    folder: Path
    gt: Path
    info: SequenceInfo
    pictures: Path | None = None
    video: Path | None = None
    detections: Path | None = None
    doubt: str | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.info.frames or 0

    @property
    def detector(self) -> str | None:
        """The public detector in the name: `DPM`, `FRCNN`, `SDP`, or None."""
        return public_detector(self.name)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A folder that looks like a sequence and is not scored.

    Attributes:
        folder: the folder.
        reason: why, in a few words.
    """

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under a folder.

    Attributes:
        root: the folder that was searched.
        sequences: the sequences to score, by name; at least one.
        skipped: what was passed over.
    """

    root: Path
    sequences: tuple[Sequence, ...]
    skipped: tuple[Skipped, ...]


def default_root(rules: Rules) -> Path:
    """Where a benchmark is looked for when no folder is given: `REMIX_TRACK_DATA`, `./MOT17`, `./data/MOT17`.

    `REMIX_TRACK_DATA` may be the benchmark's folder or the one that holds it.

    Raises:
        InputError: nothing is there; says where to get it and where to put it.
    """
    named = os.environ.get("REMIX_TRACK_DATA")
    places = [Path(named) / rules.title, Path(named) / rules.name, Path(named)] if named else []
    places += [parent / name for parent in (Path(), Path("data")) for name in (rules.title, rules.name)]
    for place in places:
        if place.is_dir():
            return place
    source = _DOWNLOADS.get(rules.name, f"https://motchallenge.net/data/{rules.title}.zip")
    if rules.name == "data":
        raise InputError("`data` needs a folder: `data` ROOT, where ROOT/SEQUENCE/gt/gt.txt is the ground truth")
    raise InputError(
        f"{rules.title}: not found in {', '.join(str(place) for place in places)}; get it from {source} and unpack "
        f"it to ./data/{rules.title}, or give its folder: `{rules.name}` ROOT"
    )


def find_sequences(root: Path, rules: Rules, *, truth: bool = True) -> Found:
    """Find the sequences with ground truth in `root` or below; without `truth`, also those that have none.

    Of several benchmarks under one folder only the one asked for is taken: where any names begin with its prefix
    (`MOT17-`), those; otherwise all that do not carry another benchmark's prefix. `data` takes everything, and so
    does a `root` that is itself a sequence.

    Raises:
        InputError: no such folder, no sequence with ground truth in it, or a `seqinfo.ini` that cannot be read.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that holds the sequences")
    folders = list(_sequence_folders(root))
    single = folders == [root]
    mine, others = (folders, []) if single else _of_benchmark(folders, rules)
    sequences: dict[str, Sequence] = {}
    skipped = [Skipped(folder, f"not a {rules.title} sequence") for folder in others]
    for folder in sorted(mine, key=lambda folder: (_name(folder), folder)):
        name = _name(folder)
        if truth and not (folder / "gt" / "gt.txt").is_file():
            skipped.append(Skipped(folder, "no gt/gt.txt (a test sequence?)"))
        elif name in sequences:
            skipped.append(Skipped(folder, f"same name as {sequences[name].folder}"))
        else:
            sequences[name] = read_sequence(folder)
    if not sequences:
        why = f"; {len(skipped)} skipped, the first: {skipped[0].folder} ({skipped[0].reason})" if skipped else ""
        raise InputError(
            f"{root}: no {rules.title} sequence with ground truth (SEQUENCE/gt/gt.txt) here or below{why}; "
            "give the folder that holds the sequences"
        )
    return Found(root, tuple(sequences.values()), tuple(skipped))


def choose_sequences(found: Found, names: Iterable[str]) -> Found:
    """The sequences of these names alone; without names all of them.

    A name may be a glob, and `MOT17-02` stands for each of `MOT17-02-DPM`, `MOT17-02-FRCNN`, `MOT17-02-SDP`.

    Raises:
        InputError: a name that fits none; it says the nearest.
    """
    wanted, known = list(names), [sequence.name for sequence in found.sequences]
    for name in wanted:
        if not any(_fits(one, name) for one in known):
            near = nearest(name, known)
            raise InputError(f"`sequences` {name[:80]}: none of the {len(known)} is called so; did you mean {near}?")
    if not wanted:
        return found
    kept = [sequence for sequence in found.sequences if any(_fits(sequence.name, name) for name in wanted)]
    return replace(found, sequences=tuple(kept))


def _fits(sequence: str, name: str) -> bool:
    return sequence == name or fnmatchcase(sequence, name) or sequence.startswith(f"{name}-")


def read_sequence(folder: Path) -> Sequence:
    """The sequence in `folder`, which holds `gt/gt.txt`.

    Raises:
        InputError: a `seqinfo.ini` that cannot be read, or, where the ground truth has to say how many frames there
            are, a ground truth that cannot.
    """
    found = mot_sequence.read_sequence(folder)
    gt, det = folder / "gt" / "gt.txt", folder / "det" / "det.txt"
    texts = [text for text in (gt, det) if text.is_file()]
    frames, doubt = mot_sequence.frames_of(found, lambda: max(map(_last_frame, texts), default=0))
    return Sequence(
        _name(folder),
        folder,
        gt,
        replace(found.info, frames=frames),
        found.image_folder if found.pictures else None,
        found.video,
        det if det in texts else None,
        doubt,
    )


def _last_frame(text: Path) -> int:
    """The last frame in a MOT file; lines at fault are left to those who need them."""
    return int(mot_text.examine(text)[0].frame.max(initial=0))


def _sequence_folders(root: Path) -> Iterator[Path]:
    """`root` or the folders below that look like sequences; what lies inside one is not looked at."""
    if _is_sequence(root):
        yield root
        return
    inside: list[Path] = []
    for folder in folders_below(root, _DEPTH):
        if not any(outer in folder.parents for outer in inside[-1:]) and _is_sequence(folder):
            inside.append(folder)
            yield folder


def _is_sequence(folder: Path) -> bool:
    return (
        (folder / "gt" / "gt.txt").is_file()
        or (folder / "seqinfo.ini").is_file()
        or (folder / "det" / "det.txt").is_file()
    )


def _of_benchmark(folders: list[Path], rules: Rules) -> tuple[list[Path], list[Path]]:
    if rules.name == "data":
        return folders, []
    own = [folder for folder in folders if rules.prefix and _begins(folder, rules.prefix)]
    if not own:
        foreign = [other.prefix for other in PRESETS.values() if other.prefix and other is not rules]
        own = [folder for folder in folders if not any(_begins(folder, prefix) for prefix in foreign)]
    return own, [folder for folder in folders if folder not in own]


def _begins(folder: Path, prefix: str) -> bool:
    return _name(folder).lower().startswith(prefix.lower())


def _name(folder: Path) -> str:
    return folder.name or folder.resolve().name
