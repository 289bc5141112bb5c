"""The cache of compiled networks: what is kept comes back whole, and whatever is wrong with it costs time only."""

import os

import pytest

from remix_track import compiled_cache
from remix_track.compiled_cache import keep, recall
from remix_track.digests import key_of
from remix_track.machine import cache_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiled_cache, "_in_memory", {})
    return tmp_path / "remix-track" / "compiled"


NOTES = {"width": 512, "names": {"0": "person"}}


def test_what_is_kept_comes_back(folder):
    keep("a", NOTES, b"\x00\nblob")
    assert recall("a") == (NOTES, b"\x00\nblob")
    assert [path.name for path in folder.iterdir()] == ["a"]
    assert folder.stat().st_mode & 0o077 == 0


def test_notes_with_numbers_as_keys_come_back(folder):
    keep("key", {"names": {number: str(number) for number in range(12)}}, b"")
    found = recall("key")
    assert found is not None
    assert found[0]["names"]["11"] == "11"


def test_keys_tell_facts_apart_but_not_their_order():
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})


def test_nothing_kept_is_nothing():
    assert recall("a") is None


@pytest.mark.parametrize("change", ["cut", "bit", "other header", "no json", "list", "empty"])
def test_a_damaged_file_is_nothing(folder, change):
    keep("a", NOTES, b"x" * 1000)
    whole = (folder / "a").read_bytes()
    header, line, blob = whole.split(b"\n", 2)
    (folder / "a").write_bytes(
        {
            "cut": whole[:-1],
            "bit": whole[:-500] + b"y" + whole[-499:],
            "other header": b"remix-track compiled network 0\n" + line + b"\n" + blob,
            "no json": header + b"\nhello\n" + blob,
            "list": header + b"\n[1]\n" + blob,
            "empty": b"",
        }[change]
    )
    assert recall("a") is None


def test_somebody_elses_file_is_not_read(monkeypatch):
    keep("a", NOTES, b"blob")
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert recall("a") is None


def test_a_folder_that_cannot_be_made_costs_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep("a", NOTES, b"blob")
    assert recall("a") == (NOTES, b"blob"), "this process converts but once"
    monkeypatch.setattr(compiled_cache, "_in_memory", {})
    assert recall("a") is None, "another process does so again"


def test_neither_does_no_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert cache_folder("compiled") is None
    keep("a", NOTES, b"blob")
    assert recall("a") == (NOTES, b"blob"), "this process converts but once"
    monkeypatch.setattr(compiled_cache, "_in_memory", {})
    assert recall("a") is None, "another process does so again"


def test_what_was_not_used_for_longest_goes_first(folder, monkeypatch):
    monkeypatch.setattr(compiled_cache, "KEPT", 2)
    for age, name in ((300, "a"), (200, "b")):
        keep(name, NOTES, b"blob")
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    assert recall("a") is not None  # used now
    keep("c", NOTES, b"blob")
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c"]


def test_what_no_file_keeps_is_bounded_too(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for number in range(compiled_cache.KEPT + 1):
        keep(str(number), NOTES, b"blob")
    assert recall("0") is None
    assert recall("1") == recall(str(compiled_cache.KEPT)) == (NOTES, b"blob")
