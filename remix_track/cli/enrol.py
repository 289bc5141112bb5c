"""`remix-track enrol NAME crop.jpg ... --store S`: a name for the person whom images show."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.identify import add_store
from remix_track.cli.terminal import show
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.store.enrol import Enrolled


def run(words: Sequence[str]) -> int:
    """Find or make the person, give the name, say how sure that is; 0."""
    arguments = parser().parse_intermixed_args(words)
    if bool(arguments.images) == (arguments.person is not None):
        raise InputError("enrol: give images of the person, or --person N")

    from remix_track.encoder.load import load_embedder
    from remix_track.store.enrol import enrol, name_person
    from remix_track.store.store import open_store

    store = open_store(arguments.store)
    if arguments.person is not None:
        _print(name_person(store, arguments.name, arguments.person))
        return 0
    embedder = load_embedder(arguments.weights)
    if embedder is None:
        raise InputError("--weights none: there is no appearance to know a person by")
    _print(enrol(store, arguments.name, arguments.images, embedder))
    return 0


def _print(done: "Enrolled") -> None:
    told, found = f"{done.name} is {'a new ' if done.is_new else ''}person {done.person}", done.nearest
    if found is not None and found.person == done.person and found.distance == found.distance:
        told += f", at a distance of {found.distance:.3f}{'' if found.sure else ' (unsure)'}"
    if found is not None and found.runner_up:
        told += f"; the next one is person {found.runner_up} at {found.runner_up_distance:.3f}"
    show(told)


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(prog="remix-track enrol", description="A name for a person of a store.")
    add = made.add_argument
    add("name", metavar="NAME", help="of the person")
    add("images", metavar="CROP.jpg", nargs="*", type=Path, help="images that show the person, and little else")
    add_store(made)
    add("--person", type=int, metavar="N", help="the person is known by this number; needs no image")
    add("--weights", metavar="W", default="default", help="those of the store (default: default)")
    return made
