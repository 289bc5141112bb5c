"""Our numbers are TrackEval 1.3.0's, on random scenes, field by field."""

import contextlib
import io

import numpy as np
import pytest

from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import combine, score_sequence
from remix_track.eval.verification import by_trackeval
from tests.mot_scenes import assert_same, mot_rows, scene, trackeval_data, trackeval_fields

pytest.importorskip("trackeval")


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_scenes_agree_on_every_field(start):
    for seed in range(start, start + 50):
        gt, results, frames = scene(seed)
        ours = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], frames).score
        data = trackeval_data(gt, results, frames, "data")
        assert_same(ours, trackeval_fields(data), f"scene {seed}")


@pytest.mark.parametrize("preset", ["mot15", "mot16", "mot17", "mot20", "dancetrack", "sportsmot"])
@pytest.mark.parametrize("protocol", ["devkit", "raw"])
def test_scenes_with_distractors_agree(preset, protocol):
    for seed in range(1000, 1040):
        gt, results, frames = scene(seed, distractors=True)
        found = score_sequence(gt, results, PRESETS[preset], PROTOCOLS[protocol], frames)
        data = trackeval_data(gt, results, frames, preset, protocol)
        assert_same(found.score, trackeval_fields(data), f"scene {seed}, {preset}")


def test_scenes_together_agree_with_combine_sequences():
    ours, theirs = [], []
    for seed in (0, 1, 2, 3, 6, 8):  # 6 has no results: it adds misses and nothing else
        gt, results, frames = scene(seed)
        ours.append(score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], frames).score)
        theirs.append(trackeval_data(gt, results, frames, "data"))
    expected = {}
    for metric in by_trackeval.metrics():
        sequences = {str(number): metric.eval_sequence(data) for number, data in enumerate(theirs)}
        expected.update(metric.combine_sequences(sequences))
    together = combine(ours)
    # TrackEval does not count the frames of a sequence without results.
    assert together.clear.frames - expected["CLR_Frames"] == theirs[4]["num_timesteps"]
    expected["CLR_Frames"], expected["FP_per_frame"] = together.clear.frames, together.clear.fp_per_frame
    assert_same(together, expected, "COMBINED")


def test_whole_trackeval_run_from_files_agrees(tmp_path):
    """Through TrackEval's own file reading, sequence map and evaluator, not only its classes."""
    import trackeval

    truth, trackers, names = tmp_path / "gt", tmp_path / "trackers", []
    ours = {}
    for seed in range(2000, 2005):
        gt, results, frames = scene(seed, distractors=True)
        name = f"MOT17-{seed}"
        names.append(name)
        folder = truth / "MOT17-train" / name / "gt"
        folder.mkdir(parents=True)
        _write(folder / "gt.txt", gt)
        (folder.parent / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nseqLength={frames}\n")
        data = trackers / "MOT17-train" / "mine" / "data"
        data.mkdir(parents=True, exist_ok=True)
        _write(data / f"{name}.txt", results)
        ours[name] = score_sequence(gt, results, PRESETS["mot17"], PROTOCOLS["devkit"], frames).score
    settings = {"GT_FOLDER": str(truth), "TRACKERS_FOLDER": str(trackers), "PRINT_CONFIG": False}
    settings["SEQ_INFO"] = dict.fromkeys(names)
    quiet = {"PRINT_RESULTS": False, "PRINT_CONFIG": False, "TIME_PROGRESS": False, "OUTPUT_SUMMARY": False}
    quiet |= {"OUTPUT_DETAILED": False, "PLOT_CURVES": False, "OUTPUT_EMPTY_CLASSES": False, "BREAK_ON_ERROR": True}
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = trackeval.Evaluator(quiet)
        dataset = trackeval.datasets.MotChallenge2DBox(settings)
        result, _ = evaluator.evaluate([dataset], by_trackeval.metrics()[:3])
    per_sequence = result["MotChallenge2DBox"]["mine"]
    for name, score in [*ours.items(), ("COMBINED_SEQ", combine(ours.values()))]:
        fields = per_sequence[name]["pedestrian"]
        expected = {
            key: value for metric in ("HOTA", "CLEAR", "Identity", "Count") for key, value in fields[metric].items()
        }
        if name == "COMBINED_SEQ":
            expected["CLR_Frames"], expected["FP_per_frame"] = score.clear.frames, score.clear.fp_per_frame
        assert_same(score, expected, name)


def test_thresholds_fall_on_the_same_side():
    """Boxes whose IoU is on, a rounding below and a rounding above 0.5 and every HOTA threshold."""
    rng = np.random.default_rng(5)
    left = np.round(rng.uniform(0, 500, 600), 2)
    size = np.round(rng.uniform(20, 90, 600), 1)
    share = np.tile(np.arange(0.05, 0.99, 0.05).round(2), 32)[:600]
    frame = np.arange(1, 601)
    gt = mot_rows(frame, np.ones(600), np.stack([left, left, size, size], 1))
    results = mot_rows(frame, np.full(600, 7), np.stack([left, left, size * share, size], 1))
    ours = score_sequence(gt, results, PRESETS["data"], PROTOCOLS["devkit"], 600).score
    assert_same(ours, trackeval_fields(trackeval_data(gt, results, 600, "data")), "thresholds")


def _write(path, rows):
    text = [
        f"{frame},{id_},{','.join(map(repr, box))},{flag:.0f},{class_id},1\n"
        for frame, id_, box, flag, class_id in zip(
            rows.frame, rows.id, rows.tlwh.tolist(), rows.score, rows.class_id, strict=True
        )
    ]
    path.write_text("".join(text))
