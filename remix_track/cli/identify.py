"""`remix-track identify --store S`: tracklets of all videos and cameras of a store become people."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import add_rows, how_many, show, show_table
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.store.identify import IdentifyReport
    from remix_track.store.store import Store

_SHOWN = 20


def run(words: Sequence[str]) -> int:
    """Identify what is new, print how many, who is unsure and why; 0."""
    arguments = parser().parse_intermixed_args(words)

    from remix_track.store.identify import IdentifySettings, identify
    from remix_track.store.store import open_store

    settings = IdentifySettings(
        max_distance=arguments.max_distance,
        window=arguments.window,
        min_boxes=arguments.min_boxes,
        overlapping=tuple((one, other) for one, other in arguments.overlapping),
    )
    store = open_store(arguments.store)
    _print(store, identify(store, settings, since=moment(arguments.since)))
    return 0


def _print(store: "Store", report: "IdentifyReport") -> None:
    from rich.table import Table

    unsure = np.flatnonzero(~report.found.sure & (report.found.person > 0))
    if len(unsure):
        table = Table(box=None, pad_edge=False)
        for title in ("unsure: source", "track", "person", "distance", "runner-up", "distance"):
            table.add_column(title, justify="left" if title.startswith("unsure") else "right", overflow="fold")
        keys = report.looked_at[unsure[:_SHOWN]].keys()
        names = [(store.job(key).job.source.name, track) for key, track in keys]
        add_rows(table, [(*one, *_doubt(report, row)) for one, row in zip(names, unsure.tolist(), strict=False)])
        show_table(table)
    if len(unsure) > _SHOWN:
        show(f"... and {len(unsure) - _SHOWN:,} more; all are in people/people.parquet of the store")
    for kept, gone in report.merges:
        show(f"person {report.log.shown(gone)} is {report.log.shown(kept)}: what is new shows that they are one")
    people = how_many(report.people, "person", "people")
    show(
        f"{how_many(report.tracklets, 'tracklet')}, {people}; of {len(report.looked_at):,} looked at "
        f"{report.joined:,} joined somebody, {report.new:,} are new people, {report.unsure:,} unsure; "
        f"{report.short:,} too short or without a vector "
        f"(one person up to a mean distance of {report.max_distance:.3f})"
    )


def _doubt(report: "IdentifyReport", row: int) -> list[str]:
    found, shown = report.found, report.log.shown
    distances = [f"{one:.3f}" if one == one else "-" for one in (found.distance[row], found.runner_up_distance[row])]
    return [
        shown(int(found.person[row])),
        distances[0],
        shown(report.log.current(int(found.runner_up[row]))) or "-",
        distances[1],
    ]


def moment(text: str | None) -> datetime | None:
    """A time of day as users write it, `2026-11-29` or `2026-11-29T15:00Z`; UTC where it names no zone.

    Raises:
        InputError: it is none.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text[:40]}: no time; give it as 2026-11-29 or 2026-11-29T15:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(prog="remix-track identify", description="Tracklets of a store become people.")
    add_store(made)
    add = made.add_argument
    add("--since", metavar="TIME", help="only tracklets that end then or later (UTC: 2026-11-29T15:00Z)")
    add("--window", type=float, metavar="HOURS", help="clothes change: nothing further apart in time is compared")
    add(
        "--overlapping",
        nargs=2,
        action="append",
        default=[],
        metavar=("CAM1", "CAM2"),
        help="two cameras that show the same place: a person can be before both at once",
    )
    add("--max-distance", type=float, metavar="D", help="largest mean distance of one person (default: measured)")
    add("--min-boxes", type=int, default=5, metavar="N", help="shorter tracklets are left alone (default: 5)")
    return made


def add_store(made: argparse.ArgumentParser) -> None:
    """Add `--store`."""
    made.add_argument("--store", metavar="S", type=Path, required=True, help="folder of the store")
