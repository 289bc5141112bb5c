"""Small data sets in memory for the training's tests: coloured stripes that stand for people."""

from typing import Any

import cv2
import numpy as np
from torch import nn

from remix_track import settings
from remix_track.data.augmentation import AugmentationSettings
from remix_track.data.crop_set import Crop, Split, crop_set
from remix_track.data.name_table import NameTable
from remix_track.data.readers.video_set import VideoSet
from remix_track.data.sampling import SamplingSettings
from remix_track.training.data_sets import TrainingData
from remix_track.training.method_settings import ClusterSettings, MocoSettings, MomentumSettings
from remix_track.training.train_settings import (
    EncoderSettings,
    OptimiserSettings,
    PretrainingSettings,
    RunSettings,
    TrainSettings,
)

# The small network below is none of the choices that users have.
EncoderSettings.__annotations__["architecture"] = str
settings._declared.cache_clear()


class TinyBackbone(nn.Module):
    """Two convolutions, so that a checkpoint is small; goes where `BACKBONES["tiny"]` is asked for."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 24, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(24)
        self.width = 24

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        return self.bn2(self.conv2(x)).relu()


class MemoryStore:
    """Encoded images in a list; rows in `broken` cannot be read."""

    def __init__(self, pictures):
        self.pictures = pictures
        self.broken = set()

    def __len__(self):
        return len(self.pictures)

    def name(self, row):
        return f"image {row}"

    def read(self, row):
        if row in self.broken:
            raise OSError("gone")
        return self.pictures[row]


def picture(person, take, height=32, width=16):
    """A crop of `person`: four stripes of their colours, shifted and tinted by `take`."""
    colours = np.random.default_rng([1, person]).integers(0, 256, (4, 3))
    generator = np.random.default_rng([2, person, take])
    image = generator.integers(0, 50, (height, width, 3))
    left = int(generator.integers(1, width // 3))
    for stripe, colour in enumerate(colours):
        rows = slice(stripe * height // 4, (stripe + 1) * height // 4)
        image[rows, left : left + width // 2] = colour + generator.integers(-10, 11, 3)
    return cv2.imencode(".png", np.clip(image, 0, 255).astype(np.uint8))[1].tobytes()


def labelled(people=6, cameras=2, takes=2, first=0, *, test=False):
    crops, pictures = [], []
    for person in range(people):
        for camera in range(cameras):
            for take in range(takes):
                split = (Split.QUERY if take == 0 else Split.GALLERY) if test else Split.TRAIN
                crops.append(Crop(f"{person:03d}", f"c{camera}", split))
                pictures.append(picture(first + person, 10 * camera + take))
    return crop_set("stripes", MemoryStore(pictures), crops)


def unlabelled(videos=4, people=3, takes=4):
    pictures, hidden = [], []
    for number in range(videos * people):
        pictures += [picture(1000 + number, take) for take in range(takes)]
        hidden += [number] * takes
    names = NameTable.of([b"v%03d" % video for video in range(videos)])
    offsets = np.arange(videos + 1, dtype=np.int64) * people * takes
    return VideoSet("stripes on video", MemoryStore(pictures), offsets, names, np.array(hidden, np.int32))


def small_data():
    target = labelled(people=4, first=500, takes=3, test=True)
    return TrainingData(labelled(), unlabelled(), target, None)


def small_settings(**sections):
    """Two epochs of three steps; `sections` replace whole sections or switches."""
    made: dict[str, Any] = {
        "encoder": EncoderSettings(architecture="tiny", height=32, width=16),  # type: ignore[arg-type]
        "moco": MocoSettings(queue_size=16, projection=8),
        "pretraining": PretrainingSettings(
            epochs=1, iterations_per_epoch=3, batch_size=8, optimiser="adam", learning_rate=1e-3
        ),
        "augmentation": AugmentationSettings(padding=2, blur_sigma=(0.1, 1.0)),
        "pretraining_augmentation": AugmentationSettings(padding=0, resized_crop=True, blur_sigma=(0.1, 1.0)),
        "sampling": SamplingSettings(
            iterations_per_epoch=3, multi_identities=3, multi_images=2, single_identities=2, single_images=2
        ),
        "clusters": ClusterSettings(k1=6, k2=2, min_samples=2, eps=0.6),
        "momentum": MomentumSettings(coefficient=0.9),
        "optimiser": OptimiserSettings(learning_rate=1e-3, warmup_epochs=1),
        "run": small_run(),
    }
    return TrainSettings(**(made | sections))


def small_run(**changes):
    made: dict[str, Any] = {
        "epochs": 2,
        "evaluate_every": 0,
        "log_every": 1,
        "threads": 1,
        "device": "cpu",
        "embed_batch": 16,
    }
    return RunSettings(**(made | changes))
