"""What mkdocs cannot do by itself: pages made from the code, links that hold in the repository and on the site."""

import dataclasses
import logging
import os
import posixpath
import re
import subprocess
import sys
import typing
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from remix_track.renamed_settings import RENAMED
from remix_track.setting_values import expected
from remix_track.settings import limits_of

ROOT = Path(__file__).parents[1]
FROM_ELSEWHERE = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "remix_track/weights/remix_mobilenet_v2.md": "reference/weights.md",
    "remix_track/weights/remix_person.md": "reference/builtin-detector.md",
}
"""Files outside of docs/ that the site shows, and as which page."""
PARTS = [
    "remix_track.trackers.frame.Frame",
    "remix_track.trackers.detectors.detector.Detector",
    "remix_track.trackers.sinks.sink.Sink",
    "remix_track.encoder.embedder.Embedder",
    "remix_track.encoder.embedder.Network",
    "remix_track.encoder.embedder.NetworkEmbedder",
    "remix_track.encoder.crops.NetworkInput",
]
"""For the page on parts."""
TRACKING = """\
Each setting is a flag of `remix-track`, a key of a settings file (`--config FILE.toml`, in the section that its heading
names) and a keyword argument of `remix_track.track`. Flags and arguments win over the file. A setting without a flag is
a key and an argument only."""
TRAINING = """\
Each setting is a key of a settings file (`remix-train --config FILE.toml`), and can be given alone: `--set
section.key=value`."""
logger = logging.getLogger(f"mkdocs.{__name__}")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are generated from the code."""
    pages = {
        "reference/python.md": python_page(),
        "reference/parts.md": parts_page(),
        "reference/settings.md": settings_page(
            "Settings of a tracking run", TRACKING, "trackers.settings:TrackSettings"
        )
        + outputs_table()
        + renamed_table(),
        "reference/training-settings.md": settings_page(
            "Settings of a training", TRAINING, "training.train_settings:TrainSettings", flags=False
        ),
        "reference/commands.md": commands_page(),
    } | {page: (ROOT / path).read_text("utf-8") for path, page in FROM_ELSEWHERE.items()}
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links lead from file to file of the repository; here they lead from page to page."""
    here = page.file.src_uri
    lies = {shown: path for path, shown in FROM_ELSEWHERE.items()}.get(here, f"docs/{here}")
    return re.sub(r"(\]\()([^)#:]+)", lambda found: found[1] + _from_page(found[2], lies, here), markdown)


def _from_page(target: str, lies: str, here: str) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(lies), target))
    shown = FROM_ELSEWHERE.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
    return target if shown is None else posixpath.relpath(shown, posixpath.dirname(here) or ".")


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Warn of whatever a reader's browser would fetch from another host."""
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>", output):
        logger.warning("%s fetches from elsewhere: %s", page.file.src_uri, tag)
    return output


def python_page() -> str:
    """A heading for each public name, which mkdocstrings fills from its docstring."""
    import remix_track
    import remix_track.eval
    import remix_track.store

    names = [name for name in remix_track.__all__ if not name.startswith("_") and name != "store"]
    names += [f"eval.{name}" for name in remix_track.eval.__all__]
    names += [f"store.{name}" for name in remix_track.store.__all__]
    public = [f"::: remix_track.{name}" for name in sorted(names, key=lambda name: (name[0].isupper(), name))]
    return "\n\n".join(["# Python interface", *public]) + "\n"


def parts_page() -> str:
    """The same for what somebody needs who writes parts."""
    about = "What a detector, a sink and an encoder have to be. [Write your own](../guide/own-parts.md) has examples."
    return "\n\n".join(["# Parts to write yourself", about, *(f"::: {place}" for place in PARTS)]) + "\n"


def settings_page(title: str, about: str, where: str, *, flags: bool = True) -> str:
    """A table for each section of a settings dataclass: `where` is `module:class` below `remix_track`."""
    module, _, name = where.partition(":")
    kind = getattr(import_module(f"remix_track.{module}"), name)
    hints = typing.get_type_hints(kind)
    sections = [field for field in dataclasses.fields(kind) if dataclasses.is_dataclass(hints[field.name])]
    parts = [f"# {title}", about]
    loose = [field for field in dataclasses.fields(kind) if field not in sections]
    if loose:
        parts += ["## Outside of sections", _table(loose, hints, flags=flags)]
    for field in sections:
        section = hints[field.name]
        about = (section.__doc__ or "").partition("\n")[0]
        table = _table(dataclasses.fields(section), typing.get_type_hints(section), flags=flags)
        parts += [f"## [{field.name}] {{#{field.name}}}", about, table]
    return "\n\n".join(parts) + "\n"


def outputs_table() -> str:
    """What a run can write."""
    from remix_track.trackers.sinks.formats import OutputSettings

    about = "A flag of `remix-track`, and a keyword argument of `Run.record` and `remix_track.link`; no key of files."
    table = _table(dataclasses.fields(OutputSettings), typing.get_type_hints(OutputSettings), flags=True)
    return "\n\n".join(["\n## What is written and shown {#output}", about, table]) + "\n"


def renamed_table() -> str:
    """The settings that had another name before."""
    rows = ["| old name | new name |", "| --- | --- |"]
    for old, renamed in sorted(RENAMED.items()):
        if old == renamed.name:
            continue  # of a flag of `remix-track eval`, whose value was renamed
        values = "".join(f"; `{before}` is `{now}`" for before, now in renamed.values.items())
        rows.append(f"| `{old}` | `{renamed.name}`{values} |")
    about = "The old names work in this version, and a line says the new one."
    return "\n\n".join(["\n## Renamed {#renamed}", about, "\n".join(rows)]) + "\n"


def _table(fields: Sequence["dataclasses.Field[Any]"], hints: dict[str, Any], *, flags: bool) -> str:
    head = ["key", "flag", "default", "values", "what it does"]
    rows = [head, ["---"] * len(head)]
    for field in fields:
        values = re.sub(r"'([^']+)'", r"`\1`", expected(hints[field.name], limits_of(field)))
        cells = [f"`{field.name}`", _flag(field), f"`{_written(field.default)}`", values]
        rows.append([*cells, field.metadata.get("help", "")])
    if not flags:
        rows = [[row[0], *row[2:]] for row in rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _flag(field: "dataclasses.Field[Any]") -> str:
    if not field.metadata.get("flag", True):
        return "-"
    words = field.name.replace("_", "-")
    return f"`--{words}` `--no-{words}`" if isinstance(field.default, bool) else f"`--{words}`"


def _written(value: Any) -> str:
    """A default as TOML has it."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, tuple) else str(value)


def commands_page() -> str:
    """The help of every command with all its flags, as it prints it."""
    from remix_track.cli.commands import REMIX_TRACK, REMIX_TRAIN

    commands = [("main", name) for name in REMIX_TRACK] + [("train", name) for name in ("", *REMIX_TRAIN)]
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(lambda command: _help(*command), commands))
    said = []
    for (module, name), text in zip(commands, texts, strict=True):
        title = f"{'remix-track' if module == 'main' else 'remix-train'} {name}".strip()
        said.append(f"## {title}\n\n```text\n{text.strip()}\n```")
    return "\n\n".join(["# Commands", *said]) + "\n"


def _help(module: str, command: str) -> str:
    words = [sys.executable, "-m", f"remix_track.cli.{module}", *([command] if command else []), "--help-all"]
    environment = {**os.environ, "COLUMNS": "96"}
    return subprocess.run(words, capture_output=True, text=True, check=True, env=environment, cwd=ROOT).stdout
