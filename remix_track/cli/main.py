"""`remix-track`: which command is meant."""

import os
import sys
from collections.abc import Sequence

from remix_track.cli.commands import REMIX_TRACK, help_lines, refuse_unknown, run_command
from remix_track.cli.ending import exit_code
from remix_track.cli.terminal import begin, show, show_text


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
        show_text(help_lines("remix-track", REMIX_TRACK) + made.format_help())
        return 0 if words else 2
    if words[0] == "--version":
        from remix_track import __version__

        show(f"remix-track {__version__}")
        return 0
    refuse_unknown("remix-track", words[0], REMIX_TRACK)
    name = words.pop(0) if words[0] in REMIX_TRACK else "track"
    return run_command(REMIX_TRACK[name], words)


if __name__ == "__main__":
    sys.exit(main())
