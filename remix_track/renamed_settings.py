"""The table of renamed settings: the old names of keys, keywords and flags go on working, and say the new one.

A name stays in the table for one minor version after the one that renamed it; see "Versions" in CONTRIBUTING.md.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from remix_track.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renamed:
    """What an old name is called now.

    Attributes:
        name: the new one.
        values: new ones of old values, where these were renamed too.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


RENAMED = {
    "appearance": Renamed("reid", {"auto": "when-ambiguous"}),
    "link_across_sides": Renamed("relink_reentries"),
    "look_reach": Renamed("gate_scale"),
    "look_weight": Renamed("appearance_weight"),
    "looks": Renamed("appearance_memory"),
    "max_look_age": Renamed("max_embedding_age"),
    "split": Renamed("split", {"train": "all"}),
}
"""By the old name, as Python and TOML files have it; flags are the same words with dashes."""


def current_keys(values: Mapping[str, Any], known: Collection[str], where: str) -> dict[str, Any]:
    """Keys and values with their new names; an old name is said once, unless it is among those that are known.

    Args:
        values: by key, from a file or a caller.
        known: the keys that there are now.
        where: where they stand, for the line that is said.

    Raises:
        InputError: the old and the new name of one setting.
    """
    made = {}
    for key, value in values.items():
        new = RENAMED.get(key)
        if new is None or key in known or new.name not in known:
            made[key] = value
            continue
        if new.name in values:
            raise InputError(f"{where}: {key} is {new.name} now, and both are given; leave {key} out")
        made[new.name] = _value(new, value)
        now = made[new.name]
        if now == value:
            _say(f"{where}: {key}", new.name)
        else:
            _say(f"{where}: {key} {value}", f"{new.name} {now}")
    return made


def current_value(name: str, value: str, where: str) -> str:
    """A value whose setting has kept its name, as it is called now."""
    made = str(_value(RENAMED[name], value))
    if made != value:
        _say(f"{where}: {name} {value}", f"{name} {made}")
    return made


def current_words(words: Sequence[str], known: Collection[str]) -> list[str]:
    """The words of a command line with the new names of flags and of their values.

    Args:
        words: as they were given.
        known: the flags that there are now, and those of which another message is said.
    """
    made = list(words)
    end = made.index("--") if "--" in made else len(made)
    for place in range(end):
        flag, equals, own = made[place].partition("=")
        new, renamed = _current_flag(flag, known)
        if renamed is None:
            continue
        follows = "" if equals or place + 1 == end else made[place + 1]
        value = own if equals else follows
        word = str(_value(renamed, value))
        if word != value:
            _say(f"{flag} {value}", f"{new} {word}")
        elif new != flag:
            _say(flag, new)
        made[place] = f"{new}={word}" if equals else new
        if word != follows and not equals:
            made[place + 1] = word
    return made


def _current_flag(flag: str, known: Collection[str]) -> tuple[str, Renamed | None]:
    """The flag's name now, and what was renamed of it; `--no-...` is renamed with its flag."""
    old = flag.removeprefix("--").replace("-", "_")
    no = "no_" if old.startswith("no_") else ""
    renamed = RENAMED.get(old.removeprefix(no)) if flag.startswith("--") else None
    if renamed is None:
        return flag, None
    new = f"--{no}{renamed.name}".replace("_", "-")
    return (flag, None) if new not in known or (flag in known and new != flag) else (new, renamed)


def _value(renamed: Renamed, value: Any) -> Any:
    return renamed.values.get(value, value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _say(old: str, new: str) -> None:
    """Once for each place: files are read, and settings are made, several times in a run."""
    logger.warning("%s is %s now; the old name works in this version only", old, new)
