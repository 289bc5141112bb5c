"""ultralytics' own `track`: BoT-SORT as it ships, with re-identification on. Runs in its own environment.

`model: auto`, its default, takes the detector's own feature maps as appearance.
"""

from pathlib import Path

import ultralytics
from ultralytics import YOLO
from ultralytics.utils import YAML

from tests.bench.peers.recording import Recording, black_image, peer_parser


def main() -> None:
    options = peer_parser().parse_args()
    shipped = Path(ultralytics.__file__).parent / "cfg" / "trackers" / "botsort.yaml"
    tracker = options.output / "botsort_reid.yaml"
    YAML.save(tracker, YAML.load(shipped) | {"with_reid": True})
    yolo = YOLO(options.weights)
    see = {"imgsz": options.imgsz, "conf": options.conf, "classes": [0], "device": "cpu", "verbose": False}
    yolo.predict(black_image(), **see)
    recording = Recording(options)
    for result in yolo.track(source=str(options.video), stream=True, tracker=str(tracker), **see):
        more = recording.count()
        boxes = result.boxes.cpu().numpy()
        if boxes.id is not None:
            for number, xyxy, score in zip(boxes.id.tolist(), boxes.xyxy, boxes.conf, strict=True):
                recording.add(int(number), xyxy, score)
        recording.draw(result.orig_img)
        if not more:
            break
    recording.finish()


if __name__ == "__main__":
    main()
