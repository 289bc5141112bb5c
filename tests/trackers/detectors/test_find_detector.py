"""Which detector `--detector SPEC` means, with and without a network."""

import json
import logging
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from remix_track.errors import InputError
from remix_track.trackers.association.settings import AssociationSettings, DeepSortSettings
from remix_track.trackers.detectors import download
from remix_track.trackers.detectors import find_detector as finding
from remix_track.trackers.detectors.builtin import BuiltinDetector
from remix_track.trackers.detectors.find_detector import weights_at_hand
from remix_track.trackers.detectors.hog import HogDetector
from remix_track.trackers.detectors.public import PublicDetections
from remix_track.trackers.detectors.yolo import YoloOptions
from remix_track.trackers.pipeline.session import Session
from remix_track.trackers.settings import AppearanceSettings, DetectorSettings, TrackSettings

find_detector: Any = finding.find_detector
FETCH = "ultralytics.utils.downloads.attempt_download_asset"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An empty current folder, an empty home, and no model loaded: detectors stand for their paths."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "YOLO_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(finding, "YoloDetector", lambda weights, options: (weights, options))


@pytest.fixture
def no_network(monkeypatch):
    def fail(file, **options):
        raise ConnectionError("offline")

    monkeypatch.setattr(FETCH, fail)


def serve(monkeypatch, content=b"model"):
    def fetch(file, **options):
        assert options == {"retry": 0, "progress": False}
        Path(file).write_bytes(content)
        return file

    monkeypatch.setattr(FETCH, fetch)


class TestAuto:
    def test_takes_what_is_at_hand_in_the_order_that_is_written(self, tmp_path):
        settings = tmp_path / "home/.config/Ultralytics/settings.json"
        theirs, ours = tmp_path / "theirs", tmp_path / "home/.cache/remix-track/weights"
        for folder in (settings.parent, theirs, ours):
            folder.mkdir(parents=True)
        settings.write_text(json.dumps({"weights_dir": str(theirs)}))
        assert weights_at_hand() is None
        expected = []
        for path in (
            ours / "yolo11n.pt",
            theirs / "yolov8n.pt",
            theirs / "yolo11n.pt",
            Path("yolov9t.pt"),
            Path("yolo11s.pt"),
            Path("yolov8n.pt"),
            Path("yolo11n.pt"),
        ):
            path.touch()
            expected.append(path)
            assert weights_at_hand() == path
        assert find_detector("auto")[0] == Path("yolo11n.pt")

    def test_passes_by_models_for_other_tasks(self):
        for name in ("yolo11n-cls.pt", "yolo11n-seg.pt", "yolo11n-obb.pt", "yolo11n-pose.pt", "yolo_nas_s.pt"):
            Path(name).touch()
        Path("yolo11x.pt").mkdir()
        assert weights_at_hand() is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights_dir": 3}', '{"weights_dir": "/nowhere"}', "\ufffe"])
    def test_settings_of_ultralytics_that_make_no_sense_are_passed_by(self, tmp_path, text):
        settings = tmp_path / "home/.config/Ultralytics/settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(text)
        assert weights_at_hand() is None

    def test_downloads_the_nano_model_once(self, monkeypatch, tmp_path):
        serve(monkeypatch)
        kept = tmp_path / "home/.cache/remix-track/weights/yolo11n.pt"
        assert find_detector()[0] == kept
        assert kept.read_bytes() == b"model"
        assert [path.name for path in kept.parent.iterdir()] == ["yolo11n.pt"]
        monkeypatch.setattr(FETCH, None)
        assert find_detector()[0] == kept

    def test_goes_on_with_the_built_in_one_and_says_so_in_one_line(self, no_network, caplog, tmp_path, capfd):
        with caplog.at_level(logging.WARNING):
            detector = find_detector()
        assert isinstance(detector, BuiltinDetector)
        assert detector.name.startswith("builtin: remix_person.onnx (sha256 ")
        folder = tmp_path / "home/.cache/remix-track/weights"
        assert caplog.messages == [
            "no YOLO weights at hand (yolo11n.pt: could not be downloaded from ultralytics on GitHub); "
            f"put yolo11n.pt into this folder or {folder} for better tracks; going on with the built-in detector"
        ]
        assert list(folder.iterdir()) == list(Path().iterdir()) == []
        assert capfd.readouterr() == ("", "")

    def test_without_network_at_all(self, monkeypatch, caplog):
        """The real ultralytics against a network that is not there: no noise, nothing half-written, no long wait."""

        def refuse(*arguments, **options):
            raise OSError("no network in tests")

        monkeypatch.setattr("socket.getaddrinfo", refuse)
        assert isinstance(find_detector(), BuiltinDetector)
        assert len(caplog.messages) == 1


class TestDownload:
    def test_that_stalls_is_given_up(self, monkeypatch, tmp_path):
        let_go = threading.Event()

        def stall(file, **options):
            Path(file).with_suffix(".part").write_bytes(b"half")
            let_go.wait(60)
            raise ConnectionError

        monkeypatch.setattr(FETCH, stall)
        with pytest.raises(InputError) as caught:
            download.download("yolo11n.pt", tmp_path / "kept", patience=0.2)
        let_go.set()
        assert str(caught.value) == "yolo11n.pt: the download stalled for 0.2 seconds"
        assert not (tmp_path / "kept/yolo11n.pt").exists()

    def test_that_is_slow_but_comes_is_waited_for(self, monkeypatch, tmp_path):
        def trickle(file, **options):
            # Longer than the patience in all, and each byte far sooner than that.
            for _ in range(24):
                with Path(file).open("ab") as out:
                    out.write(b"x")
                threading.Event().wait(0.1)
            return file

        monkeypatch.setattr(FETCH, trickle)
        assert download.download("yolo11n.pt", tmp_path, patience=2).read_bytes() == b"x" * 24

    def test_into_a_folder_that_cannot_be(self, monkeypatch, tmp_path):
        serve(monkeypatch)
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match=r"^yolo11n\.pt: cannot be stored in .*file/weights \(Not a directory\)$"):
            download.download("yolo11n.pt", tmp_path / "file/weights")

    def test_that_reports_success_without_a_file(self, monkeypatch, tmp_path):
        monkeypatch.setattr(FETCH, lambda file, **options: file)
        with pytest.raises(InputError, match="could not be downloaded"):
            download.download("yolo11n.pt", tmp_path)


class TestNamed:
    def test_builtin_hog_det_txt_and_weights(self, tmp_path):
        assert isinstance(find_detector("builtin"), BuiltinDetector)
        assert isinstance(find_detector("hog"), HogDetector)
        Path("det.txt").write_text("1,-1,1,2,3,4,1\n")
        assert isinstance(find_detector("det.txt"), PublicDetections)
        Path("mine.onnx").touch()
        options = YoloOptions(conf=0.1, imgsz=320)
        assert find_detector("mine.onnx", options) == (Path("mine.onnx"), options)
        assert find_detector("mine.onnx") == (Path("mine.onnx"), YoloOptions())

    def test_a_session_that_went_on_with_the_built_in_one_does_not_look_again(self, no_network, caplog):
        session = Session(TrackSettings(appearance=AppearanceSettings("none")))
        first, second = session.detector(), session.detector()
        assert isinstance(first, BuiltinDetector)
        assert isinstance(second, BuiltinDetector)
        assert first is not second, "each has the state of its stream"
        assert len(caplog.messages) == 1

    @pytest.mark.parametrize(("least", "asked"), [(-3.0, 0.0), (0.4, 0.4), (7.0, 1.0)])
    def test_of_scores_on_another_scale_yolo_is_asked_for_those_that_it_has(self, least, asked):
        Path("mine.onnx").touch()
        settings = TrackSettings(
            DetectorSettings("mine.onnx"),
            AppearanceSettings("none"),
            DeepSortSettings(min_confidence=least),
            AssociationSettings(tracker="deep-sort"),
        )
        _, options = cast(Any, Session(settings).detector())
        assert (options.conf, options.imgsz) == (asked, 640)

    def test_a_published_model_is_downloaded(self, monkeypatch):
        serve(monkeypatch)
        assert find_detector("yolo11s.pt")[0].name == "yolo11s.pt"
        assert find_detector("yolo11m")[0].name == "yolo11m.pt"

    def test_a_published_model_that_cannot_be_had_is_an_error(self, no_network, tmp_path):
        with pytest.raises(InputError) as caught:
            find_detector("yolo11s.pt")
        assert str(caught.value) == (
            "yolo11s.pt: could not be downloaded from ultralytics on GitHub; put the file into this folder or "
            f"{tmp_path / 'home/.cache/remix-track/weights'}"
        )

    @pytest.mark.parametrize("spec", ["yolo99z.pt", "sub/yolo11n.pt", "https://example.com/yolo11n.pt", "", "a b.pt"])
    def test_anything_else_is_an_error(self, spec, monkeypatch):
        monkeypatch.setattr(FETCH, None)
        with pytest.raises(InputError):
            find_detector(spec)

    def test_other_classes_need_yolo(self):
        assert isinstance(find_detector("hog", YoloOptions(classes=["Person"])), HogDetector)
        assert isinstance(find_detector("builtin", YoloOptions(classes=["0"])), BuiltinDetector)
        with pytest.raises(InputError, match=r"^builtin: remix_person.onnx \(sha256 .*\) finds people only, not dog; "):
            find_detector("builtin", YoloOptions(classes=["dog"]))
        with pytest.raises(InputError) as caught:
            find_detector("hog", YoloOptions(classes=["car", "0"]))
        assert str(caught.value) == "HOG (built in) finds people only, not car; give YOLO weights as `detector`"
