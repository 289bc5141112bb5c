"""float16: the loss is scaled, a step that overflows is left out and counted, and a resumed run is the unbroken one."""

import dataclasses
import itertools

import pytest
import torch

from remix_track.encoder.backbones import BACKBONES
from remix_track.errors import InputError
from remix_track.training import run as run_module
from remix_track.training.checkpoint import load_checkpoint, newest_checkpoint
from remix_track.training.optimisation import MOST_SKIPPED, LossScaler, check_precision
from remix_track.training.run import run_training
from remix_track.training.run_log import read_log
from remix_track.training.stopping import Stopped, StopRequest
from tests.training_scenes import TinyBackbone, small_data, small_run, small_settings

CPU = torch.device("cpu")


def weight():
    parameter = torch.nn.Parameter(torch.ones(3))
    return parameter, torch.optim.Adam([parameter], lr=0.1, fused=True)


def take(scaler, parameter, optimiser, factor=1.0):
    optimiser.zero_grad()
    scaler.backward((parameter * factor).sum())
    return scaler.step(optimiser)


def test_a_step_is_that_of_the_unscaled_gradient():
    (scaled, its), (plain, other) = weight(), weight()
    for _ in range(3):
        assert take(LossScaler(CPU, "float16"), scaled, its, 1e-3)
        assert take(LossScaler(CPU, "float32"), plain, other, 1e-3)
    assert torch.equal(scaled, plain)


def test_a_step_that_overflows_is_left_out_and_the_scale_halved():
    parameter, optimiser = weight()
    scaler = LossScaler(CPU, "float16")
    assert not take(scaler, parameter, optimiser, float("inf"))
    assert torch.equal(parameter, torch.ones(3))
    assert scaler.state_dict()["scale"] == 2**15
    assert take(scaler, parameter, optimiser)
    assert (parameter < 1).all()


def test_so_many_in_a_row_are_an_error_and_a_checkpoint_counts_on():
    parameter, optimiser = weight()
    scaler = LossScaler(CPU, "float16")
    for _ in range(MOST_SKIPPED - 2):
        assert not take(scaler, parameter, optimiser, float("nan"))
    again = LossScaler(CPU, "float16")
    again.load_state_dict(scaler.state_dict())
    assert not take(again, parameter, optimiser, float("nan"))
    with pytest.raises(InputError, match="gradients of 20 steps in a row were not finite in float16; the last checkp"):
        take(again, parameter, optimiser, float("nan"))
    # One good step in between, and the count begins anew.
    assert take(scaler, parameter, optimiser)
    assert not take(scaler, parameter, optimiser, float("nan"))


def test_another_precisions_checkpoint_begins_the_scale_anew():
    scaler = LossScaler(CPU, "float16")
    scaler.load_state_dict(LossScaler(CPU, "float32").state_dict())
    assert scaler.state_dict()["scale"] == 2**16
    plain = LossScaler(CPU, "bfloat16")
    plain.load_state_dict(scaler.state_dict())
    assert plain.state_dict() == {}


def test_a_device_without_float16_is_refused_in_one_line(monkeypatch):
    def not_there(*arguments, **named):
        raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'\nmore")

    monkeypatch.setattr(torch.nn.Conv2d, "forward", not_there)
    settings = small_settings(run=small_run(precision="float16"))
    with pytest.raises(InputError, match=r"float16 does not work on this cpu \(.*\); take bfloat16 or float32$"):
        check_precision(CPU, settings)


def test_a_stopped_float16_run_resumes_to_the_unbroken_one(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKBONES, "tiny", TinyBackbone)
    monkeypatch.setattr(run_module, "open_training_data", lambda settings, **watched: small_data())
    monkeypatch.setattr(run_module, "write_report", lambda *arguments: None)
    settings = small_settings(run=small_run(precision="float16", epochs=1))
    wide = dataclasses.replace(settings, encoder=dataclasses.replace(settings.encoder, width=32))
    try:
        check_precision(CPU, wide)
    except InputError as error:
        pytest.skip(str(error))
    train(wide, tmp_path / "whole")
    for place in (2, 6):
        folder = tmp_path / f"parts {place}"
        with pytest.raises(Stopped):
            train(wide, folder, stop_after=place)
        train(wide, folder, resumed=load_checkpoint(newest_checkpoint(folder)))
        mine, other = (load_checkpoint(newest_checkpoint(one)).state for one in (folder, tmp_path / "whole"))
        assert mine["scaler"] == other["scaler"]
        assert mine["scaler"]["scale"] > 1
        for name, value in other["encoder"].items():
            assert torch.equal(mine["encoder"][name], value), name
        assert read_log(folder) == read_log(tmp_path / "whole")


def train(settings, folder, *, stop_after=0, resumed=None):
    stop = StopRequest()
    places = itertools.count(1)

    def show(position):
        if next(places) == stop_after:
            stop.ask()

    run_training(settings, lambda: folder, resumed=resumed, stop=stop, show=show)
