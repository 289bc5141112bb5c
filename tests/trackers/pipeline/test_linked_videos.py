"""Videos linked from Python: the command's files, and who is who as rows."""

import csv
import json
from pathlib import Path

import pytest

import remix_track
from remix_track import InputError
from remix_track.progress import Progress
from tests.cli.test_link import FRAMES, cameras, linked

__all__ = ["cameras", "linked"]


def test_python_links_as_the_command_does_and_prints_nothing(cameras, linked, tmp_path, capsys):
    told = list[Progress]()
    made = remix_track.link(
        cameras,
        output=tmp_path / "out",
        csv=True,
        crops=True,
        embeddings=True,
        link_distance=0.1,
        weights="imagenet",
        detector=str(cameras[0].parent / "det.txt"),
        on_progress=told.append,
    )
    assert capsys.readouterr() == ("", "")
    files = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*")}
    assert files == {path.relative_to(linked) for path in linked.rglob("*")}
    for name in ("people.csv", "gate/tracks.txt", "yard/tracks.csv", "gate/unlinked.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (linked / name).read_bytes()
    with (linked / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{key: str(value) for key, value in track._asdict().items()} for track in made.tracks] == rows
    facts = json.loads((linked / "link.json").read_text())
    assert (made.people, made.people_in_several) == (facts["people"], facts["people_in_several"]) == (3, 1)
    assert made.distance == facts["link_distance"] == 0.1
    assert {name: one["ended"] for name, one in made.summaries.items()} == {"gate": "complete", "yard": "complete"}
    assert [(at.stage, at.name, at.done) for at in told] == [
        (stage, name, number)
        for stage, names in (("tracking", ("gate", "yard")), ("writing", ("gate again", "yard again")))
        for name in names
        for number in range(1, FRAMES + 1)
    ]


@pytest.mark.parametrize(
    ("sources", "changes", "message"),
    [
        (["a.mp4"], {}, "`link` joins the people of several videos; name two or more"),
        ("a.mp4", {}, "`link` joins the people of several videos; name two or more"),
        (["a.mp4", "b.mp4"], {"weights": "none"}, "`link` needs appearance"),
        (["a.mp4", "b.mp4"], {"link_distance": 3}, "`link_distance` = 3.0; expected above 0, at most 2"),
        (["a.mp4", "b.mp4"], {"max_aeg": 3}, r"link\(\): unknown key 'max_aeg'; did you mean 'max_age'\?"),
    ],
)
def test_what_cannot_be_linked_is_refused_before_anything_is_made(tmp_path, monkeypatch, sources, changes, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        remix_track.link(sources, output="out", **changes)
    assert not Path("out").exists()
