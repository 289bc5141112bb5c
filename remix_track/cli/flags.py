"""Command-line flags made from settings dataclasses, so that a flag, a TOML key and a default are said once."""

import argparse
import dataclasses
import typing
from functools import partial
from pathlib import Path
from typing import Any

from remix_track import settings
from remix_track.cli.terminal import show_text
from remix_track.errors import InputError

Kind = typing.TypeVar("Kind")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, as all bad input gets here."""

    def __init__(self, **options: Any) -> None:
        # A shortened flag would silently become another one when a new flag is added.
        super().__init__(allow_abbrev=False, **options)
        # `type=int` and `type=float` mean numbers that can be counted with: of bounded digits, and finite.
        for kind in (int, float):
            self.register("type", kind, partial(_number, kind))

    def error(self, message: str) -> typing.NoReturn:
        """Raise what argparse would print together with its usage."""
        raise InputError(f"{message}; see {self.prog} --help")

    def print_help(self, file: Any = None) -> None:
        """Show the help; argparse itself says nothing of a full disk."""
        show_text(self.format_help())


def _number(kind: type[Any], text: str) -> Any:
    try:
        return settings.parse(text, kind, "it")
    except InputError:
        name = {int: "a whole number of up to 18 digits", float: "a finite number"}[kind]
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {name}") from None


def add_sections(parser: argparse.ArgumentParser, kind: type[Any], *, skip: frozenset[str] = frozenset()) -> None:
    """Add a group of flags for each section of `kind`, and `--config FILE.toml`."""
    parser.add_argument("--config", metavar="FILE.toml", type=Path, help="settings file; flags win over it")
    for name, section in _sections(kind).items():
        group = parser.add_argument_group(f"{name} settings, [{name}] in a TOML file")
        for field in dataclasses.fields(section):
            if f"{name}.{field.name}" not in skip:
                _add_flag(group, name, field)


def collect_sections(arguments: argparse.Namespace, kind: type[Kind]) -> Kind:
    """The settings that `--config` and the flags ask for.

    Raises:
        InputError: an unknown key or an unfitting value, with the file or flag it stands in.
    """
    values: dict[str, Any] = settings.read_toml(arguments.config) if arguments.config else {}
    made = settings.build(kind, values, str(arguments.config)) if values else kind()
    for name, section in _sections(kind).items():
        hints = typing.get_type_hints(section)
        for field in dataclasses.fields(section):
            given = getattr(arguments, f"{name}.{field.name}", None)
            if given is not None:
                value = _value(given, hints[field.name], _flag(field.name))
                changed = _replace(getattr(made, name), field.name, value)
                made = dataclasses.replace(made, **{name: changed})  # type: ignore[type-var]
    return made


def _sections(kind: type[Any]) -> dict[str, type[Any]]:
    hints: dict[str, Any] = typing.get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and dataclasses.is_dataclass(hint)}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _add_flag(group: Any, section: str, field: dataclasses.Field[Any]) -> None:
    destination, text = f"{section}.{field.name}", field.metadata.get("help", "")
    if isinstance(field.default, bool):
        group.add_argument(
            _flag(field.name), dest=destination, default=None, action=argparse.BooleanOptionalAction, help=text
        )
        return
    default = "" if field.default in (None, ()) else f" (default: {field.default})"
    group.add_argument(
        _flag(field.name),
        *field.metadata.get("aliases", ()),
        dest=destination,
        metavar=field.metadata.get("metavar", field.name.upper()),
        nargs="+" if isinstance(field.default, tuple) else None,
        help=text.replace("%", "%%") + default,
    )


def _value(given: Any, hint: Any, flag: str) -> Any:
    if isinstance(given, bool):
        return given
    if isinstance(given, list):
        words = [word for item in given for word in item.split(",") if word]
        return tuple(settings.parse(word, typing.get_args(hint)[0], flag) for word in words)
    return settings.parse(given, hint, flag)


def _replace(section: Any, name: str, value: Any) -> Any:
    try:
        return dataclasses.replace(section, **{name: value})
    except InputError as error:
        raise InputError(f"{_flag(name)}: {error}") from None
