"""BoxMOT's BoT-SORT or StrongSORT as Python users make them: eager YOLO, OSNet. Runs in its own environment."""

import shutil

import boxmot
import numpy as np
from ultralytics import YOLO

from tests.bench.peers.recording import Recording, black_image, peer_parser

TRACKERS = {"botsort": "BotSort", "strongsort": "StrongSort"}


def main() -> None:
    parser = peer_parser()
    parser.add_argument("--tracker", choices=sorted(TRACKERS), required=True)
    parser.add_argument("--reid", required=True, help="OSNet weights, .pth or .onnx")
    options = parser.parse_args()
    reid = options.reid
    if reid.endswith(".pth"):
        # It knows an architecture by the file's name, and torch weights by `.pt`.
        reid = shutil.copy(reid, options.output / "osnet_x0_25_msmt17.pt")
    yolo = YOLO(options.weights)
    see = {"imgsz": options.imgsz, "conf": options.conf, "classes": [0], "device": "cpu", "verbose": False}
    yolo.predict(black_image(), **see)
    tracker = getattr(boxmot, TRACKERS[options.tracker])(reid_weights=reid, device="cpu", half=False)
    recording = Recording(options)
    for image in recording.pictures():
        found = yolo.predict(image, **see)[0].boxes.data.cpu().numpy()
        for x1, y1, x2, y2, number, score, *_ in np.asarray(tracker.update(found, image)).tolist():
            recording.add(int(number), (x1, y1, x2, y2), score)
        recording.draw(image)
    recording.finish()


if __name__ == "__main__":
    main()
