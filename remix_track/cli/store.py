"""`remix-track store STORE`: what is in a store; `--rebuild` makes its index anew."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import add_rows, how_many, say, show, show_table

if TYPE_CHECKING:
    from remix_track.store.contents import Contents


def run(words: Sequence[str]) -> int:
    """Print what is in the store; 0, or 2 where a job in it cannot be used."""
    arguments = parser().parse_intermixed_args(words)

    from remix_track.store.contents import contents_of
    from remix_track.store.store import open_store

    store = open_store(arguments.store)
    if arguments.rebuild:
        store.rebuild()
    swept = store.sweep()
    contents = contents_of(store)
    _print(contents)
    if swept:
        show(f"{how_many(swept, 'incomplete job')} of processes that ended removed")
    for problem in contents.problems:
        say(f"remix-track: {problem}")
    return 2 if contents.problems else 0


def _print(contents: "Contents") -> None:
    from rich.table import Table

    from remix_track.bounded_file import size_words

    table = Table(box=None, pad_edge=False)
    for title in ("camera", "jobs", "hours", "from", "until", "boxes", "tracklets"):
        table.add_column(title, justify="left" if title in ("camera", "from", "until") else "right", overflow="fold")
    for one in contents.cameras:
        ends = [_shown(one.first_utc), _shown(one.last_utc)]
        add_rows(
            table, [(one.name, one.jobs, f"{one.seconds / 3600:.2f}", *ends, f"{one.boxes:,}", f"{one.tracklets:,}")]
        )
    show_table(table)
    weights, people = contents.weights, how_many(contents.people, "person", "people")
    network = f"{weights.name}, {weights.width} long" if weights else "none yet"
    show(
        f"{how_many(contents.jobs, 'job')}, {contents.seconds / 3600:.2f} hours, "
        f"{how_many(contents.tracklets, 'tracklet')}, {people}; {size_words(contents.bytes)}; vectors: {network}"
    )


def _shown(milliseconds: int | None) -> str:
    from datetime import UTC, datetime

    if milliseconds is None:
        return "-"
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"


def parser() -> argparse.ArgumentParser:
    """The flags of the listing."""
    made = Parser(prog="remix-track store", description="What is in a store: jobs, cameras, hours, tracklets, people.")
    made.add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    made.add_argument("--rebuild", action="store_true", help="make its index anew from the folders")
    return made
