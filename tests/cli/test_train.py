"""`remix-train` as a user runs it: settings, a whole run on files, stopping, resuming, scoring."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from remix_track.cli.train import main
from tests.training_scenes import picture

CONFIGS = Path(__file__).parents[2] / "configs"
TRAINING = [
    path for path in sorted(CONFIGS.glob("*.toml")) if re.search(r"^\[(data|sampling)\]", path.read_text(), re.M)
]


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Stripes in the layout that `remix-train synthesize` makes."""
    root = tmp_path_factory.mktemp("crops")

    def write(path, person, take):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(person, take, 64, 32))

    for person in range(6):
        for camera in (1, 2):
            for take in range(3):
                name = f"{person + 1:04d}_c{camera}s1_{take:06d}_00.png"
                write(root / "multi_camera/bounding_box_train" / name, person, 10 * camera + take)
                part = "query" if take == 0 else "bounding_box_test"
                write(root / "target" / part / name, 100 + person, 10 * camera + take)
    for number in range(15):
        for take in range(4):
            write(root / f"single_camera/v{number // 3:03d}/{number:04d}_{take}.png", 1000 + number, take)
    return root


def data_flags(crops):
    sets = {"multi_camera": "synthetic", "single_camera": "synthetic", "target": "synthetic-target"}
    return [word for key, kind in sets.items() for word in ("--set", f"data.{key}={kind}:{crops}")]


def command(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "remix_track.cli.train", *map(str, words)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def fails(capsys, *words):
    assert main([str(word) for word in words]) == 2
    return capsys.readouterr().err.strip()


def test_printed_settings_are_settings(capsys, tmp_path):
    assert main(["--print-config", "--set", "losses.camera_weight=0.3", "--set", "pretrain=false"]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["losses"]["camera_weight"] == 0.3
    (tmp_path / "again.toml").write_text(text)
    assert main(["--print-config", "--config", str(tmp_path / "again.toml")]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("config", TRAINING, ids=lambda path: path.stem)
def test_shipped_settings_are_settings_and_hold_only_what_differs(capsys, config):
    assert main(["--print-config", "--config", str(config)]) == 0
    resolved = tomllib.loads(capsys.readouterr().out)
    assert main(["--print-config"]) == 0
    defaults = tomllib.loads(capsys.readouterr().out)
    for section, values in tomllib.loads(config.read_text()).items():
        for key, value in values.items() if isinstance(values, dict) else ():
            assert resolved[section][key] == value
            assert defaults[section][key] != value, f"{section}.{key} is the default"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "losses.camera_wieght=1"], "unknown key 'camera_wieght'; did you mean 'camera_weight'?"),
        (["--set", "loses.camera_weight=1"], "unknown key 'loses'; did you mean 'losses'?"),
        (["--set", "losses.camera_weight"], "--set losses.camera_weight: expected section.key=value"),
        (["--set", "losses=1"], "losses is a section; expected losses.key=value"),
        (["--set", "pretrain.x=1"], "pretrain is a key, not a section; expected pretrain=value"),
        (["--set", "run.epochs=many"], "--set run.epochs = 'many'; expected a whole number"),
        (["--set", "run.epochs=-1"], "epochs = -1; expected 0 to 100,000"),
        (["--resume", "x", "--output", "y"], "--resume takes settings and folder from the run"),
        (["--quiet"], "data.multi_camera names no labelled set"),
        (["--set", "data.multi_camera=market:x"], "pretrain or joint is on; name one"),
        (["--set", "data.multi_camera=market:x", "--set", "joint=no", "--set", "pretrain=no"], "did you mean 'mar"),
    ],
)
def test_what_cannot_be_is_one_line(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    error = fails(capsys, *words)
    assert message in error
    assert error.startswith("remix-train: ")
    assert "\n" not in error
    assert not (tmp_path / "runs").exists()


def test_a_result_is_not_replaced(capsys, crops, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    words = ["--config", CONFIGS / "tiny_test.toml", *data_flags(crops), "--output", tmp_path]
    assert "there is something already" in fails(capsys, *words)
    assert "not a result of remix-track" in fails(capsys, *words, "--overwrite")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_every_stage_runs_to_its_end_and_the_tracker_takes_the_weights(crops, tmp_path):
    from remix_track.encoder.load import load_embedder

    run = command("--config", CONFIGS / "tiny_test.toml", *data_flags(crops), "--output", tmp_path / "run")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert "Rank-1" in out
    assert "the loss rises for about" in err
    embedder = load_embedder(tmp_path / "run/remix.safetensors", device="cpu")
    assert embedder is not None
    assert embedder.max_cosine_distance is not None
    assert embedder.description["input"] == "64x32 RGB"
    report = (tmp_path / "run/report.md").read_text()
    assert "max_cosine_distance = " in report
    assert "| pretraining.epochs | 2 |" in report
    events = [json.loads(line)["event"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert {"start", "note", "labels", "step", "evaluation"} <= set(events)
    assert tomllib.loads((tmp_path / "run/config.toml").read_text())["encoder"]["height"] == 64

    words = ["--weights", tmp_path / "run/remix.safetensors", "--synthetic-target", crops, "--rerank"]
    scored = command("eval", *words, "--output", tmp_path / "scores")
    out, err = scored.communicate(timeout=300)
    assert scored.returncode == 0, err
    rows = json.loads((tmp_path / "scores/scores.json").read_text())["scores"]
    scores = {row["how"]: row for row in rows if row["set"] == "synthetic-target"}
    last = [line for line in map(json.loads, (tmp_path / "run/log.jsonl").open()) if line["event"] == "evaluation"][-1]
    assert scores["as is"]["map"] == pytest.approx(last["map"], abs=1e-6)
    assert set(scores) == {"as is", "re-ranked", "centred", "centred, re-ranked"}
    assert "remix.safetensors, centred, re-ranked" in out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_a_checkpoint_and_goes_on(crops, tmp_path, number, code):
    folder = tmp_path / "run"
    settings = ["--set", "encoder.architecture=mobilenet-v2", "--set", "pretrain=false", "--set", "run.epochs=500"]
    run = command("--config", CONFIGS / "tiny_test.toml", *data_flags(crops), *settings, "--output", folder)
    deadline = time.monotonic() + 200
    while '"step"' not in (folder / "log.jsonl").read_text() if (folder / "log.jsonl").exists() else True:
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.send_signal(number)
    _, err = run.communicate(timeout=300)
    assert run.returncode == code, err
    assert f"go on with: remix-train --resume {folder}" in err
    assert "Traceback" not in err
    assert not (folder / "remix.safetensors").exists()
    resumed = command("--resume", folder, "--set", "run.epochs=1", "--quiet")
    _, err = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, err
    assert (folder / "remix.safetensors").exists()


def test_help_loads_no_heavy_package():
    code = "import sys; from remix_track.cli.train import main; main(['--help']); main(['--print-config'])\n"
    code += "print('LOADED', sorted({'torch', 'cv2', 'scipy', 'sklearn', 'rich'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "LOADED []"
