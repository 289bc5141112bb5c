"""`eval --verify`: other programs count the same, and what they count otherwise is printed."""

import dataclasses
import math

import numpy as np
import pytest

from remix_track.cli.main import main
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.evaluation import evaluate_files
from remix_track.eval.files.result_files import find_results
from remix_track.eval.files.sequences import find_sequences
from remix_track.eval.matching.match import match_sequence
from remix_track.eval.metrics.clear import count_clear
from remix_track.eval.verification import verify as verification
from tests.mot_scenes import KINDS, mot_rows, scene

pytest.importorskip("trackeval")


def write(path, rows):
    lines = zip(rows.frame, rows.id, rows.tlwh.tolist(), rows.score, rows.class_id, strict=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{f},{i},{','.join(map(repr, b))},{s:g},{c},1\n" for f, i, b, s, c in lines))


@pytest.fixture
def scenes(tmp_path, monkeypatch):
    """One drawn scene of each kind as MOT17 has it in `MOT17`, and results in `results`."""
    monkeypatch.chdir(tmp_path)
    for seed in range(1008, 1008 + len(KINDS)):
        gt, results, frames = scene(seed, distractors=seed % 2 == 0)
        # A file without a row is refused; one whose rows do not count is not.
        gt = gt if len(gt) else mot_rows([1], [1], [[0, 0, 9, 9]], [0])
        name = f"MOT17-{seed}"
        write(tmp_path / "MOT17" / name / "gt" / "gt.txt", gt)
        (tmp_path / "MOT17" / name / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={frames}\n")
        write(tmp_path / "results" / f"{name}.txt", results)
    return tmp_path


def verified(folder, protocol="devkit"):
    rules, found = PRESETS["mot17"], find_sequences(folder / "MOT17", PRESETS["mot17"])
    results = find_results(folder / "results", found.sequences)
    evaluation = evaluate_files(found, results, rules, PROTOCOLS[protocol], keep_rows=True)
    return verification.verify(evaluation, rules, PROTOCOLS[protocol])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_programs_count_the_same_in_every_kind_of_scene(scenes, protocol):
    found = verified(scenes, protocol)
    assert [tool.split()[0] for tool in found.tools] == ["motmetrics", "TrackEval"]
    assert found.sequences == len(KINDS)
    assert (found.differences, found.left, len(found.counted)) == ((), (), 30)


@pytest.mark.parametrize(
    ("field", "metrics", "tools"),
    [
        ("tp", {"MOTA", "TP", "Recall", "Precision", "MOTP"}, {"motmetrics", "TrackEval"}),
        ("switches", {"MOTA", "IDsw"}, {"motmetrics", "TrackEval"}),
        ("mostly_lost", {"ML"}, {"TrackEval"}),
    ],
)
def test_a_count_that_is_broken_by_hand_is_noticed(scenes, monkeypatch, field, metrics, tools):
    right = count_clear

    def wrong(match):
        counted = right(match)
        # In two of the nine: no other sequence is named.
        few = len(match.results) % 4 == 0 and counted.tp
        return dataclasses.replace(counted, **{field: getattr(counted, field) + 1}) if few else counted

    monkeypatch.setattr("remix_track.eval.metrics.score.count_clear", wrong)
    found = verified(scenes)
    assert {difference.metric for difference in found.differences} == metrics
    assert {difference.tool.split()[0] for difference in found.differences} == tools
    assert 1 < len({difference.sequence for difference in found.differences}) < len(KINDS)
    assert "COMBINED" in {difference.sequence for difference in found.differences}


def test_a_wrong_matching_is_noticed_by_trackeval(scenes, monkeypatch):
    """Who is matched with whom motmetrics is told under the devkit's rule; TrackEval finds it by itself."""
    right = match_sequence
    monkeypatch.setattr(
        "remix_track.eval.metrics.score.match_sequence",
        lambda prepared, protocol, frames: right(prepared, PROTOCOLS["motmetrics"], frames),
    )
    assert {"IDsw", "Frag"} & {each.metric for each in verified(scenes).differences if "TrackEval" in each.tool}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (70.0, 70.0 * (1 + 0.9e-6), True),
        (70.0, 70.0 * (1 + 1.1e-6), False),
        (2_000_000, 2_000_000, True),
        (2_000_000, 2_000_001, False),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (0.0, math.nan, False),
    ],
)
def test_what_counts_as_a_difference(ours, theirs, same):
    tables = {"sequences": {"yard": {"MOTA": ours}}, "COMBINED": {"MOTA": ours}}
    found = verification.compared(tables, {"tool 1": {"yard": {"MOTA": theirs}, "COMBINED": {"MOTA": ours}}})
    assert [each.sequence for each in found.differences] == ([] if same else ["yard"])


def test_ids_of_any_size_and_boxes_in_any_order(scenes):
    name = "MOT17-1008"
    rows = mot_rows([2, 1, 2], [2**52, 2**52, 7], [[0, 0, 10, 20], [0, 0, 10, 20], [50, 0, 10, 20]])
    write(scenes / "MOT17" / name / "gt" / "gt.txt", rows)
    write(scenes / "results" / f"{name}.txt", rows[np.array([2, 0, 1])])
    assert verified(scenes).differences == ()


def test_the_command_says_that_nothing_differs(scenes, capsys):
    words = ["eval", "--mot17", "MOT17", "--results", "results", "--verify", "--quiet"]
    assert main([*words, "--split", "val-half"]) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("recounted by motmetrics 1.4.0 and TrackEval 1.3.0: 9 sequences and COMBINED, 30 numbers")
    assert said.endswith("no difference")


def test_own_data_of_chosen_classes_is_recounted(scenes, capsys):
    words = ["eval", "--data", "MOT17", "--results", "results", "--classes", "1", "2", "--verify", "--quiet"]
    assert main(words) == 0
    assert "no difference" in capsys.readouterr().err


def test_the_command_prints_each_difference_and_exits_1(scenes, capsys, monkeypatch):
    right = count_clear
    monkeypatch.setattr(
        "remix_track.eval.metrics.score.count_clear", lambda match: dataclasses.replace(right(match), switches=3)
    )
    assert main(["eval", "--mot17", "MOT17", "--results", "results", "--verify", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert "remix-track: MOT17-1014: IDsw is 3 here and 0 by motmetrics 1.4.0\n" in said
    assert "remix-track: COMBINED: IDsw is 27 here and" in said
    assert said.splitlines()[-1].endswith(" differences")


def test_without_trackeval_it_says_what_was_not_recounted(scenes, capsys, monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda name: None)
    assert main(["eval", "--mot17", "MOT17", "--results", "results", "--verify", "--quiet"]) == 0
    last, left = capsys.readouterr().err.splitlines()[-2:]
    assert last == "recounted by motmetrics 1.4.0: 9 sequences and COMBINED, 17 numbers each, no difference"
    assert left.startswith("not recounted: HOTA, DetA, AssA, LocA, MT, PT, ML, Frag, ")
    assert "remix-track[verify]" in left


def test_a_comparison_cannot_be_verified(capsys):
    assert main(["eval", "--mot17", "--compare", "a.json", "b.json", "--verify"]) == 2
    assert "--compare goes with --markdown only" in capsys.readouterr().err
