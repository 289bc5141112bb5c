"""What `tests.bench.bench_gpu_training` and its first part are made of; the whole of it is run by hand.

`python -m tests.bench.bench_gpu_training OUT.json --device cpu --scale tiny` trains, in a few minutes.
"""

import sys
import time
from itertools import pairwise

import pytest
import torch

from remix_track.data.crop_set import Split
from remix_track.settings import read_toml
from remix_track.settings_text import changed
from remix_track.studies.study_file import chosen_studies, read_studies
from remix_track.training.context import Position
from remix_track.training.data_sets import open_training_data
from remix_track.training.stopping import Stopped
from remix_track.training.train_settings import TrainSettings
from tests.bench import bench_gpu_training as bench
from tests.bench.paper_config_steps import AFTER, CONFIG, STAGES, Amounts, Watch, draw, images_in_a_step


def test_made_up_crops_are_a_set_of_both_halves(tmp_path):
    words = draw(tmp_path, Amounts(people=3, videos=2, people_of_a_video=4, crops_of_a_stranger=2), threads=2)
    data = open_training_data(changed(TrainSettings, {}, words, "test"))
    assert (len(data.labelled), len(data.labelled.identity_names)) == (3 * 4 * 3, 3)
    assert len(set(data.labelled.camera.tolist())) == 4
    assert len(data.labelled.of_split(Split.TRAIN)) == 36
    assert (len(data.unlabelled), len(data.unlabelled.videos)) == (2 * 4 * 2, 2)
    assert data.single is not None
    assert data.single.hidden_identity is not None
    assert len(set(data.single.hidden_identity.tolist())) == 8


def position(step, doing="training"):
    return Position("joint", 1, 1, step, 100, doing, 1.0, 1.0)


def test_a_watch_counts_steps_behind_the_warm_up_apart_from_those_that_save(monkeypatch):
    watch = Watch(torch.device("cpu"), every=10, warm=3, seconds=100.0)
    clock = iter(range(1000))
    for step in range(1, 26):
        # Ten seconds a step; the twentieth takes seven more, the tenth too.
        now = 10.0 * next(clock) + 7.0 * (step >= 10) + 7.0 * (step >= 20)
        monkeypatch.setattr(time, "perf_counter", lambda now=now: now)
        watch.show(position(step))
        if step < 10 + AFTER:
            watch.stop.check()  # the time is over at step 13, but only a few steps behind a checkpoint is it asked for
    usual, saving = watch.seconds_of_steps()
    assert usual == [10.0] * 20  # of the 22 behind the warm-up
    assert saving == [17.0, 17.0]
    with pytest.raises(Stopped):
        watch.stop.check()


def test_a_watch_does_not_stop_before_its_first_checkpoint_or_its_time(monkeypatch):
    early, late = (Watch(torch.device("cpu"), every=10, warm=3, seconds=seconds) for seconds in (0.0, 1e9))
    for step in (*range(1, 10), 12, 13, 14, 16, 17):
        early.show(position(step))
        early.stop.check()
    early.show(position(15))
    with pytest.raises(Stopped):
        early.stop.check()
    for step in range(1, 30):
        late.show(position(step, "embedding" if step == 1 else "training"))
    late.stop.check()
    assert min(late.steps) == 2


@pytest.mark.parametrize("scale", bench.SCALES)
def test_every_setting_of_a_scale_is_one_that_its_config_takes(scale):
    chosen = bench.SCALES[scale]
    cells = read_studies(bench.TABLE4, chosen.table4.split())
    (study,) = chosen_studies(cells, [f"grid/{cell}" for cell in bench.CELLS])
    assert tuple(cell.name for cell in study.cells) == bench.CELLS
    people = changed(TrainSettings, read_toml(bench.PEOPLE), chosen.people.split(), "people")
    words = chosen.paper.split()
    sets = [after for before, after in pairwise(words) if before == "--set"]
    for stage, switches in STAGES.items():
        paper = changed(TrainSettings, read_toml(CONFIG), [*switches, *sets], "paper")
        assert images_in_a_step(paper, stage) == ({"joint": 64, "moco": 256} if scale == "full" else
                                                  {"joint": 32, "moco": 8})[stage]  # fmt: skip
    if scale == "full":
        assert images_in_a_step(study.cells[0].settings, "joint") == 256
        assert study.cells[0].settings.pretraining.batch_size == 256
        assert people == changed(TrainSettings, read_toml(bench.PEOPLE), [], "people")
        assert chosen.people_data.removesuffix(" --sequences 0 --seed 2") in bench.PEOPLE.read_text()


def test_a_command_that_takes_too_long_is_asked_to_leave_and_one_that_fails_says_why(tmp_path):
    waits = bench.Command([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "waits.log")
    ended = waits.wait_until(time.perf_counter() + 0.1)
    assert ended["cut"]
    assert ended["exit_code"] < 0
    fails = bench.Command([sys.executable, "-c", "import sys; sys.exit('no such thing')"], tmp_path / "fails.log")
    ended = fails.wait_until(time.perf_counter() + 60)
    assert (ended["cut"], ended["exit_code"], ended["said"]) == (False, 1, "no such thing")


def test_a_part_that_fails_is_said_and_is_no_end(tmp_path, monkeypatch):
    def fails(made, end):
        raise RuntimeError("no such set")

    monkeypatch.setitem(bench.PARTS, "table4", fails)
    made = bench.Bench(tmp_path, bench.SCALES["tiny"], "cpu", jobs=1)
    found = bench.part_result("table4", made, 1.0)
    assert found["failed"] == "RuntimeError: no such set"
    assert found["part_seconds"] >= 0
