"""What `import remix_track` offers: its names, its examples, and its errors for settings that do not fit."""

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import remix_track
import remix_track.eval
from remix_track import Detections, InputError, Tracker, track
from remix_track.encoder.load import load_embedder
from remix_track.trackers.association.settings import DeepSortSettings
from remix_track.trackers.settings import TrackSettings

IMAGES = [np.full((60, 80, 3), 50, np.uint8)] * 3


def test_every_name_is_there_and_costs_nothing_before_its_use():
    for name in remix_track.__all__:
        assert getattr(remix_track, name) is not None
    assert set(remix_track.__all__) <= set(dir(remix_track))
    with pytest.raises(AttributeError, match="module 'remix_track' has no attribute 'trak'"):
        remix_track.trak  # noqa: B018
    used = "import remix_track; print(remix_track.eval.evaluate.__name__, 'eval' in remix_track.__all__)"
    said = subprocess.run([sys.executable, "-c", used], capture_output=True, text=True, check=True).stdout
    assert said == "evaluate False\n"
    code = "import sys, remix_track; print(remix_track.__version__, {'numpy', 'torch', 'cv2'} & sys.modules.keys())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"[0-9][\w.+]* set\(\)\n", said)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(inspect.getsource(remix_track))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name for node in typed.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported | {"__version__"} == set(remix_track.__all__) == {*remix_track._HOMES, "__version__", "store"}


def test_a_copy_that_was_never_installed_has_a_version(monkeypatch):
    from importlib import metadata

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert remix_track.__version__ == "0+unknown"


def examples(text: str | None) -> list[str]:
    """The indented blocks of a docstring, before its arguments, that are code."""
    said = inspect.cleandoc(text or "").partition("\nArgs:")[0]
    blocks = re.findall(r"(?:^    .+\n?)+", f"{said}\n", re.MULTILINE)
    found = [textwrap.dedent(block) for block in blocks]
    return [block for block in found if re.search(r"track\(|Tracker\(|Detections\(.*=|remix_track\.", block)]


DOCUMENTED = [
    remix_track, track, Tracker, Detections, remix_track.Run.record, remix_track.link,
    remix_track.load_embedder, remix_track.eval.evaluate, remix_track.eval.score_sequence,
    remix_track.store.open_store,
]  # fmt: skip


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda one: one.__name__)
def test_the_examples_of_docstrings_run(documented, tmp_path, monkeypatch, capsys):
    from remix_track.trackers.detectors import find_detector
    from remix_track.trackers.detectors.public import PublicDetections

    for name in ("video.mp4", "a.mp4", "b.mp4"):
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*"mp4v"), 25, (80, 60))
        for image in IMAGES:
            writer.write(image)
        writer.release()
    det = tmp_path / "det.txt"
    det.write_text("".join(f"{k},-1,10,10,20,40,0.9\n" for k in (1, 2, 3)))
    sequence = tmp_path / "MOT17" / "MOT17-02-FRCNN"
    results = [tmp_path / name / "MOT17-02-FRCNN.txt" for name in ("results", "results/a", "results/b")]
    for path in (sequence / "gt" / "gt.txt", *results):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{k},1,10,10,20,40,1,1,1\n" for k in (1, 2, 3)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(find_detector, "find_detector", lambda *_, **__: PublicDetections(det))
    text = documented.__doc__
    if documented is remix_track:
        text = (text or "").replace("\nfor frame", "\n    for frame").replace("\n    print", "\n        print")
    names: dict[str, Any] = {
        "remix_track": remix_track,
        "Detections": Detections,
        "images": IMAGES,
        "frames": IMAGES,
        "crops": IMAGES,
        "image": IMAGES[0],
        "xyxy": [[10, 10, 30, 50]],
        "score": [0.9],
        "class_id": [0],
    }
    code = examples(text)
    assert code
    for block in code:
        exec(block, names)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_age": "x"}, r"track\(\): max_age = 'x'; expected a whole number, at least 1"),
        ({"max_age": True}, r"track\(\): max_age = True; expected a whole number, at least 1"),
        ({"max_age": 0}, r"track\(\): max_age = 0; expected at least 1"),
        ({"min_confidence": None}, r"track\(\): min_confidence = None; expected a number"),
        ({"box": np.array([1, 2])}, r"track\(\): box = .*; expected 'kalman' or 'detector'"),
        ({"weights": 3}, r"track\(\): weights = 3; expected text"),
        ({"max_aeg": 5}, r"track\(\): unknown key 'max_aeg'; did you mean 'max_age'\?"),
        ({"stride": 0}, "`stride` = 0; expected at least 1"),
        ({"stride": "2"}, "`stride` = '2'; expected a whole number, at least 1"),
        ({"start": 1.5}, "`start` = 1.5; expected a whole number, at least 1"),
        ({"frames": "all"}, "`frames` = 'all'; expected a whole number, at least 1, or none"),
        ({"fps": "25"}, "`fps` = '25'; expected a number, above 0, at most 1,000, or none"),
        ({"fps": float("nan")}, "`fps` = nan; expected above 0, at most 1,000, or none"),
        ({"settings": DeepSortSettings()}, "`settings` is of type DeepSortSettings; give a TrackSettings"),
        ({"settings": {"max_age": 3}}, "`settings` is of type dict; give a TrackSettings"),
    ],
)
def test_arguments_of_track_that_do_not_fit_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        track(IMAGES, **({"weights": "none", "detector": "hog"} | wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_age": "x"}, r"Tracker\(\): max_age = 'x'; expected a whole number, at least 1"),
        ({"low_scor": 0.1}, r"Tracker\(\): unknown key 'low_scor'; did you mean 'low_score'\?"),
        ({"fps": "x"}, "fps = 'x'; expected a number, above 0"),
        ({"fps": None}, "fps = None; expected a number, above 0"),
        ({"weights": None}, "`weights` is of type NoneType; expected a file, 'default'"),
        ({"settings": TrackSettings()}, r"Tracker\(\): TrackSettings where DeepSortSettings is expected"),
    ],
)
def test_arguments_of_a_tracker_that_do_not_fit_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        Tracker(**({"weights": "none"} | wrong))


def test_a_settings_object_made_by_hand_is_checked_too():
    with pytest.raises(InputError, match="max_age = 'x'; expected a whole number, at least 1"):
        DeepSortSettings(max_age="x")  # type: ignore[arg-type]


def test_numbers_of_numpy_and_paths_are_taken():
    run = track(IMAGES, weights=Path("none"), detector="hog", max_age=np.int64(7), min_confidence=np.float32(0.25))
    assert (run.tracker.settings.max_age, run.tracker.settings.min_confidence) == (7, 0.25)
    assert type(run.tracker.settings.max_age) is int
    assert load_embedder(Path("none")) is None


class OneBox:
    """A detector."""

    name = "one box"
    dropped = 0

    def __call__(self, frame: Any) -> Detections:
        return Detections([[10 + frame.index, 10, 40 + frame.index, 50]], [0.9], [0])


class Constant:
    """An embedder."""

    width = 2
    description = {"name": "constant", "sha256": "", "input": ""}  # noqa: RUF012
    max_cosine_distance = 0.3

    def __call__(self, image: Any, xyxy: Any) -> Any:
        return np.tile(np.array([0.6, 0.8], np.float32), (len(xyxy), 1))


def test_a_detector_and_an_embedder_of_ones_own_are_used_and_named(tmp_path):
    detector, embedder = OneBox(), Constant()
    run = track(IMAGES, detector=detector, weights=embedder)
    assert run.detector is detector
    assert run.tracker.embedder is embedder
    summary = run.record(tmp_path / "out", video=False, embeddings=True)
    assert summary["detector"] == "one box"
    assert summary["settings"]["detector"]["detector"] == "one box"
    assert summary["settings"]["appearance"]["weights"] == "constant"
    assert summary["settings"]["tracker"]["max_cosine_distance"] == 0.3
    assert np.load(tmp_path / "out/embeddings.npz")["embedding"].tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    assert load_embedder(embedder) is Tracker(weights=embedder).embedder is embedder
