"""`remix-track forget PERSON --store S`: people out of a store, with all that is kept of them."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.identify import add_store
from remix_track.cli.terminal import how_many, say, show
from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed

_MOST_DAYS = 100_000


def run(words: Sequence[str]) -> int:
    """Forget, and say how much that was; 0, or 2 where damaged jobs may have something of them."""
    arguments = parser().parse_intermixed_args(words)
    if bool(arguments.people) == (arguments.forget is not None):
        raise InputError("forget: name people, or give --forget DAYS for all who were not seen for so long")

    from remix_track.store.forget import forget_before, forget_people
    from remix_track.store.people import PeopleFiles
    from remix_track.store.store import open_store

    store = open_store(arguments.store)
    if arguments.forget is not None:
        days = typed(arguments.forget, float, "--forget", Limits(low=0, high=_MOST_DAYS))
        done = forget_before(store, datetime.now(UTC) - timedelta(days=days))
    else:
        log = PeopleFiles(store.path).log()
        numbers = [(name, log.person(name)) for name in arguments.people]
        unknown = [name for name, number in numbers if number is None]
        if unknown:
            raise InputError(f"{unknown[0]}: no such person in {store.path}; see remix-track people --store ...")
        done = forget_people(store, [number for _, number in numbers if number is not None])
    people, tracklets = how_many(done.people, "person", "people"), how_many(done.tracklets, "tracklet")
    show(f"forgotten: {people}, {tracklets}; {how_many(done.jobs, 'job')} written anew")
    for folder in done.unread:
        say(f"remix-track: {folder}: damaged, so what it has of them is still there; remove the folder")
    return 2 if done.unread else 0


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(prog="remix-track forget", description="Delete what a store keeps of people; it cannot be undone.")
    add = made.add_argument
    add("people", metavar="PERSON", nargs="*", help="number or name")
    add_store(made)
    add("--forget", type=float, metavar="DAYS", help="all who were not seen for so many days")
    return made
