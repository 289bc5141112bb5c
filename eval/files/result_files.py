"""Which results file belongs to which sequence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from remix_track.errors import InputError
from remix_track.eval.files.folders import folders_below
from remix_track.eval.files.sequences import Sequence
from remix_track.run_files import parts_in


@dataclass(frozen=True, slots=True)
class Results:
    """The results files for a set of sequences.

    Attributes:
        folder: the folder (or the one file) they were found in.
        files: results file by name of the sequence.
        missing: names of the sequences without one.
    """

    folder: Path
    files: Mapping[str, Path]
    missing: tuple[str, ...]


def find_results(folder: Path, sequences: Iterable[Sequence]) -> Results:
    """Find the results of one tracker: `SEQUENCE.txt` in `folder`, or as TrackEval has it in `TRACKER/data/`.

    `SEQUENCE/tracks.txt`, as `remix-track` leaves it when it tracks several sources, is taken where that is not there.
    `folder` may also be one file for one sequence, or the folder of a run over it. A file named after the `name` in
    `seqinfo.ini` is taken too.

    Raises:
        InputError: no such folder, or it holds the results of several trackers, or a run in several parts.
    """
    wanted = list(sequences)
    if folder.is_file() and len(wanted) == 1:
        return Results(folder, {wanted[0].name: folder}, ())
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder that holds SEQUENCE.txt for every sequence")
    run = _of_run(folder) if len(wanted) == 1 and not _results_in(folder, wanted) else None
    if run is not None:
        return Results(folder, {wanted[0].name: run}, ())
    places = [place for place in (folder, folder / "data") if _results_in(place, wanted)][:1]
    if not places:
        places = [place for place in folders_below(folder, 4) if _results_in(place, wanted)]
    if len(places) > 1:
        names = ", ".join(str(place.relative_to(folder)) for place in places[:5])
        raise InputError(f"{folder}: holds the results of {len(places)} trackers ({names}); give the folder of one")
    files = _results_in(places[0], wanted) if places else {}
    missing = tuple(sequence.name for sequence in wanted if sequence.name not in files)
    return Results(places[0] if places else folder, files, missing)


def _of_run(folder: Path) -> Path | None:
    """The tracks of a run, whose folder need not have the name of the sequence."""
    parts = parts_in(folder, "tracks.txt")
    if len(parts) > 1:
        raise InputError(f"{folder}: a run in {len(parts)} parts; put {parts[0].name} and the others into one file")
    return parts[0] if parts else None


def _results_in(folder: Path, sequences: Iterable[Sequence]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for sequence in sequences:
        for name in (sequence.name, sequence.info.name):
            # seqinfo.ini is not ours: a name with a path in it must not lead out of the folder.
            if Path(name).name != name:
                continue
            for path in (folder / f"{name}.txt", folder / name / "tracks.txt"):
                if path.is_file():
                    found.setdefault(sequence.name, path)
    return found
