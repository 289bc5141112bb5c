"""`remix-track correct STORE ACT ...`: people of a store merged, split, named and rejected, with undo."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.search_store import short_job
from remix_track.cli.terminal import add_rows, show, show_table
from remix_track.errors import InputError

if TYPE_CHECKING:
    from remix_track.store import Store
    from remix_track.store.corrections import Corrections
    from remix_track.store.people_log import Act, Key, Log

_ACTS = {
    "merge": "merge A B [C ...]",
    "split": "split PERSON JOB:TRACK ...",
    "name": "name PERSON NAME",
    "reject": "reject JOB:TRACK ...",
    "undo": "undo [N]",
    "list": "list [PERSON]",
}
_LONGEST = 60


def run(words: Sequence[str]) -> int:
    """Correct, and say what was done; 0."""
    arguments = parser().parse_intermixed_args(words)

    from remix_track.store.corrections import Corrections
    from remix_track.store.store import open_store

    corrections = Corrections.of(open_store(arguments.store), arguments.who)
    {
        "merge": _merge,
        "split": _split,
        "name": _name,
        "reject": _reject,
        "undo": _undo,
        "list": _list,
    }[arguments.act](corrections, arguments.words)
    return 0


def _merge(corrections: "Corrections", words: Sequence[str]) -> None:
    if len(words) < 2:
        raise _wrong("merge")
    people = [_person(corrections.store, word) for word in words]
    corrections.merge(*people)
    shown = _log(corrections.store).shown(people[0])
    show(f"{', '.join(words[1:])} {'is' if len(words) == 2 else 'are'} person {shown} now")


def _split(corrections: "Corrections", words: Sequence[str]) -> None:
    if len(words) < 2:
        raise _wrong("split")
    tracklets = _tracklets(corrections.store, words[1:])
    new = corrections.split(_person(corrections.store, words[0]), tracklets)
    show(f"{_count(tracklets)} of {words[0]} {'is' if len(tracklets) == 1 else 'are'} person {new} now")


def _name(corrections: "Corrections", words: Sequence[str]) -> None:
    if len(words) != 2:
        raise _wrong("name")
    corrections.name(_person(corrections.store, words[0]), words[1])
    show(f"{words[0]} is {words[1]} now")


def _reject(corrections: "Corrections", words: Sequence[str]) -> None:
    if not words:
        raise _wrong("reject")
    tracklets = _tracklets(corrections.store, words)
    corrections.reject(tracklets)
    show(f"{_count(tracklets)} {'is' if len(tracklets) == 1 else 'are'} no person now")


def _undo(corrections: "Corrections", words: Sequence[str]) -> None:
    if len(words) > 1 or (words and not words[0].isdecimal()):
        raise _wrong("undo")
    act = corrections.undo(int(words[0][:18]) if words else None)
    show(f"undone: act {act.number}, {_said(act, _log(corrections.store))}")


def _list(corrections: "Corrections", words: Sequence[str]) -> None:
    """The acts; or the tracklets of a person, as `split` and `reject` take them."""
    from rich.table import Table

    if len(words) > 1:
        raise _wrong("list")
    table = Table(box=None, pad_edge=False)
    titles = ("tracklet", "camera", "from", "until", "boxes") if words else ("act", "time", "who", "what", "")
    for title in titles:
        table.add_column(title, justify="right" if title in ("act", "boxes") else "left", overflow="fold")
    store = corrections.store
    add_rows(table, _rows(store, _person(store, words[0])) if words else _acts(corrections))
    show_table(table)


def _acts(corrections: "Corrections") -> list[tuple[object, ...]]:
    log = _log(corrections.store)
    return [
        (one.number, one.utc[:19].replace("T", " "), one.who or "identify", _said(one, log), "undone" * one.undone)
        for one in log.acts
    ]


def _rows(store: "Store", person: int) -> list[tuple[object, ...]]:
    found = store.tracklets(person=person)
    ends = zip(found.first_utc, found.last_utc, found.first_time.tolist(), found.last_time.tolist(), strict=True)
    shown = [
        [str(utc)[:19].replace("T", " ") if utc == utc else f"{time:.1f} s" for utc, time in ((a, c), (b, d))]
        for a, b, c, d in ends
    ]
    cameras = [found.cameras[one] for one in found.camera.tolist()]
    keys = [_told(key) for key in list(found.keys())]
    return [(*row[:2], *row[2], row[3]) for row in zip(keys, cameras, shown, found.boxes.tolist(), strict=True)]


def _said(act: "Act", log: "Log") -> str:
    told = " ".join(map(_told, act.tracklets))
    told = told if len(told) <= _LONGEST else _count(act.tracklets)
    return {
        "name": f"name {act.person} {act.name}",
        "merge": f"merge {act.person} {act.other}",
        "split": f"split {act.person} {told}: {act.other}",
        "reject": f"reject {told}",
    }[act.kind]


def _person(store: "Store", word: str) -> int:
    number = _log(store).person(word)
    if number is None:
        raise InputError(f"{word[:80]}: no such person in {store.path}; see remix-track people --store ...")
    return number


def _tracklets(store: "Store", words: Sequence[str]) -> list["Key"]:
    """Each JOB:TRACK, where the beginning of a job's key will do."""
    keys = [one.key for one in store.facts()]
    return [_tracklet(word, keys) for word in words]


def _tracklet(word: str, keys: Sequence[str]) -> "Key":
    begin, colon, track = word.rpartition(":")
    if not (colon and begin and track.isdecimal() and len(track) < 19):
        raise InputError(f"{word[:80]}: expected JOB:TRACK; `remix-track correct STORE list PERSON` has them")
    name, part = begin.partition("~")[::2]
    found = [one for one in keys if one.startswith(name) and (not part or one.endswith(f"~{part}"))]
    exact = [one for one in found if one == begin]
    if len(exact or found) != 1:
        what = "no job of the store begins so" if not found else f"{len(found)} jobs begin so"
        raise InputError(f"{word[:80]}: {what}; `remix-track correct STORE list PERSON` has their whole names")
    return (exact or found)[0], int(track)


def _told(key: "Key") -> str:
    return f"{short_job(key[0])}:{key[1]}"


def _count(tracklets: Sequence[object]) -> str:
    return f"{len(tracklets):,} tracklet{'s' * (len(tracklets) != 1)}"


def _log(store: "Store") -> "Log":
    from remix_track.store.people import PeopleFiles

    return PeopleFiles(store.path).log()


def _wrong(act: str) -> InputError:
    return InputError(f"expected remix-track correct STORE {_ACTS[act]}")


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(
        prog="remix-track correct",
        usage="remix-track correct STORE ACT ... [--who NAME]",
        description="Say who is one, who is not, what is no person, and names; `identify` goes by it from then on.",
        epilog=f"Acts: {'; '.join(_ACTS.values())}. A person is a number or a name.",
    )
    add = made.add_argument
    add("store", metavar="STORE", type=Path, help="folder of the store")
    add("act", metavar="ACT", choices=_ACTS, help=", ".join(_ACTS))
    add("words", metavar="...", nargs="*", help="what the act takes")
    add("--who", metavar="NAME", help="says so (default: the user of this account)")
    return made
