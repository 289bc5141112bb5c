"""`remix-track people --store S`: who is in a store."""

import argparse
from collections.abc import Sequence

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.identify import add_store
from remix_track.cli.terminal import add_rows, show, show_table
from remix_track.setting_values import Limits, typed


def run(words: Sequence[str]) -> int:
    """Print a line for each person; 0."""
    arguments = parser().parse_intermixed_args(words)

    top = typed(arguments.top, int, "--top", Limits(low=1))

    from rich.table import Table

    from remix_track.store.people_listing import people_of
    from remix_track.store.store import open_store

    listed = people_of(open_store(arguments.store))
    table = Table(box=None, pad_edge=False)
    for title in ("person", "name", "tracklets", "unsure", "cameras", "first seen", "last seen"):
        right = title in ("person", "tracklets", "unsure")
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for one in listed[:top]:
        seen = [str(time)[:19].replace("T", " ") + "Z" if time == time else "-" for time in one.seen]
        add_rows(table, [(one.person, one.name, one.tracklets, one.unsure, ", ".join(one.cameras), *seen)])
    show_table(table)
    if len(listed) > top:
        show(f"... and {len(listed) - top:,} more; see --top")
    return 0


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(prog="remix-track people", description="Who is in a store: names, tracklets, cameras, times.")
    add_store(made)
    made.add_argument("--top", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    return made
