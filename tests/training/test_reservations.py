"""A training's folder is its own: no second run takes it or goes on with it, and it is not made again."""

import shutil
import signal

import pytest

from remix_track import reservations, stop_signals
from remix_track.cli.main import main as track_main
from remix_track.cli.train import _claim, parser
from remix_track.errors import InputError
from remix_track.training.run_log import RunLog
from remix_track.training.stopping import Stopped, StopRequest


def claimed(*words):
    return _claim(parser().parse_args([str(word) for word in words]))


def test_a_running_training_is_neither_overwritten_nor_resumed(tmp_path):
    folder = claimed("--output", tmp_path / "run")
    (folder / "log.jsonl").touch()
    for words in (["--output", folder], ["--output", folder, "--overwrite"], ["--resume", folder]):
        with pytest.raises(InputError, match="another run writes to it"):
            claimed(*words)
    reservations.release(folder)
    assert claimed("--resume", folder) == folder
    assert (folder / "log.jsonl").exists()
    reservations.release(folder)
    assert [path.name for path in claimed("--output", folder, "--overwrite").iterdir()] == [reservations.MARK]
    reservations.release(folder)


def test_the_log_of_a_folder_that_has_gone_is_one_error_and_no_folder(tmp_path):
    folder = claimed("--output", tmp_path / "run")
    log = RunLog(folder)
    log.write("start")
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="was removed while the run wrote to it"):
        log.write("step")
    assert not folder.exists()
    reservations.release(folder)


@pytest.mark.parametrize("number", stop_signals.STOPS)
def test_every_signal_is_a_question_and_the_second_changes_nothing(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        stop.check()
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped) as caught:
            stop.check()
        assert caught.value.signal == number
    assert signal.getsignal(number) == before
    StopRequest().check()


def test_no_other_command_takes_a_running_result(tmp_path, capsys):
    folder = claimed("--output", tmp_path / "run")
    words = ["demo", "--frames", "2", "--output", str(folder), "--overwrite", "--quiet", "--weights", "none"]
    assert track_main([*words, "--detector", "hog"]) == 2
    assert "another run writes to it" in capsys.readouterr().err
    reservations.release(folder)
