import os
from pathlib import Path

import pytest

from remix_track.errors import InputError
from remix_track.trackers.sources import expand_sources, open_source
from tests.trackers.sources.test_images import save


def write(tmp_path, text):
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "list.txt"
    path.write_text(text)
    return path


def test_names_then_the_list(tmp_path):
    for name in ("a.mp4", "b c.mp4"):
        (tmp_path / name).touch()
    path = write(tmp_path, "\ufeff# two cameras\n\n  ../a.mp4  \n../b c.mp4\n0\nrtsp://camera/live#1\n")
    assert expand_sources(["x.mp4", 1], path) == [
        "x.mp4",
        1,
        tmp_path / "lists" / "../a.mp4",
        tmp_path / "lists" / "../b c.mp4",
        "0",
        "rtsp://camera/live#1",
    ]


def test_a_glob_of_videos_is_those_videos_and_one_of_images_is_one_source(tmp_path):
    for number in (10, 9):
        (tmp_path / f"v{number}.mp4").touch()
    save(tmp_path / "a1.png")
    assert expand_sources([str(tmp_path / "v*")]) == [tmp_path / "v9.mp4", tmp_path / "v10.mp4"]
    assert expand_sources([str(tmp_path / "*.png")]) == [str(tmp_path / "*.png")]
    assert expand_sources([str(tmp_path / "nothing*")]) == [str(tmp_path / "nothing*")]
    path = write(tmp_path, "../v*.mp4\n../*.png\n")
    assert [Path(str(what)).name for what in expand_sources([], path)] == ["v9.mp4", "v10.mp4", "*.png"]


def test_a_list_from_windows(tmp_path):
    for name in ("a.mp4", "v1.mp4"):
        (tmp_path / name).touch()
    path = write(tmp_path, "..\\a.mp4\r\n..\\v*.mp4\r\n")
    assert [Path(str(what)).name for what in expand_sources([], path)] == ["a.mp4", "v1.mp4"]
    path.write_text("C:\\videos\\a.mp4\n")
    with pytest.raises(InputError, match=r"no such file or folder \(nor with slashes for its backslashes\); paths are"):
        expand_sources([], path)


def test_lists_do_not_nest(tmp_path):
    (tmp_path / "inner.txt").write_text("a.mp4\n")
    path = write(tmp_path, "../inner.txt\n")
    assert expand_sources([], path) == [tmp_path / "lists" / "../inner.txt"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "# a comment\nmissing.mp4\n",
            "list.txt:2: missing.mp4: no such file or folder; paths are relative to the list",
        ),
        ("\n\nno*.mp4\n", r"list.txt:3: no\*.mp4: no such file or folder"),
        ("a\0b\n", "list.txt:1: a\0b: no such file or folder"),
        ("x" * 5000, "list.txt:1: x{200}: no such file or folder"),
        ("# nothing\n", "list.txt: names no source; write one a line"),
        ("rtsp://camera/live\n" * 20_000, "20000 sources are more than 10000"),
        ("#" * 2**21, "list.txt: larger than 1 MB"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as raised:
        expand_sources([], write(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_what_is_no_list(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\); a list of sources is a text file"):
        expand_sources([], tmp_path)
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\)"):
        expand_sources([], tmp_path / "none.txt")
    (tmp_path / "video.mp4").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not text; a list of sources is a text file, one a line"):
        expand_sources([], tmp_path / "video.mp4")
    with pytest.raises(InputError, match="no source given; name a video or more"):
        expand_sources([])


def test_names_in_a_list_need_not_be_utf_8(tmp_path):
    name = os.fsdecode(b"a\xff.avi")
    (tmp_path / name).touch()
    (tmp_path / "list.txt").write_bytes(b"# first\na\xff.avi\n")
    assert expand_sources([], tmp_path / "list.txt") == [tmp_path / name]


@pytest.mark.parametrize("name", ["", " "])
def test_a_source_without_a_name_is_no_folder(name, tmp_path, monkeypatch):
    """As a variable that is not set gives it: it is not the folder in which one is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frame.jpg").touch()
    with pytest.raises(InputError, match="a source without a name; give"):
        open_source(name)
