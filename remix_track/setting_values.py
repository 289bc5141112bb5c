"""What a setting may be: its value held against the declared type and limits, and the words for both."""

import difflib
import math
import numbers
import os
import reprlib
import types
import typing
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from remix_track.errors import InputError

MOST_BITS = 63
"""Of a whole number: what arrays and other libraries take."""

LONGEST_TEXT = 80
"""Of a value or key that a message shows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Which numbers fit; those of a list are held against them one by one.

    Attributes:
        low: smallest that fits.
        high: largest that fits.
        above: only larger ones fit.
        below: only smaller ones fit.
        besides: one number that fits besides.
        lengths: of a list; empty: any.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    besides: float | None = None
    lengths: tuple[int, ...] = ()

    def fit(self, value: float) -> bool:
        """Whether this number is within them; NaN and infinity never are."""
        if self.besides is not None and value == self.besides:
            return True
        within = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        inside = (self.above is None or value > self.above) and (self.below is None or value < self.below)
        return math.isfinite(value) and within and inside

    def words(self) -> str:
        """Such as "0 to 1", "above 0, at most 2", "at least 1"; empty without limits."""
        if self.low is not None and self.high is not None:
            said = f"{_count(self.low)} to {_count(self.high)}"
        else:
            ends = (("at least", self.low), ("above", self.above), ("at most", self.high), ("below", self.below))
            said = ", ".join(f"{word} {_count(end)}" for word, end in ends if end is not None)
        return said if self.besides is None else f"{said}, or {_count(self.besides)}"


ANY = Limits()


def typed(value: Any, hint: Any, where: str, limits: Limits = ANY) -> Any:
    """`value` as what is declared: numbers of numpy are numbers, paths are text, lists are tuples.

    Args:
        value: from a file, a flag or a caller.
        hint: the declared type: int, float, bool, str, `Literal`, `tuple` of one of them, or a union.
        where: what the message names: a key, a flag.
        limits: of a number, or of each in a list.

    Raises:
        InputError: it is of another type, none of the choices, or out of its range.
    """
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        shown = f"a number of {value.bit_length():,} bits"
        raise InputError(f"{where} = {shown}; expected {expected(hint, limits)}")
    for choice in _choices(hint):
        origin = typing.get_origin(choice)
        if choice is Any or (choice is type(None) and value is None):
            return value
        if origin is typing.Literal and isinstance(value, Hashable) and value in typing.get_args(choice):
            return value
        if origin is tuple and isinstance(value, list | tuple):
            return _items(value, typing.get_args(choice)[0], where, limits)
        if choice is float and _is_number(value, numbers.Real):
            return _within(float(value), hint, where, limits)
        if choice is int and _is_number(value, numbers.Integral):
            return _within(int(value), hint, where, limits)
        if choice is str and isinstance(value, os.PathLike):
            return os.fsdecode(value)
        if isinstance(choice, type) and isinstance(value, choice) and (choice is bool or not isinstance(value, bool)):
            return value
    raise InputError(f"{where} = {short(value)}; expected {expected(hint, limits)}{_or_nearest(value, hint)}")


def parse(text: str, hint: Any, where: str, limits: Limits = ANY) -> Any:
    """A value from the command line as `typed` has it; items of a list are separated by commas."""
    choices = _choices(hint)
    for choice in choices:
        if typing.get_origin(choice) is tuple:
            words = [word.strip() for word in text.split(",") if word.strip()]
            return typed(tuple(_loose(word, typing.get_args(choice)) for word in words), hint, where, limits)
    return typed(_loose(text, choices), hint, where, limits)


def expected(hint: Any, limits: Limits = ANY) -> str:
    """What fits, in words: "a whole number, at least 1, or none"."""
    said = limits.words()
    names = [_kind(choice, said) for choice in _choices(hint)]
    return (", or " if any("," in name for name in names) else " or ").join(names)


def short(value: Any) -> str:
    """A value for a message: one of a hostile file may have a million letters, digits or levels."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = LONGEST_TEXT
    try:
        return shortened.repr(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__}"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.0) -> str | None:
    """The most similar of the known words; None where none is as similar as `cutoff`, from 0 (any) to 1 (the same)."""
    return next(iter(difflib.get_close_matches(word[:LONGEST_TEXT], list(known), n=1, cutoff=cutoff)), None)


def _or_nearest(value: Any, hint: Any) -> str:
    """The end of a message on a word that is none of several choices: which of them is spelled nearly so."""
    literals = [choice for choice in _choices(hint) if typing.get_origin(choice) is typing.Literal]
    words = [word for literal in literals for word in typing.get_args(literal) if isinstance(word, str)]
    near = nearest(value.lower(), words, cutoff=0.6) if isinstance(value, str) else None
    return f"; did you mean {near}?" if near else ""


def _choices(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _loose(text: str, choices: tuple[Any, ...]) -> Any:
    """Text as the first of the declared types that it can be, else as it is."""
    word = text.lower()
    if word == "none" and type(None) in choices:
        return None
    if bool in choices and word in {"true", "false", "yes", "no", "on", "off"}:
        return word in {"true", "yes", "on"}
    for kind in (int, float):
        if kind in choices:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _is_number(value: Any, kind: type[Any]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _within(value: Any, hint: Any, where: str, limits: Limits) -> Any:
    if limits.fit(value):
        return value
    others = [_kind(choice, "") for choice in _choices(hint) if choice not in (int, float)]
    raise InputError(f"{where} = {value}; expected {', or '.join([limits.words() or 'a finite number', *others])}")


def _items(value: "list[Any] | tuple[Any, ...]", hint: Any, where: str, limits: Limits) -> tuple[Any, ...]:
    """Each of a list; a list of texts may hold whole numbers, as `classes=[0]` does everywhere."""
    if limits.lengths and len(value) not in limits.lengths:
        counts = " or ".join(map(str, limits.lengths))
        raise InputError(f"{where} = {short(list(value))}; expected a list of {counts} {_plural(hint)}")
    numbered = hint is str
    return tuple(
        typed(str(int(item)) if numbered and _is_number(item, numbers.Integral) else item, hint, where, limits)
        for item in value
    )


def _kind(choice: Any, said: str) -> str:
    """One of the declared types in words; `said` are the limits of a number."""
    if typing.get_origin(choice) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(choice)))
    if typing.get_origin(choice) is tuple:
        return f"a list of {_plural(typing.get_args(choice)[0])}" + (f", each {said}" if said else "")
    if choice in (int, float):
        return {int: "a whole number", float: "a number"}[choice] + (f", {said}" if said else "")
    return {bool: "true or false", str: "text", type(None): "none"}.get(
        choice, getattr(choice, "__name__", str(choice))
    )


def _plural(hint: Any) -> str:
    return {int: "whole numbers", float: "numbers", str: "texts"}.get(hint, str(hint))


def _count(number: float) -> str:
    """10,000,000 and 0.001, never 1e+07."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,g}"
