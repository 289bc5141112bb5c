"""Settings as TOML text that says what each key is for, and single keys changed from the command line."""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from remix_track import settings
from remix_track.errors import InputError
from remix_track.text_files import utf8

Settings = TypeVar("Settings")


def to_toml(made: Any) -> str:
    """All values of a settings dataclass as TOML; reading it gives the same settings.

    Keys that are None are comments, as TOML has no word for it.
    """
    lines = [_key_line(made, field) for field in dataclasses.fields(made) if not _is_section(made, field)]
    for field in dataclasses.fields(made):
        if _is_section(made, field):
            section = getattr(made, field.name)
            lines += ["", f"[{field.name}]", *(_key_line(section, inner) for inner in dataclasses.fields(section))]
    return "\n".join(lines).strip() + "\n"


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
    merged: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise InputError(f"`set` {change}: expected section.key=value")
        _set(kind, merged, path.strip().split("."), text.strip(), f"`set` {path.strip()}")
    return settings.build(kind, merged, "`set`" if changes else where)


def _set(kind: type[Any], values: dict[str, Any], path: list[str], text: str, where: str) -> None:
    hints = typing.get_type_hints(kind)
    settings.refuse_unknown(path[:1], hints, where)
    hint = hints[path[0]]
    if dataclasses.is_dataclass(hint):
        if len(path) != 2:
            raise InputError(f"{where}: {path[0]} is a section; expected {path[0]}.key=value")
        _set(hint, values.setdefault(path[0], {}), path[1:], text, where)  # type: ignore[arg-type]
        return
    if len(path) != 1:
        raise InputError(f"{where}: {path[0]} is a key, not a section; expected {path[0]}=value")
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        values[path[0]] = tuple(settings.parse(word.strip(), item, where) for word in text.split(",") if word.strip())
    else:
        values[path[0]] = settings.parse(text, hint, where)


def _is_section(made: Any, field: dataclasses.Field[Any]) -> bool:
    return dataclasses.is_dataclass(getattr(made, field.name))


def _key_line(section: Any, field: dataclasses.Field[Any]) -> str:
    value, text = getattr(section, field.name), field.metadata.get("help", "")
    line = f"# {field.name} = none" if value is None else f"{field.name} = {_toml_value(value)}"
    return f"{line:<40}  # {text}" if text else line


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # DEL is the one character that JSON writes as it is and TOML refuses.
        return json.dumps(utf8(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml_value(item) for item in value)}]"
    return repr(value)
