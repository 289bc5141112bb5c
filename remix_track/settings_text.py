"""Settings as commented TOML text, and single keys changed from the command line."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import Table

from remix_track import settings
from remix_track.errors import InputError
from remix_track.setting_values import parse
from remix_track.text_files import utf8

Settings = TypeVar("Settings")
_COLUMN = 42
"""Where the comments of a settings file begin, if the values leave room."""


def to_toml(made: Any) -> str:
    """All values of a settings dataclass as TOML; reading it gives the same settings.

    Keys that are None are comments, as TOML has no word for it.
    """
    document = tomlkit.document()
    _add_keys(document, made)
    for field in dataclasses.fields(made):
        if _is_section(made, field):
            section = tomlkit.table()
            _add_keys(section, getattr(made, field.name))
            if document.body:
                document.add(tomlkit.nl())
            document.add(field.name, section)
    return tomlkit.dumps(document)


def changed(kind: type[Settings], values: Mapping[str, Any], changes: Sequence[str], where: str) -> Settings:
    """Settings from plain values by section and `section.key=value` texts, which win.

    Args:
        kind: a dataclass of sections.
        values: plain values, as TOML has them.
        changes: each `section.key=value`, or `key=value` outside of sections; items of a tuple are split at commas.
        where: the source of `values`, for messages.

    Raises:
        InputError: an unknown key, named with its nearest, or a value that does not fit.
    """
    settings.build(kind, values, where)
    return settings.build(kind, with_changes(kind, values, changes), "`set`" if changes else where)


def with_changes(kind: type[Any], values: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """Plain values with `section.key=value` texts put in, which win; whether they fit together is not looked at.

    Args:
        kind: a dataclass of sections.
        values: plain values, as TOML has them; they stay as they are.
        changes: as for `changed`.

    Raises:
        InputError: an unknown key, named with its nearest, or text that is no value of its key.
    """
    merged: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"`set` {change}: expected section.key=value")
        _set(kind, merged, path.strip().split("."), text.strip(), f"`set` {path.strip()}")
    return merged


def _set(kind: type[Any], values: dict[str, Any], path: list[str], text: str, where: str) -> None:
    hints = typing.get_type_hints(kind)
    settings.refuse_unknown(path[:1], hints, where)
    hint = hints[path[0]]
    if dataclasses.is_dataclass(hint):
        if len(path) != 2:
            raise InputError(f"{where}: {path[0]} is a section; expected {path[0]}.key=value")
        section = values.setdefault(path[0], {})
        if not isinstance(section, dict):
            raise InputError(f"{where}: {path[0]} is a section, not {section!r}")
        _set(hint, section, path[1:], text, where)  # type: ignore[arg-type]
        return
    if len(path) != 1:
        raise InputError(f"{where}: {path[0]} is a key, not a section; expected {path[0]}=value")
    limits = {field.name: settings.limits_of(field) for field in dataclasses.fields(kind)}
    values[path[0]] = parse(text, hint, where, limits[path[0]])


def _is_section(made: Any, field: dataclasses.Field[Any]) -> bool:
    return dataclasses.is_dataclass(getattr(made, field.name))


def _add_keys(table: Table | TOMLDocument, section: Any) -> None:
    """Every key of a section with its value, and behind it, in a column, what it is for."""
    for field in dataclasses.fields(section):
        if _is_section(section, field):
            continue
        value, text = getattr(section, field.name), field.metadata.get("help", "")
        if value is None:
            line = f"{field.name} = none"
            table.add(tomlkit.comment(f"{line:<38}  # {text}" if text else line))
            continue
        item = tomlkit.item(_plain(value))
        if text:
            item.comment(text)
            item.trivia.comment_ws = " " * max(2, _COLUMN - len(f"{field.name} = {item.as_string()}"))
        table.add(field.name, item)


def _plain(value: Any) -> Any:
    """A value as TOML can hold it: lists, and text in UTF-8."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return utf8(value) if isinstance(value, str) else value
