"""Several trackers in one table: places, LaTeX, Markdown, the bootstrap of their differences, and the command."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import remix_track.eval
from remix_track.cli.main import main
from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics import bootstrap
from remix_track.eval.metrics.score import Score, as_dict, combine, score_sequence
from remix_track.eval.report import several
from remix_track.eval.several import names_of
from tests.cli.test_eval import write_sequence
from tests.mot_scenes import scene


def tables(**columns: dict[str, float]) -> dict[str, dict[str, object]]:
    return {name: {"sequences": {"S": numbers}, "COMBINED": numbers} for name, numbers in columns.items()}


def test_places_go_by_the_digits_that_are_shown_and_by_what_is_good():
    found = tables(
        a={"HOTA": 60.04, "IDsw": 9}, b={"HOTA": 59.96, "IDsw": 3}, c={"HOTA": 50.0, "IDsw": 3}, d={"HOTA": math.nan}
    )
    assert several.places(found, "HOTA") == {"a": 0, "b": 0, "c": 1, "d": 2}
    assert several.places(found, "IDsw") == {"a": 1, "b": 0, "c": 0, "d": 2}
    # Where all are equal, none is the best.
    assert several.places(tables(a={"HOTA": 1.0}, b={"HOTA": 1.0}), "HOTA") == {"a": 2, "b": 2}
    assert several.places(tables(a={"HOTA": 1.0}), "HOTA") == {"a": 2}


def test_latex_has_the_best_in_bold_the_second_underlined_and_names_escaped():
    made = several.to_latex(tables(**{"x_1 & 50%": {"HOTA": 60.0}, "b": {"HOTA": 50.0}, "c": {"HOTA": 40.0}}))
    assert r"x\_1 \& 50\% & \textbf{60.0} & -" in made
    assert r"b & \underline{50.0} &" in made
    assert r"c & 40.0 &" in made
    assert r"IDsw$\downarrow$" in made
    assert r"HOTA$\uparrow$" in made
    body = [line for line in made.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in body} == {len(several.COLUMNS)}


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
def test_latex_compiles(tmp_path):
    made = several.to_latex(tables(**{"a_b": {"HOTA": 60.0}, "~^\\{": {"HOTA": 50.0}}))
    text = rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{made}\end{{document}}"
    (tmp_path / "t.tex").write_text(text)
    subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, capture_output=True)


def scores(seed: int, count: int = 5) -> list[Score]:
    made = []
    for number in range(count):
        gt, results, frames = scene(9 * (seed + number))
        made.append(score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], frames).score)
    return made


def test_the_bootstrap_is_that_of_a_naive_loop():
    first, second = scores(1), scores(7)
    found = bootstrap.differences(first, second, draws=50, seed=3)
    drawn = np.random.default_rng(3).multinomial(5, np.full(5, 0.2), size=50)
    for metric in bootstrap.METRICS:
        naive = []
        for counts in drawn:
            values = [
                as_dict(combine([one for one, count in zip(of, counts, strict=True) for _ in range(count)]))[metric]
                for of in (first, second)
            ]
            naive.append(values[1] - values[0])
        one = found[metric]
        assert one.value == pytest.approx(as_dict(combine(second))[metric] - as_dict(combine(first))[metric])
        assert (one.low, one.high) == pytest.approx(tuple(np.percentile(naive, [2.5, 97.5])))
        assert one.above == pytest.approx(np.mean(np.array(naive) > 0))


def test_a_tracker_does_not_differ_from_itself_and_two_sequences_say_nothing():
    first = scores(1)
    same = bootstrap.differences(first, first, draws=20)
    assert {(one.value, one.low, one.high, one.sure) for one in same.values()} == {(0.0, 0.0, 0.0, False)}
    assert bootstrap.differences(first[:2], first[:2]) == {}
    assert bootstrap.differences(first[:3], first[:3])


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """Three sequences, and three trackers: without a fault, one that lacks a person, one that changes an id."""
    monkeypatch.chdir(tmp_path)
    for number in ("02", "04", "09"):
        name = f"MOT17-{number}-FRCNN"
        folder = write_sequence(tmp_path / "own", name)
        rows = [line.split(",") for line in (folder / "gt" / "gt.txt").read_text().splitlines()]
        for tracker in ("exact", "two", "switch"):
            kept = [row for row in rows if tracker != "two" or row[1] != "3"]
            if tracker == "switch":
                kept = [[row[0], "7" if row[1] == "1" and int(row[0]) > 15 else row[1], *row[2:]] for row in kept]
            (tmp_path / tracker).mkdir(exist_ok=True)
            (tmp_path / tracker / f"{name}.txt").write_text("".join(f"{','.join(row)}\n" for row in kept))
    return Path(tmp_path)


def test_several_trackers_are_one_table(results, capsys):
    pytest.importorskip("matplotlib")
    files = ["--json", "s.json", "--csv", "s.csv", "--markdown", "s.md", "--latex", "s.tex", "--plots", "s.svg"]
    assert main(["eval", "--data", "own", "--results", "exact", "two", "switch", "--quiet", *files]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"exact +100\.0", shown)
    assert "two minus exact: HOTA" in shown
    saved = json.loads((results / "s.json").read_text())
    assert list(saved["trackers"]) == ["exact", "two", "switch"]
    assert saved["trackers"]["switch"]["COMBINED"]["IDsw"] == 3
    assert saved["differences"]["two"]["MOTA"]["value"] == pytest.approx(-100 / 3)
    assert saved["differences"]["two"]["MOTA"]["high"] < 0
    assert "| exact | **100.0** |" in (results / "s.md").read_text()
    assert r"exact & \textbf{100.0}" in (results / "s.tex").read_text()
    assert len((results / "s.csv").read_text().splitlines()) == 1 + 3 * 4
    assert "<svg" in (results / "s.svg").read_text()
    # The same from Python.
    made = remix_track.eval.evaluate("own", ["exact", "two", "switch"])
    assert made == {"trackers": made["trackers"], "differences": made["differences"]}
    assert made["differences"] == saved["differences"]
    named = remix_track.eval.evaluate("own", {"A": "exact", "B": "two"}, sequences=["MOT17-02"])
    assert list(named["trackers"]) == ["A", "B"]
    assert named["differences"] == {}


def test_sequences_are_chosen_by_name_by_number_and_by_glob(results, capsys):
    for words, count in ((["MOT17-02-FRCNN"], 1), (["MOT17-02", "MOT17-09"], 2), (["*-0[24]-*"], 2)):
        scored = ["--results", "exact", "--json", "one.json", "--overwrite", "--quiet"]
        assert main(["eval", "--data", "own", *scored, "--sequences", *words]) == 0
        assert len(json.loads((results / "one.json").read_text())["sequences"]) == count
    capsys.readouterr()
    assert main(["eval", "--data", "own", "--results", "exact", "--sequences", "MOT17-05"]) == 2
    assert "--sequences MOT17-05: none of the 3 is called so; did you mean MOT17-0" in capsys.readouterr().err


def test_what_does_not_go_with_several_is_refused_first(results, capsys):
    for words in (["--min", "MOTA=1"], ["--verify"], ["--errors", "e.html"]):
        assert main(["eval", "--data", "own", "--results", "exact", "two", *words]) == 2
        assert "are for one result" in capsys.readouterr().err
    assert main(["eval", "--data", "own", "--results", "exact", "two", "--plots", "a.txt"]) == 2
    assert "--plots writes .png, .pdf, .svg" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"named twice"):
        names_of([Path("exact"), Path("two/../exact")])
    assert list(names_of([Path("a/data"), Path("b/data"), Path("c")])) == ["a/data", "b/data", f"{Path.cwd().name}/c"]
