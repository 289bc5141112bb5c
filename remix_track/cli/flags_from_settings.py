"""Command-line flags made from settings dataclasses, so that a flag, a TOML key and a default are said once.

`--help` has the flags that most users need, `--help-all` all of them.
"""

import argparse
import dataclasses
import shutil
import typing
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from remix_track import settings
from remix_track.cli.habits import Habit, Refused, ours
from remix_track.cli.terminal import show_text
from remix_track.errors import InputError
from remix_track.renamed_settings import current_words
from remix_track.setting_values import nearest, parse

Kind = typing.TypeVar("Kind")
_LONGEST_FLAG = 80
_NEAR = 0.6  # of 1, the same: below, a hint leads astray
_HELP_AT, _WIDEST_HELP = 30, 120
_SETTINGS = "Settings, also keys of a settings file"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, as all bad input gets here."""

    def __init__(self, *, habits: Mapping[str, Habit] | None = None, **options: Any) -> None:
        # A shortened flag would silently become another one when a new flag is added.
        super().__init__(allow_abbrev=False, **options)
        # `type=int` and `type=float` mean numbers that can be counted with: of bounded digits, and finite.
        for kind in (int, float):
            self.register("type", kind, partial(_number, kind))
        self._help_all = self.add_argument("--help-all", action=_HelpAll, nargs=0, help=argparse.SUPPRESS)
        self._rare: list[tuple[argparse.Action, str | None]] = []
        self._keys_only: dict[str, str] = {}
        self._habits = habits
        self._sections: list[Any] = []
        self._shows_all = False

    def hide(self, *flags: str) -> None:
        """Leave these flags out of `--help`; `--help-all` has them."""
        self._help_all.help = "show all flags, not only the common ones"
        for action in {id(found): found for found in map(self._option_string_actions.__getitem__, flags)}.values():
            self._rare.append((action, action.help))
            action.help = argparse.SUPPRESS

    def refuse_flag(self, flag: str, instead: str) -> None:
        """Say `instead` where somebody gives this flag, which there is none of."""
        self._keys_only[flag] = instead

    def add_section(self, title: str) -> Any:
        """A group of flags that `--help` shows together with those of other sections, without its title."""
        group = self.add_argument_group(title)
        self._sections.append(group)
        return group

    def unhide(self) -> None:
        """Have every flag in the help, under the title of its section."""
        self._shows_all = True
        for action, text in self._rare:
            action.help = text

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse has it, but an unknown flag is named with its nearest."""
        return super().parse_args(self._current(args or ()), namespace)

    def parse_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse has it, but an unknown flag is named with its nearest."""
        return super().parse_intermixed_args(self._current(args or ()), namespace)

    def _current(self, words: Sequence[str]) -> list[str]:
        """The words with the flags' names of today; an unknown flag is refused."""
        known = self._option_string_actions
        if self._habits is not None:
            words = ours(words, self._habits, {*known, *self._keys_only})
        words = current_words(words, {*known, *self._keys_only})
        for word in words:
            flag = word.partition("=")[0]
            if word == "--":
                break
            if not flag.startswith("--") or " " in flag or flag in known:
                continue
            if flag in self._keys_only:
                raise InputError(f"{flag}: {self._keys_only[flag]}")
            near = self._near(flag)
            self.error(f"unknown flag {flag[:_LONGEST_FLAG]}" + (f"; did you mean {near}?" if near else ""))
        return words

    def _near(self, flag: str) -> str | None:
        """The nearest flag of ours, or of another tool that is taken as ours; None where none is near."""
        taken = [name for name, habit in (self._habits or {}).items() if not isinstance(habit, Refused)]
        names = [name[2:] for name in (*self._option_string_actions, *taken) if name.startswith("--")]
        near = nearest(flag[2:].lower(), names, cutoff=_NEAR)
        return near and f"--{near}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse has it, with the nearest of the choices."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = nearest(str(value), map(str, action.choices or ()), cutoff=0.6)
            if near is not None:
                raise argparse.ArgumentError(action, f"{error.message}; did you mean {near}?") from None
            raise

    def error(self, message: str) -> typing.NoReturn:
        """Raise what argparse would print together with its usage."""
        raise InputError(f"{message}{'' if message.endswith('?') else ';'} see {self.prog} --help")

    def format_help(self) -> str:
        """As argparse has it; the short help has one list of settings, and its flags beside what they do."""
        if self._shows_all or not self._sections:
            return super().format_help()
        made = argparse.HelpFormatter(self.prog, max_help_position=_HELP_AT, width=_help_width())
        made.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        made.add_text(self.description)
        settings_of = [action for group in self._sections for action in group._group_actions]
        groups = [(group.title, group._group_actions) for group in self._action_groups if group not in self._sections]
        for title, actions in [*groups, (_SETTINGS, settings_of)]:
            made.start_section(title)
            made.add_arguments(actions)
            made.end_section()
        made.add_text(self.epilog)
        return made.format_help()

    def print_help(self, file: Any = None) -> None:
        """Show the help; argparse itself says nothing of a full disk."""
        show_text(self.format_help())


def _help_width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST_HELP) - 2


class _HelpAll(argparse.Action):
    def __call__(self, parser: Any, *_: Any) -> None:
        parser.unhide()
        parser.print_help()
        parser.exit()


def _number(kind: type[Any], text: str) -> Any:
    try:
        return parse(text, kind, "it")
    except InputError:
        name = {int: "a whole number of up to 18 digits", float: "a finite number"}[kind]
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {name}") from None


def add_sections(parser: Parser, kind: type[Any], *, skip: Collection[str] = ()) -> None:
    """Add a group of flags for each section of `kind` that is not in `skip`, and `--config FILE.toml`."""
    parser.add_argument("--config", metavar="FILE.toml", type=Path, help="settings file; flags win over it")
    for name, section in _sections(kind).items():
        if name not in skip:
            about = (section.__doc__ or name).partition("\n")[0].removesuffix(".")
            add_settings(parser, parser.add_section(f"{about} ([{name}] in a settings file)"), section, name)


def add_settings(parser: Parser, group: Any, section: type[Any], name: str, *, skip: Collection[str] = ()) -> None:
    """Add a flag for each setting of a section that is called `name`, but for those in `skip`."""
    hints = typing.get_type_hints(section)
    for field in dataclasses.fields(section):
        flag = _flag(field.name)
        if field.name in skip:
            continue
        if not field.metadata.get("flag", True):
            parser.refuse_flag(flag, f"no flag but a key of settings files, [{name}] {field.name}; see --config")
            continue
        _add_flag(group, name, field, hints[field.name])
        if not field.metadata.get("common", True):
            parser.hide(flag)


def collect_sections(arguments: argparse.Namespace, kind: type[Kind]) -> Kind:
    """The settings that `--config` and the flags ask for.

    Raises:
        InputError: an unknown key or an unfitting value, with the file or flag it stands in.
    """
    values: dict[str, Any] = settings.read_toml(arguments.config) if arguments.config else {}
    made = settings.build(kind, values, str(arguments.config)) if values else kind()
    for name in _sections(kind):
        changed = collect_settings(arguments, getattr(made, name), name)
        made = dataclasses.replace(made, **{name: changed})  # type: ignore[type-var]
    return made


def collect_settings(arguments: argparse.Namespace, section: Kind, name: str) -> Kind:
    """The section that is called `name`, with what the flags ask for.

    Raises:
        InputError: an unfitting value, with the flag it stands in.
    """
    hints = typing.get_type_hints(type(section))
    for field in dataclasses.fields(section):  # type: ignore[arg-type]
        given = getattr(arguments, f"{name}.{field.name}", None)
        if given is not None:
            section = _replace(section, field.name, _value(given, hints[field.name], field))
    return section


def _sections(kind: type[Any]) -> dict[str, type[Any]]:
    hints: dict[str, Any] = typing.get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and dataclasses.is_dataclass(hint)}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _add_flag(group: Any, section: str, field: dataclasses.Field[Any], hint: Any) -> None:
    destination, text = f"{section}.{field.name}", field.metadata.get("help", "").replace("%", "%%")
    if isinstance(field.default, bool):
        default = "yes" if field.default else "no"
        group.add_argument(
            _flag(field.name), dest=destination, default=None, action=argparse.BooleanOptionalAction,
            help=f"{text} (default: {default})",
        )  # fmt: skip
        return
    default = "" if field.default in (None, ()) else f"default: {field.default}"
    facts = "; ".join(fact for fact in (settings.limits_of(field).words(), default) if fact)
    # Of one that may be left out too.
    words = (
        next((one for one in typing.get_args(hint) if one is not type(None)), hint) if field.default is None else hint
    )
    choices = typing.get_args(words) if typing.get_origin(words) is typing.Literal else ()
    group.add_argument(
        _flag(field.name),
        dest=destination,
        metavar=f"{{{','.join(choices)}}}" if choices else field.name.upper(),
        nargs="+" if isinstance(field.default, tuple) else None,
        help=f"{text} ({facts})" if facts else text,
    )


def _value(given: Any, hint: Any, field: dataclasses.Field[Any]) -> Any:
    if isinstance(given, bool):
        return given
    text = ",".join(given) if isinstance(given, list) else given
    return parse(text, hint, _flag(field.name), settings.limits_of(field))


def _replace(section: Kind, name: str, value: Any) -> Kind:
    try:
        return dataclasses.replace(section, **{name: value})  # type: ignore[type-var]
    except InputError as error:
        raise InputError(f"{_flag(name)}: {error}") from None
