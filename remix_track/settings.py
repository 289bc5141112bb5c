"""Settings: frozen dataclasses with defaults in code, TOML files that hold only what differs.

All that is known of a setting stands in one place, its field:

    @dataclass(frozen=True, slots=True)
    class Engine:
        # how the car moves

        power: float = setting(1.5, "in kilowatts", above=0, high=500)
        fuel: Literal["petrol", "diesel"] = setting("petrol", "what it burns")

        def __post_init__(self) -> None:
            check(self)

Flags (`cli/flags_from_settings.py`), TOML keys, keyword arguments, their checks and the reference page are made from
it.
"""

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.renamed_settings import current_keys
from remix_track.setting_values import ANY, Limits, nearest, short, typed
from remix_track.toml_text import parse_toml

Settings = TypeVar("Settings")


def setting(
    default: Any,
    help: str,  # noqa: A002 (argparse's word)
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    besides: float | None = None,
    lengths: tuple[int, ...] = (),
    common: bool = False,
    flag: bool = True,
) -> Any:
    """A field of a settings dataclass; its choices are those of its type, a `Literal`.

    Args:
        default: its value where nothing else is said.
        help: what it does, in a line, for `--help`, settings files and the reference page.
        low: smallest number that fits.
        high: largest number that fits.
        above: only larger numbers fit.
        below: only smaller numbers fit.
        besides: one number that fits besides.
        lengths: of a list.
        common: most users need it: its flag is in `--help`, those of all others in `--help-all`.
        flag: whether it has a flag; else it is a TOML key and a keyword only.
    """
    limits = Limits(low, high, above, below, besides, lengths)
    return dataclasses.field(default=default, metadata={"help": help, "limits": limits, "common": common, "flag": flag})


def same_as(kind: type[Any], name: str) -> Any:
    """A field that another settings dataclass has too: its default, help and limits."""
    field = {one.name: one for one in dataclasses.fields(kind)}[name]
    return dataclasses.field(default=field.default, metadata=field.metadata)


def check(made: Any) -> None:
    """Hold each value of a settings dataclass against its field, for `__post_init__`.

    Values are kept as declared: whole numbers of a float are floats, lists are tuples, paths are text.

    Raises:
        InputError: a value of another type, none of the choices, or out of its range.
    """
    for name, hint, limits in _declared(type(made)):  # type: ignore[arg-type]
        value = getattr(made, name)
        fitting = typed(value, hint, name, limits)
        if fitting is not value:
            object.__setattr__(made, name, fitting)


def limits_of(field: "dataclasses.Field[Any]") -> Limits:
    """The numbers that fit."""
    limits: Limits = field.metadata.get("limits", ANY)
    return limits


@lru_cache(maxsize=256)
def _declared(kind: Any) -> tuple[tuple[str, Any, Limits], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name], limits_of(field)) for field in dataclasses.fields(kind))


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
    declared = {name: (hint, limits) for name, hint, limits in _declared(kind)}  # type: ignore[arg-type]
    fields = {field.name for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    values = current_keys(values, fields, where)
    refuse_unknown(values, fields, where)
    made: dict[str, Any] = {}
    for key, value in values.items():
        hint, limits = declared[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise InputError(f"{where}: {key} is a section, not {short(value)}; write [{key}] and its keys below")
            made[key] = build(hint, value, f"{where}: [{key}]")  # type: ignore[arg-type]
        else:
            made[key] = typed(value, hint, f"{where}: {key}", limits)
    try:
        return kind(**made)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def refuse_unknown(keys: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raise `InputError` for the first of `keys` that is not among `known`, and name the nearest that is."""
    known = list(known)
    for key in keys:
        if key not in known:
            near = nearest(key, known)
            raise InputError(f"{where}: unknown key {short(key)}" + (f"; did you mean {near!r}?" if near else ""))
