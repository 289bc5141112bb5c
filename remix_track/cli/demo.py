"""`remix-track demo`: draw a street, track it, score it; needs no data, no weights and no network."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from remix_track import stop_signals
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.progress import tell_first_starts
from remix_track.cli.terminal import show, show_table
from remix_track.cli.tracking_output import RunLines, add_outputs, wanted_outputs
from remix_track.output_files import reserve_folder, reserve_numbered_folder
from remix_track.text_files import write_text
from remix_track.trackers.settings import TrackSettings

DEFAULT_OUTPUT = Path("runs/demo")


def run(words: Sequence[str]) -> int:
    """Draw, track, score; 0."""
    arguments = _parser().parse_args(words)
    settings = collect_sections(arguments, TrackSettings)

    from remix_track.trackers.pipeline.recorder import record
    from remix_track.trackers.pipeline.session import Session
    from remix_track.trackers.sources import open_source

    wanted = wanted_outputs(arguments)
    wanted.check(appearance=settings.appearance.weights != "none")
    tell_first_starts(quiet=arguments.quiet)
    session = Session(settings)
    if arguments.output is None:
        folder = reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)
    else:
        folder = reserve_folder(arguments.output, overwrite=arguments.overwrite)
    sequence = _draw(arguments, folder / "scene" / "street")
    with open_source(sequence) as source, RunLines(quiet=arguments.quiet) as lines:
        run = session.run(source, reopen=lambda: open_source(sequence))
        outputs = record(run, wanted, lambda: folder, lines.progress, lines.report)
        if outputs:
            lines.show_table(outputs)
    stop_signals.check()
    _score(sequence, folder, quiet=arguments.quiet)
    return 0


def _draw(arguments: argparse.Namespace, folder: Path) -> Path:
    """Render the street into a MOT sequence folder, like any footage."""
    from remix_track.synthetic.scenes import StreetScene, write_sequence

    scene = StreetScene(arguments.seed, frames=arguments.frames)
    write_sequence(scene, folder)
    return folder


def _score(sequence: Path, folder: Path, *, quiet: bool) -> None:
    from remix_track import mot_text
    from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
    from remix_track.eval.metrics.score import as_dict, score_sequence
    from remix_track.eval.report.error_marks import error_marks
    from remix_track.eval.report.tables import to_json, to_table
    from remix_track.mot_sequence import SequenceInfo
    from remix_track.viewer.page_errors import put_errors

    frames = SequenceInfo.read(sequence / "seqinfo.ini").frames or 0
    truth, tracks = mot_text.read(sequence / "gt" / "gt.txt"), mot_text.read(folder / "tracks.txt")
    scored = score_sequence(truth, tracks, PRESETS["data"], PROTOCOLS["devkit"], frames)
    score = as_dict(scored.score)
    if (folder / "people.html").exists():
        put_errors(folder / "people.html", error_marks(scored.match))
    report = {"protocol": {"name": "devkit"}, "sequences": {sequence.name: score}, "COMBINED": score}
    write_text(folder / "scores.json", to_json(report))
    if not quiet:
        width = shutil.get_terminal_size().columns
        show_table(to_table(report, width), width)
        show(f"exact ground truth: {sequence}, every number: {folder / 'scores.json'}")
        pages = [name for name in ("people.html", "video.mp4") if (folder / name).exists()]
        if pages:
            show(f"open {folder / pages[0]}")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="remix-track demo", description=__doc__, usage="remix-track demo [options]")
    add = parser.add_argument
    add("--seed", type=int, default=0, metavar="N", help="another street (default: 0)")
    add("--frames", type=int, default=100, metavar="N", help="how many frames are drawn (default: 100)")
    # What is scored is in one file, and standard output is for the scores.
    add_outputs(
        parser, "runs/demo", skip={"segment", "jsonl_out", "events", "events_vector", "events_discovery", "zones"}
    )
    add_sections(parser, TrackSettings, skip={"stream"})
    return parser
