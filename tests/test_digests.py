"""Digests: of files one after another, of bytes, and of facts whatever their order."""

import hashlib

import pytest

from remix_track.digests import key_of, sha256_of, sha256_of_bytes
from remix_track.errors import InputError


def test_files_and_bytes_have_the_digest_of_their_content(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"a" * 2_000_000)
    second.write_bytes(b"b")
    assert sha256_of_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    whole = hashlib.sha256(b"a" * 2_000_000 + b"b").hexdigest()
    assert sha256_of(first, second) == sha256_of_bytes(b"a" * 2_000_000, b"b") == whole


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"gone: weights cannot be read \(No such file or directory\); check the path"):
        sha256_of(tmp_path / "gone", kind="weights")
    with pytest.raises(InputError, match=r"gone: cannot be read \("):
        sha256_of(tmp_path / "gone")


def test_equal_facts_have_one_key_in_any_order(tmp_path):
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1}) != key_of({"a": 1, "b": [3]})
    assert key_of({"a": tmp_path}) == key_of({"a": str(tmp_path)})


def test_footage_is_told_from_other_footage(tmp_path):
    from remix_track.digests import quick_digest

    made = {}
    for name, content in {"a": b"x" * 3_000_000, "b": b"x" * 3_000_001, "c": b"y" + b"x" * 2_999_999, "d": b""}.items():
        (tmp_path / name).write_bytes(content)
        made[name] = quick_digest(tmp_path / name)
    (tmp_path / "copy").write_bytes((tmp_path / "a").read_bytes())
    assert quick_digest(tmp_path / "copy") == made["a"]
    assert len(set(made.values())) == 4
    folder = quick_digest(tmp_path)
    (tmp_path / "e").touch()
    assert quick_digest(tmp_path) not in (folder, None)
    assert quick_digest(tmp_path / "none") is None
    assert quick_digest(tmp_path / "a\0b") is None
