"""Settings: frozen dataclasses with defaults in code, TOML files that hold only what differs."""

import dataclasses
import difflib
import math
import numbers
import os
import reprlib
import types
import typing
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.toml_text import parse_toml

MOST_BITS = 63
"""Of a whole number: what arrays and other libraries take."""

_LONGEST_KEY = 80

Settings = TypeVar("Settings")


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        InputError: missing, unreadable, not an ordinary file, over 1 MB, nested deeper than settings are, or not TOML.
    """
    content = read_bounded(path)
    with parsing(path, "TOML"):
        return parse_toml(content)


def build(kind: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """Make a settings dataclass from plain values; sections are fields that are dataclasses themselves.

    Args:
        kind: the dataclass.
        values: what differs from its defaults.
        where: what the user would look for in an error message: a file's path, `track()`.

    Raises:
        InputError: an unknown key (the nearest known one is named), or a value of another type.
    """
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    refuse_unknown(values, fields, where)
    made: dict[str, Any] = {}
    for key, value in values.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise InputError(f"{where}: {key} is a section, not {_short(value)}; write [{key}] and its keys below")
            made[key] = build(hint, value, f"{where}: [{key}]")  # type: ignore[arg-type]
        else:
            made[key] = typed(value, hint, f"{where}: {key}")
    try:
        return kind(**made)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def refuse_unknown(keys: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise `InputError` for the first of `keys` that is not among `known`, and name the nearest that is."""
    known = list(known)
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key[:_LONGEST_KEY], known, n=1, cutoff=0)
            raise InputError(f"{where}: unknown key {_short(key)}" + (f"; did you mean {near[0]!r}?" if near else ""))


def parse(text: str, hint: Any, where: str) -> Any:
    """A value from the command line as the type that a settings field declares."""
    if text.lower() == "none" and type(None) in _choices(hint):
        return None
    if bool in _choices(hint) and text.lower() in {"true", "false", "yes", "no", "on", "off"}:
        return text.lower() in {"true", "yes", "on"}
    for kind in (int, float):
        if kind in _choices(hint):
            try:
                return typed(kind(text), kind, where)
            except InputError:
                raise
            except ValueError:
                continue
    return typed(text, hint, where)


def _choices(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def typed(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type that a settings field declares; numbers of numpy are numbers, and paths are text.

    Raises:
        InputError: it is of another type.
    """
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise InputError(f"{where}: a number of {value.bit_length():,} bits does not fit; expected {_named(hint)}")
    for choice in _choices(hint):
        origin = typing.get_origin(choice)
        if choice is Any or (choice is type(None) and value is None):
            return value
        if origin is typing.Literal and isinstance(value, Hashable) and value in typing.get_args(choice):
            return value
        if origin is tuple and isinstance(value, list | tuple):
            return tuple(_item(item, typing.get_args(choice)[0], where) for item in value)
        if choice is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise InputError(f"{where} = {value} does not fit; expected a finite number")
            return float(value)
        if choice is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return int(value)
        if choice is str and isinstance(value, os.PathLike):
            return os.fsdecode(value)
        if isinstance(choice, type) and isinstance(value, choice) and (choice is bool or not isinstance(value, bool)):
            return value
    raise InputError(f"{where} = {_short(value)} does not fit; expected {_named(hint)}")


def _item(value: Any, hint: Any, where: str) -> Any:
    """`typed`, for one of a list: a list of texts may hold whole numbers, as `classes=[0]` does everywhere."""
    is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return typed(str(int(value)) if hint is str and is_number else value, hint, where)


def _named(hint: Any) -> str:
    names = []
    for choice in _choices(hint):
        if typing.get_origin(choice) is typing.Literal:
            names += [repr(item) for item in typing.get_args(choice)]
        elif typing.get_origin(choice) is tuple:
            names.append("a list")
        else:
            names.append("none" if choice is type(None) else getattr(choice, "__name__", str(choice)))
    return " or ".join(names)


def _short(value: Any) -> str:
    """A value for a message: one of a hostile file may have a million letters, digits or levels."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = _LONGEST_KEY
    try:
        return shortened.repr(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__}"
