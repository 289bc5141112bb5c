"""Which runtime computes a network: what was asked for, what the weights allow, and what the machine has."""

import platform
import sys
from pathlib import Path
from typing import Literal

from remix_track import openvino_runtime
from remix_track.errors import InputError

Backend = Literal["auto", "torch", "openvino", "onnxruntime"]


def choose_backend(wanted: Backend, able: tuple[Backend, ...], name: str, *, gpu: bool) -> Backend:
    """The runtime for weights: OpenVINO on the CPU where it is installed; else, and on a GPU, their own.

    Args:
        wanted: by the user; `auto` chooses.
        able: runtimes that these weights run on, their own one first.
        name: of the weights, for messages.
        gpu: their own one is to compute on a GPU, and can.

    Raises:
        InputError: these weights do not run on what is wanted, or it is not installed.
    """
    if wanted not in ("auto", *able):
        raise InputError(f"{name}: runs on {' or '.join(able)}, not on {wanted}; leave `backend` out, or export it")
    if "openvino" in (wanted, *able[:1]) and not openvino_runtime.is_usable():
        raise InputError(f"{name}: openvino is not installed or does not run on this CPU; pip install openvino")
    if wanted != "auto":
        return wanted
    own = able[0]
    return own if gpu or "openvino" not in able or not openvino_runtime.is_usable() else "openvino"


def is_for_gpu(device: str) -> bool:
    """Whether `device` is something else than the CPU; `auto` is where torch reaches a GPU.

    Torch takes a second to import, so it is asked only on a machine that shows signs of a GPU.
    """
    if device != "auto":
        return device != "cpu"
    if not _shows_gpu():
        return False
    from remix_track.encoder.torch_network import choose_device

    return choose_device("auto").type != "cpu"


def _shows_gpu() -> bool:
    if sys.platform == "linux":
        # NVIDIA's driver, AMD's, and Windows' in its Linux subsystem.
        return any(Path(f"/dev/{name}").exists() for name in ("nvidiactl", "kfd", "dxg"))
    return not (sys.platform == "darwin" and platform.machine() != "arm64")
