"""JSON has no NaN: one module writes all of it."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.json_text import json_text
from tests.test_architecture import modules

DIGESTS = {
    "remix_track.compiled_cache": 2,
    "remix_track.data.crops.harvest_cache": 1,
    "remix_track.digests": 1,
    "remix_track.store.job": 1,
}
"""Where JSON is hashed, and never written to a file."""


def _strictly(text):
    return json.loads(text, parse_constant=pytest.fail)


def test_whatever_is_not_finite_is_null():
    value = {
        1: float("nan"),
        "array": np.array([1.5, np.inf], np.float32),
        "one": np.float64("-inf"),
        "whole": np.int64(3),
        "flag": np.bool_(True),
        "path": Path("a") / "b",
        "nested": ({"x": [float("inf")]},),
    }
    assert _strictly(json_text(value)) == {
        "1": None, "array": [1.5, None], "one": None, "whole": 3, "flag": True, "path": "a/b",
        "nested": [{"x": [None]}],
    }  # fmt: skip


def test_forms():
    assert json_text({"a": [1, "ä"]}) == '{"a": [1, "\\u00e4"]}\n'
    assert json_text({"a": [1, "ä"]}, compact=True, ensure_ascii=False) == '{"a":[1,"ä"]}\n'
    assert json_text({"a": 1}, 1) == '{\n "a": 1\n}\n'
    with pytest.raises(TypeError):
        json_text({"a": object()})


def test_nothing_else_writes_json():
    found = {}
    for name, path in modules().items():
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("dump", "dumps")
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "json"
        ]
        if calls and name != "remix_track.json_text":
            found[name] = len(calls)
    assert found == DIGESTS


def test_an_evaluation_without_a_match_has_null(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, text in (("own/s/gt/gt.txt", "1,1,1,1,9,9,1,1,1\n"), ("found/s.txt", "1,1,500,500,9,9,1,-1,-1,-1\n")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    assert main(["eval", "--data", "own", "--results", "found", "--json", "s.json", "--quiet"]) == 0
    scores = _strictly((tmp_path / "s.json").read_text())["COMBINED"]
    assert (scores["MOTP"], scores["FN"], scores["MOTA"]) == (None, 1, -100)
