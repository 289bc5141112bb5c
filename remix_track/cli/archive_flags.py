"""The flags of `remix-track SOURCE ... --store DIR`."""

import argparse
import dataclasses
from pathlib import Path

from remix_track.cli.flags_from_settings import Parser, add_settings, collect_settings
from remix_track.errors import InputError
from remix_track.store.archive.settings import ArchiveSettings
from remix_track.trackers.sinks.formats import OutputSettings

_SECTION = "archive"


def add_archive(parser: Parser) -> None:
    """Add the flags."""
    group = parser.add_argument_group("Many files into a store, which a run that was ended goes on with")
    group.add_argument(
        "--store", type=Path, default=None, metavar="DIR", help="track into an identity store; skip what it has"
    )
    add_settings(parser, group, ArchiveSettings, _SECTION)


def archive_settings(arguments: argparse.Namespace) -> ArchiveSettings:
    """What the flags ask for."""
    return collect_settings(arguments, ArchiveSettings(), _SECTION)


def refuse_without_store(arguments: argparse.Namespace) -> None:
    """Refuse flags that mean nothing here.

    Raises:
        InputError: one was given.
    """
    given = (one.name for one in dataclasses.fields(ArchiveSettings) if _given(arguments, _SECTION, one.name))
    name = next(given, None)
    if name is not None:
        raise InputError(f"`{name}` goes with --store DIR; give that, or leave it out")


def refuse_with_store(arguments: argparse.Namespace) -> None:
    """Refuse flags of results that a store does not have.

    Raises:
        InputError: one was given.
    """
    plain = [name for name in ("output", "overwrite", "link", "link_distance", "threads") if getattr(arguments, name)]
    wanted = [one.name for one in dataclasses.fields(OutputSettings) if _given(arguments, "output", one.name)]
    name = next(iter([*plain, *wanted]), None)
    if name is not None:
        instead = {"link": "`remix-track identify` links it", "threads": "give `workers`"}.get(name, "leave it out")
        raise InputError(f"`{name}` does not go with --store; {instead}")


def _given(arguments: argparse.Namespace, section: str, name: str) -> bool:
    return getattr(arguments, f"{section}.{name}", None) not in (None, False)
