"""`remix-train grid`: what runs, what is skipped, what goes on, and what the table says; with a stand-in trainer."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from remix_track.cli import train_grid
from remix_track.cli.train import main
from remix_track.errors import InputError
from remix_track.settings import read_toml
from remix_track.studies import running
from remix_track.studies.cell_runs import CellFolders
from remix_track.studies.running import all_jobs, folder_lock
from remix_track.studies.study_file import read_studies
from remix_track.studies.summary import Spread, collect, jitter, seed_noise
from remix_track.training.train_settings import OptimiserSettings

CONFIG = Path(__file__).parents[2] / "configs/grid_cpu.toml"

# Behaves as remix-train does, in a few milliseconds: what it does is asked for by encoder.weights.
TRAINER = """
import json, pathlib, signal, sys, time, tomllib
pairs = list(zip(sys.argv[1::2], sys.argv[2::2]))
words, sets = dict(pairs), [value for key, value in pairs if key == "--set"]
resume = "--resume" in words
folder = pathlib.Path(words.get("--resume") or words["--output"])
with (folder.parent.parent.parent / "calls.txt").open("a") as file:
    file.write(f"{'resume' if resume else 'begin'} {folder.parent.name}/{folder.name}\\n")
if not resume:
    assert sys.argv[-1] == "--overwrite"
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    text = pathlib.Path(words["--config"]).read_text()
    (folder / "config.toml").write_text(text.replace("seed = 0 ", sets[0].replace("run.seed=", "seed = ") + " "))
    (folder / "sets.txt").write_text("\\n".join(sets))
for start in [value.partition("=")[2] for value in sets if value.startswith("encoder.weights=")]:
    assert (pathlib.Path(start).parent / "log.jsonl").exists(), "it begins before its pre-training has ended"
settings = tomllib.loads((folder / "config.toml").read_text())
seed, rate, ask = settings["run"]["seed"], settings["optimiser"]["learning_rate"], settings["encoder"]["weights"]
if ask == "fails" and not (folder.parent.parent.parent / "mended").exists():
    print("remix-train: the loss is nan; lower the rate")
    print("a warning that is not the reason")
    sys.exit(2)
(folder / "checkpoints/joint-00001-0000000.pt").touch()
if ask == "waits" and not resume:
    def leave(number, frame):
        (folder / "saved").touch()
        sys.exit(143)
    signal.signal(signal.SIGTERM, leave)
    (folder / "waiting").touch()
    time.sleep(60)
    sys.exit(9)
log = [{"event": "labels", "epoch": 1, "clusters": 10 + seed, "outliers": 1, "purity": 0.9, "completeness": None}]
score = rate * 100 + 0.01 * seed ** 2
log += [{"event": "evaluation", "epoch": n, "rank1": 2 * score, "map": score + 0.01 * (4 - n), "minp": 0.1}
        for n in (1, 2, 3, 4)]
if settings["run"]["epochs"] == 0:
    time.sleep(0.3)  # long enough for who does not wait for it
    log = [{"event": "probe", "steps": 10 * n, "rank1": 0.1 + 0.05 * n - 0.02 * n * n} for n in (0, 1, 2)]
    log += [{"event": "evaluation", "epoch": 0, "rank1": 0.1, "map": 0.1, "minp": 0.1}]
(folder / "log.jsonl").write_text("".join(json.dumps(line) + "\\n" for line in log))
"""

STUDIES = """
data_command = "draw-it {root}/data"
[base]
pretrain = false
[base.data]
multi_camera = ["folder:{root}/data"]
single_camera = ["folders:{root}/data"]
target = "folder:{root}/data"
[base.optimiser]
learning_rate = 1e-3
[study.grid]
title = "The grid"
seeds = [0, 1, 3]
[study.grid.cells]
plain = {{joint = false}}
joint = {{}}
[study.rates]
axis = "learning rate"
jitter = true
base = {{run.evaluate_every = 5}}
[study.rates.cells]
"adam = 0.001" = {{}}
"adam = 0.002" = {{optimiser.learning_rate = 2e-3}}
"""


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch, request):
    """Drawing takes longer than all else here."""
    if "picture" not in request.node.name:
        monkeypatch.setattr(train_grid, "draw_study", lambda path, found: False)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function that writes the file (with more lines) and gives its path; trainings are the stand-in's."""
    (tmp_path / "data").mkdir()
    (tmp_path / "trainer.py").write_text(TRAINER)
    monkeypatch.setattr(running, "TRAINER", (sys.executable, str(tmp_path / "trainer.py")))

    def write(more="", text=STUDIES):
        (tmp_path / "studies.toml").write_text(text.format(root=tmp_path) + more)
        return tmp_path / "studies.toml"

    return write


def grid(path, *words):
    return main(["grid", str(path), "--output", str(path.parent / "out"), *words])


def calls(path):
    """What the trainer was asked to do, since the last time this was asked."""
    file = path.parent / "out/calls.txt"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def results(path):
    return json.loads((path.parent / "out/results.json").read_text())["studies"]


def table(path):
    return (path.parent / "out/table.md").read_text()


def row(path, cell):
    return next(line for line in table(path).splitlines() if line.startswith(f"| {cell} |"))


def test_equal_cells_are_one_training_and_a_second_call_runs_none(study):
    path = study()
    assert grid(path, "--quiet") == 0
    begun = calls(path)
    # `joint` with seed 0 and `adam = 0.001` are the same.
    assert begun == [f"begin grid-{cell}/seed-{seed}" for seed in (0, 1, 3) for cell in ("plain", "joint")] + [
        "begin rates-adam-0.002/seed-0"
    ]
    before = results(path)
    assert before["rates"]["cells"]["adam = 0.001"]["seeds"]["0"] == before["grid"]["cells"]["joint"]["seeds"]["0"]
    assert grid(path, "--quiet", "--jobs", "3") == 0
    assert calls(path) == []
    assert results(path) == before


def test_a_setting_from_the_command_line_is_every_cells_but_not_over_its_own(study):
    path = study()
    words = ["--set", "run.epochs=3", "--set", "optimiser.learning_rate=5e-3", "--set", "joint=true"]
    assert grid(path, "--quiet", *words) == 0
    begun = calls(path)
    assert len(begun) == 7
    written = {one.name: read_toml(one / "settings.toml") for one in (path.parent / "out/cells").iterdir()}
    assert {one["run"]["epochs"] for one in written.values()} == {3}
    assert {name: (one["joint"], one["optimiser"]["learning_rate"]) for name, one in written.items()} == {
        "grid-plain": (False, 5e-3), "grid-joint": (True, 5e-3), "rates-adam-0.002": (True, 2e-3)
    }  # fmt: skip
    command = "--set run.epochs=3 --set optimiser.learning_rate=5e-3 --set joint=true"
    assert f"remix-train grid {path} {command}" in table(path)
    # Other settings are other trainings, and the earlier ones are found again.
    assert grid(path, "--quiet") == 0
    assert len(calls(path)) == 7
    assert grid(path, "--quiet", *words) == 0
    assert calls(path) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [("run.epoch=3", "did you mean 'epochs'"), ("run.epochs=many", "many"), ("data.target=a", "[study.x]: base")],
)
def test_a_setting_from_the_command_line_that_does_not_fit_is_said(study, capsys, change, said):
    more = "[study.x]\nbase = 3\n[study.x.cells]\na = {}\n" if "target" in change else ""
    assert grid(study(more), "--set", change) == 2
    assert said in capsys.readouterr().err


def test_settings_of_a_pre_training_that_is_off_make_no_new_training(study):
    path = study()
    grid(path, "--quiet")
    calls(path)
    study("[base.moco]\nqueue_size = 16\n")
    assert grid(path, "--quiet") == 0
    assert calls(path) == []
    study("[base.moco]\nqueue_size = 16\n", STUDIES.replace("pretrain = false", "pretrain = true"))
    assert grid(path, "--quiet") == 0
    # The seven, and the pre-training of each seed.
    assert len(calls(path)) == 10


def test_studies_that_differ_in_a_pre_training_that_is_off_share_their_trainings(study):
    text = STUDIES.partition("[study.grid]")[0]
    for size in (32, 64):
        text += f"[study.queue-{size}]\nseeds = [0]\nbase = {{{{moco.queue_size = {size}}}}}\n"
        text += f"[study.queue-{size}.cells]\nplain = {{{{}}}}\n"
    path = study(text=text)
    assert grid(path, "--quiet", "--jobs", "2") == 0
    assert len(calls(path)) == 1
    assert [len(one["cells"]) for one in results(path).values()] == [1, 1], "each study has its row"


PAPER = (
    STUDIES.partition("[study.grid]")[0].replace("pretrain = false", "")
    + """
[study.paper]
seeds = [0, 1]
[study.paper.cells]
neither = {{pretrain = false, joint = false}}
pretrained = {{joint = false}}
both = {{optimiser.learning_rate = 2e-3}}
other = {{moco.queue_size = 16}}
"""
)


@pytest.mark.parametrize("parallel", ["1", "3"])
def test_cells_that_pre_train_alike_share_a_pre_training_for_each_seed(study, parallel):
    path = study(text=PAPER)
    assert grid(path, "--quiet", "--jobs", parallel) == 0
    called = calls(path)
    shared = ["paper-shared-pre-training", "paper-shared-pre-training-2"]
    names = ["paper-neither", *shared, "paper-pretrained", "paper-both", "paper-other"]
    assert sorted(called) == sorted(f"begin {name}/seed-{seed}" for name in names for seed in (0, 1))
    cells = path.parent / "out/cells"
    for name, start in (("pretrained", shared[0]), ("both", shared[0]), ("other", shared[1])):
        assert called.index(f"begin {start}/seed-1") < called.index(f"begin paper-{name}/seed-1")
        assert (cells / f"paper-{name}/seed-1/sets.txt").read_text().split("\n") == [
            "run.seed=1", "pretrain=false", f"encoder.weights={cells}/{start}/seed-1/remix.safetensors",
        ]  # fmt: skip
    assert (cells / "paper-neither/seed-1/sets.txt").read_text() == "run.seed=1"
    alone = read_toml(cells / shared[0] / "settings.toml")
    assert (alone["pretrain"], alone["joint"], alone["run"]["epochs"]) == (True, False, 0)
    assert alone["optimiser"]["learning_rate"] == OptimiserSettings().learning_rate
    line = (
        "- Shared pre-training, seed 1: Rank-1 of the probe 10.0 at the start, 13.0 after 10 of 20 steps, 0.0 minutes."
    )
    assert table(path).count(line) == 2
    assert grid(path, "--quiet") == 0
    assert calls(path) == []


def test_a_pre_training_that_fails_is_the_end_of_the_cells_that_need_it_alone(study, capsys):
    path = study(text=PAPER.replace("pretrained = {{joint = false}}", 'bad = {{encoder.weights = "fails"}}'))
    assert grid(path, "--only", "paper/bad", "paper/neither", "paper/both") == 1
    said = capsys.readouterr()
    assert said.err.count("paper/bad seed 0: failed: its pre-training did") == 1
    assert sum("paper-bad" in one for one in calls(path)) == 0
    assert row(path, "both").endswith("| 2 of 2 |")
    assert row(path, "neither").endswith("| 2 of 2 |")
    assert row(path, "bad").endswith("| 0 of 2 |")
    assert "- Shared pre-training, seed 0: failed: remix-train: the loss is nan; lower the rate." in table(path)


def test_means_and_deviations_are_numpys(study):
    path = study()
    grid(path, "--quiet")
    scores = 0.1 + 0.01 * np.array([0, 1, 9])
    cell = results(path)["grid"]["cells"]["joint"]
    assert cell["mean"]["map"] == pytest.approx(scores.mean())
    assert cell["std"]["map"] == pytest.approx(np.std(scores, ddof=1))
    assert cell["mean"]["clusters"] == pytest.approx(np.mean([10, 11, 13]))
    assert cell["mean"]["completeness"] is None
    assert results(path)["rates"]["cells"]["adam = 0.002"]["std"]["map"] is None
    mean, std = 100 * scores.mean(), 100 * np.std(scores, ddof=1)
    assert f"| {2 * mean:.1f} ± {2 * std:.1f} | {mean:.1f} ± {std:.1f} | 11 ± 2 | 90.0 ± 0.0 | - |" in row(
        path, "joint"
    )
    assert row(path, "joint").endswith("| 3 of 3 |")
    assert "| 40.0 | 20.0 | 1.00 | 10 | 90.0 | - | 0.0 | 1 of 1 |" in row(path, "adam = 0.002")
    file = read_studies(path)
    noise, cells = seed_noise(collect(file.studies, CellFolders(path.parent / "out")))
    assert cells == 2
    assert noise == pytest.approx(np.std(scores, ddof=1))
    assert f"standard deviation of {100 * noise:.1f} (pooled over 2 cells)" in table(path)
    single, means = 200 * np.sqrt(2) * noise, 200 * np.sqrt(2 / 3) * noise
    said = f"two single runs differ by more than {single:.1f} by chance in about one case of twenty, means of 3 runs"
    assert f"{said} by more than {means:.1f}." in table(path)


def test_spread_and_jitter_against_their_definitions():
    spread = Spread.of([1.0, float("nan"), 4.0])
    assert spread.mean == 2.5
    assert spread.std == pytest.approx(np.std([1, 4], ddof=1))
    assert np.isnan([Spread.of([1.0]).std, Spread.of([]).mean]).all()
    values = [0.0, 0.3, 0.5, 0.4, 0.45, 0.40]
    # The second half begins at the fourth epoch; the step into it counts.
    assert jitter(values) == pytest.approx((0.1 + 0.05 + 0.05) / 3)
    assert np.isnan(jitter(values[:3]))


def test_every_study_has_a_picture(study):
    path = study()
    grid(path, "--quiet", "--only", "rates")
    pictures = sorted(one.name for one in (path.parent / "out").glob("*.png"))
    assert pictures == ["grid.png", "rates.png"]  # the grid too, as one of its cells was run for `rates`
    assert all((path.parent / "out" / name).read_bytes()[:4] == b"\x89PNG" for name in pictures)
    assert "![The grid](grid.png)" in table(path)


def test_what_was_not_run_is_marked(study, capsys):
    path = study()
    assert grid(path, "--only", "grid/joint") == 0
    assert calls(path) == [f"begin grid-joint/seed-{seed}" for seed in (0, 1, 3)]
    assert "| **not run** | **not run** |" in row(path, "plain")
    assert row(path, "plain").endswith("| 0 of 3 |")
    assert "3 of 3 trainings finished" in capsys.readouterr().out
    assert results(path)["grid"]["cells"]["plain"]["seeds"] == {"0": "not run", "1": "not run", "3": "not run"}
    assert grid(path, "--dry-run", "--only", "grid") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "not run   grid/plain seed 0  (joint = false)",
        "finished  grid/joint seed 0  (the study's base)",
    ]
    assert lines[-1] == "3 of 6 trainings would run"
    assert calls(path) == []


def test_a_failure_is_reported_and_the_next_goes_on(study, capsys):
    path = study('broken = {encoder.weights = "fails"}\nlast = {optimiser.learning_rate = 3e-3}\n')
    assert grid(path, "--only", "rates") == 1
    assert "rates-last/seed-0" in calls(path)[-1]
    said = "rates/broken seed 0: failed (exit code 2): remix-train: the loss is nan; lower the rate"
    assert said in capsys.readouterr().err
    assert "| **failed** | **failed** |" in row(path, "broken")
    assert "- broken, seed 0: failed: remix-train: the loss is nan; lower the rate" in table(path)
    assert "30.0" in row(path, "last")
    (path.parent / "out/mended").touch()
    assert grid(path, "--quiet", "--only", "rates") == 0
    assert calls(path) == ["begin rates-broken/seed-0"]
    assert "10.0" in row(path, "broken")


def runner(path):
    code = f"from remix_track.studies import running; running.TRAINER = {running.TRAINER!r}\n"
    code += "from remix_track.cli import train_grid; train_grid.draw_study = lambda path, found: False\n"
    code += "import sys; from remix_track.cli.train import main; sys.exit(main(sys.argv[1:]))"
    words = ["grid", str(path), "--output", str(path.parent / "out"), "--only", "rates", "--jobs", "2"]
    return subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)


def wait_for(condition, seconds=100):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free(root):
    try:
        with folder_lock(root):
            return True
    except InputError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_runner_that_is_cut_leaves_checkpoints_and_goes_on(study, number):
    path = study('a = {encoder.weights = "waits"}\nb = {encoder.weights = "waits", run.epochs = 7}\n')
    root = path.parent / "out"
    process = runner(path)
    folders = [root / f"cells/rates-{name}/seed-0" for name in "ab"]
    wait_for(lambda: all((folder / "waiting").exists() for folder in folders))
    with pytest.raises(InputError, match="another run of the grid is at work there"), folder_lock(root):
        pass
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == {2: 130, 15: 143, 9: -9}[number]
    assert "Traceback" not in err
    # Also those of a killed runner save and leave by themselves.
    wait_for(lambda: free(root))
    assert all((folder / "saved").exists() for folder in folders)
    calls(path)
    process = runner(path)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert sorted(calls(path)) == ["resume rates-a/seed-0", "resume rates-b/seed-0"]
    assert "10.0" in row(path, "a")
    status = json.loads((root / "cells/rates-a/seed-0.json").read_text())
    spans = [one["ended"] - one["began"] for one in status["attempts"]]
    assert len(spans) == 2
    assert status["result"]["seconds"] == pytest.approx(sum(spans))
    assert status["attempts"][-1]["code"] == 0


@pytest.mark.parametrize("what", ["removed", "renamed", "replaced"])
def test_a_folder_that_is_not_there_any_more_is_one_line_and_nothing_is_written_to_it(study, what):
    path = study('a = {encoder.weights = "waits"}\nb = {encoder.weights = "waits", run.epochs = 7}\n')
    root, elsewhere = path.parent / "out", path.parent / "elsewhere"
    process = runner(path)
    wait_for(lambda: all((root / f"cells/rates-{name}/seed-0/waiting").exists() for name in "ab"))
    root.rename(elsewhere)
    if what == "removed":
        shutil.rmtree(elsewhere)
    if what == "replaced":
        root.mkdir()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "Traceback" not in err
    said = f"remix-train: {root}: was removed, renamed or replaced while the grid ran; run again, and leave it until "
    assert [line for line in err.splitlines() if line.startswith("remix-train: ")] == [f"{said}the grid ends"]
    stopped = "stopped: {}/cells/rates-{}/seed-0.json: was removed while the training ran; run again"
    assert all(stopped.format(root, name) in err for name in "ab")
    assert not root.exists() or not list(root.iterdir())
    if what == "renamed":
        assert free(elsewhere)


def test_a_training_whose_folder_is_removed_fails_alone_and_is_begun_anew(study, capsys):
    path = study('a = {encoder.weights = "waits"}\nb = {encoder.weights = "waits", run.epochs = 7}\n')
    cells = path.parent / "out/cells"
    process = runner(path)
    wait_for(lambda: all((cells / f"rates-{name}/seed-0/waiting").exists() for name in "ab"))
    shutil.rmtree(cells / "rates-a")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"a seed 0: failed: {cells}/rates-a/seed-0.json: was removed while the training ran; run again" in err
    assert "rates/b seed 0: failed (exit code 143)" in err
    assert not (cells / "rates-a").exists()
    assert grid(path, "--dry-run", "--only", "rates") == 0
    states = [line.partition("(")[0].split() for line in capsys.readouterr().out.splitlines()[-3:-1]]
    assert states == [["not", "run", "rates/a", "seed", "0"], ["cut", "rates/b", "seed", "0"]]


def test_a_cell_whose_folder_was_removed_gets_it_again(study):
    path = study()
    cell = read_studies(path).studies[0].cells[0]
    folders = CellFolders(path.parent / "out")
    for _ in range(2):
        made = folders.claim(cell, 1, "grid/plain")
        assert (made.cell_folder.name, made.config.is_file()) == ("grid-plain", True)
        shutil.rmtree(made.cell_folder)


def test_a_result_that_is_not_whole_is_none(study):
    path = study()
    words = ["--quiet", "--only", "grid/joint"]
    grid(path, *words)
    calls(path)
    for damage in ["", '{"attempts": [', '{"result": {"map": 0.1}}', '{"result": null, "attempts": 3}', "[]"]:
        (path.parent / "out/cells/grid-joint/seed-1.json").write_text(damage)
        assert grid(path, *words) == 0
        assert calls(path) == ["begin grid-joint/seed-1"]


def test_a_finished_training_keeps_no_checkpoints(study):
    path = study()
    checkpoints = path.parent / "out/cells/grid-plain/seed-0/checkpoints"
    assert grid(path, "--quiet", "--only", "grid/plain") == 0
    assert checkpoints.parent.is_dir()
    assert not checkpoints.exists()


def test_other_settings_get_a_folder_of_their_own(study):
    path = study()
    grid(path, "--quiet", "--only", "grid/plain")
    calls(path)
    study(text=STUDIES.replace("learning_rate = 1e-3", "learning_rate = 4e-3"))
    assert "not run" in (grid(path, "--quiet", "--only", "rates") or row(path, "plain"))
    assert grid(path, "--quiet", "--only", "grid/plain") == 0
    assert "begin grid-plain-2/seed-0" in calls(path)
    assert "| 43.3 ± 4.9 |" in row(path, "plain")
    study()
    assert grid(path, "--quiet", "--only", "grid/plain") == 0
    assert calls(path) == []
    assert "| 13.3 ± 4.9 |" in row(path, "plain")


def test_a_name_does_not_decide_whose_folder_it_is(study):
    path = study()
    grid(path, "--quiet")
    calls(path)
    study(text=STUDIES.replace("study.grid", "study.paper").replace("plain =", "alone ="))
    assert grid(path, "--quiet") == 0
    assert calls(path) == []


def test_data_that_is_not_there_is_said_before_anything_runs(study, capsys):
    path = study()
    (path.parent / "data").rmdir()
    assert grid(path) == 2
    where = path.parent / "data"
    said = f"remix-train: {where}: no such data set (grid/plain); make it with: draw-it {path.parent}/data"
    assert capsys.readouterr().err.strip() == said
    assert not (path.parent / "out").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("x = {losses.centroid_querry = 1}", "[losses]: unknown key 'centroid_querry'; did you mean 'centroid_query'?"),
        ('x = {losses.centroid_query = "rwa"}', "centroid_query = 'rwa'; expected 'raw' or 'unit'"),
        ("x = 3", "[study.rates]: cell 'x' is a section, not 3"),
        ('"a/b" = {}', "cell 'a/b': a cell's name is at most 60 letters, without / and |"),
        ("[study.more]\nseed = [1]", "[study.more]: unknown key 'seed'; did you mean 'seeds'?"),
        ("[study.more]\nseeds = [1, 1]\ncells = {a = {}}", "seeds = [1, 1]; expected different numbers, at least one"),
        ("[study.more]\nseeds = [-1]\ncells = {a = {}}", "[study.more]: seeds = -1; expected 0 to 4,294,967,295"),
        ("[study.more]", "[study.more]: holds no cell; write [study.more.cells]"),
        ("[study.'../x'.cells]\na = {}", "a study's name is letters, digits, - and _"),
        ("[studies.more]", "unknown key 'studies'; did you mean 'study'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(study, more, message):
    path = study(more)
    with pytest.raises(InputError) as error:
        read_studies(path)
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_name_that_is_not_there_names_the_nearest(study, capsys):
    path = study()
    assert grid(path, "--only", "grid/jiont") == 2
    assert "unknown key 'grid/jiont'; did you mean 'grid/joint'?" in capsys.readouterr().err
    assert grid(path, "--jobs", "0") == 2
    assert "--jobs = 0; expected 1 to 256" in capsys.readouterr().err


def test_the_shipped_file_asks_for_the_grid_every_choice_and_every_sweep():
    file = read_studies(CONFIG)
    found = {study.name: study for study in file.studies}
    sweeps = {"temperatures", "single-images", "momentum", "diversity", "iterations"}
    assert set(found) == {"grid", "imagenet-grid", "choices", *sweeps}
    for name in ("grid", "imagenet-grid"):
        grid_cells = [(cell.settings.pretrain, cell.settings.joint) for cell in found[name].cells]
        assert sorted(grid_cells) == [(False, False), (False, True), (True, False), (True, True)]
    assert len(found["grid"].seeds) >= 3
    keys = {change.split(" = ")[0] for cell in found["choices"].cells for change in cell.changes}
    assert {
        "losses.centroid_query", "losses.centroid_softmax", "losses.instance_negatives", "losses.instance_positives",
        "augmentation.erasing", "centroids.momentum", "clusters.scope", "momentum.batchnorm",
    } <= keys  # fmt: skip
    steps = {
        cell.settings.run.epochs * cell.settings.sampling.iterations_per_epoch for cell in found["iterations"].cells
    }
    assert len(steps) == 1
    # The base of the one-seed studies is one training.
    assert {"choices/as it is", "single-images/24"} - {job.name for job in all_jobs(file.studies)} == {
        "single-images/24"
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_real_training_cut_in_the_middle_gives_the_numbers_of_an_unbroken_one(tmp_path):
    """The trainer itself on a small drawn set: SIGINT in the middle, and the same command again."""
    from remix_track.synthetic.dataset import synthesize

    synthesize(tmp_path / "data", identities=8, cameras=2, videos=4, seed=5, sequences=1)
    tiny = (CONFIG.parent / "tiny_test.toml").read_text().replace("\n[", "\n[base.")
    path = tmp_path / "studies.toml"
    path.write_text(
        f'{tiny}\n[base.data]\nmulti_camera = ["synthetic:{tmp_path}/data"]\n'
        f'single_camera = ["synthetic:{tmp_path}/data"]\ntarget = "synthetic-target:{tmp_path}/data"\n'
        f"[study.grid.cells]\nboth = {{run.epochs = 3}}\n"
    )
    words = [sys.executable, "-m", "remix_track.cli.train", "grid", str(path), "--output"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*words, str(tmp_path / "unbroken")], check=True, env=environment)
    with subprocess.Popen([*words, str(tmp_path / "cut")], env=environment) as process:
        try:
            first_epoch = tmp_path / "cut/cells/grid-both/seed-0/checkpoints/joint-00001-0000000.pt"
            wait_for(first_epoch.exists, seconds=600)
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    subprocess.run([*words, str(tmp_path / "cut")], check=True, env=environment)

    def numbers(name):
        found = json.loads((tmp_path / name / "results.json").read_text())["studies"]["grid"]["cells"]["both"]["seeds"][
            "0"
        ]
        return {key: value for key, value in found.items() if key != "seconds"}

    assert numbers("cut") == numbers("unbroken")
    state = [
        (tmp_path / name / "cells/grid-both/seed-0/remix.safetensors").read_bytes() for name in ("cut", "unbroken")
    ]
    assert state[0] == state[1]
