"""Messages name an argument as Python has it; the command lines say the flag instead."""

import argparse
import ast
import logging
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from remix_track.cli import terminal
from remix_track.cli.main import main
from remix_track.cli.train import main as train
from remix_track.errors import InputError
from remix_track.trackers.sources import open_source
from tests.test_architecture import modules

CLI = Path(terminal.__file__).parent


def parsers() -> Iterator[argparse.ArgumentParser]:
    """The parser of every command."""
    for path in sorted(CLI.glob("*.py")):
        module = import_module(f"remix_track.cli.{path.stem}")
        for name in ("parser", "_parser"):
            if path.stem != "flags" and hasattr(module, name):
                yield getattr(module, name)()


def messages() -> Iterator[tuple[str, str]]:
    """Every text in the library that is no docstring and stands outside of the command lines, with its place."""
    for path in sorted(modules().values()):
        if path.parent == CLI:
            continue
        tree = ast.parse(path.read_text())
        docs = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
        }
        bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs | bare:
                yield f"{path.name}:{node.lineno}", node.value


def test_messages_name_arguments_and_the_command_lines_make_flags_of_them():
    """In Python there are no flags, and on a command line no arguments: a name in backticks is said as it is there."""
    flags = {flag for parser in parsers() for flag in parser._option_string_actions}
    # Other programs' flags, and whole commands.
    command = re.compile(
        r"(remix-(track|train) \w+|pip install|git|torchrun) [^;]*|--nproc-per-node|var\(--[\w-]+\)|^--[\w=-]+$"
    )
    named = set()
    for place, text in messages():
        if "{ color-scheme" in text:
            continue  # a style sheet
        assert not re.search(r"(?<![\w-])--[a-z]", command.sub("", text)), f"{place}: names a flag: {text}"
        named |= {(place, name) for name in re.findall(r"`([a-z][a-z0-9_]*)`", text)}
    assert len(named) > 50
    # Images in memory, settings made by hand and `benchmark` are met in Python only, `base` in a study file.
    strange = {
        item
        for item in named
        if f"--{item[1].replace('_', '-')}" not in flags | {"--source", "--settings", "--benchmark", "--base"}
    }
    assert not strange


def test_a_command_line_says_flags(capsys, tmp_path):
    assert main(["x.mp4", "--fps", "-1"]) == 2
    assert main([str(tmp_path), "--stride", "0"]) == 2
    assert train(["--set", "x", "--print-config"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[1] == "remix-track: --stride = 0; expected at least 1"
    assert said[2] == "remix-train: --set x: expected section.key=value"
    assert (
        terminal.with_flags("`fps` sets it; `input_size`, not `this one`")
        == "--fps sets it; --input-size, not `this one`"
    )
    record = logging.makeLogRecord({"msg": "%s sets it", "args": ("`fps`",)})
    assert terminal._Lines("remix-track: %(message)s").format(record) == "remix-track: --fps sets it"
    with pytest.raises(InputError, match=r"^`stride` = 0; expected at least 1"):
        open_source([], stride=0)
