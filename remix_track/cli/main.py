"""`remix-track`: which command is meant."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from remix_track.cli.ending import exit_code
from remix_track.cli.terminal import begin, show, show_text

_COMMANDS = {
    "track": "remix_track.cli.track",
    "eval": "remix_track.cli.eval",
    "demo": "remix_track.cli.demo",
    "adapt": "remix_track.cli.adapt",
    "calibrate": "remix_track.cli.calibrate",
    "search": "remix_track.cli.search",
    "export": "remix_track.cli.export",
    "import": "remix_track.cli.import_tracks",
}

_HELP = """\
remix-track video.mp4 [options]      track a video: annotated video, MOT text, summary (below)
remix-track eval --mot17 [ROOT]      MOTA, IDF1, IDsw and HOTA, per sequence and COMBINED (eval --help)
remix-track demo                     a drawn street, tracked and scored; needs no data (demo --help)
remix-track adapt footage/*.mp4      weights for your own cameras, without labels (adapt --help)
remix-track calibrate footage.mp4    the tracker's threshold from your own footage (calibrate --help)
remix-track search V.npz --like P    tracks ranked by similarity to an image (search --help)
remix-track export RUN --to cvat     tracks for an annotation tool to correct (export --help)
remix-track import FILE --run RUN    the corrected tracks, as ground truth for eval (import --help)

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code: 0, 1 (a bar was missed), 2 (bad input), 129, 130 or 143 (stopped)."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Torch's threads wait for each other by spinning, which on a machine with other work takes three times as long
    # (550 against 180 ms for a YOLO frame on two busy cores). Read when the library loads, so it is said here.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    begin("remix-track")
    return exit_code("remix-track", lambda: _run(words), ends_process=argv is None)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help", "--help-all"):
        from remix_track.cli.track import parser

        made = parser()
        if words[:1] == ["--help-all"]:
            made.unhide()
        show_text(_HELP + made.format_help())
        return 0 if words else 2
    if words[0] == "--version":
        from remix_track import __version__

        show(f"remix-track {__version__}")
        return 0
    name = words.pop(0) if words[0] in _COMMANDS else "track"
    return int(import_module(_COMMANDS[name]).run(words))


if __name__ == "__main__":
    sys.exit(main())
