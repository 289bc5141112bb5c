"""Track in a loop of your own: you read the frames and detect, the tracker gives each person an id.

python examples/own_loop.py video.mp4 tracked.mp4
"""

import sys

import cv2

import remix_track

video = cv2.VideoCapture(sys.argv[1])
fps = video.get(cv2.CAP_PROP_FPS) or 25.0
tracker = remix_track.Tracker(weights="default", fps=fps)  # one for each video; any tracker setting is an argument
hog = cv2.HOGDescriptor()  # stands for your detector
hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())  # type: ignore[arg-type]

writer, people = None, set[int]()
while (read := video.read())[0]:
    image = read[1]
    boxes, scores = hog.detectMultiScale(image, scale=1.1)
    xyxy = [(x, y, x + width, y + height) for x, y, width, height in boxes]
    # Every frame, also without detections: the tracker counts them.
    tracks = tracker.update(remix_track.Detections(xyxy, scores, [0] * len(xyxy)), image)
    people.update(tracks.ids.tolist())
    for person, box in zip(tracks.ids, tracks.xyxy.round().astype(int).tolist(), strict=True):
        cv2.rectangle(image, box[:2], box[2:], (0, 200, 0), 2)
        cv2.putText(image, str(person), box[:2], cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 200, 0), 2)
    if writer is None:
        size = (image.shape[1], image.shape[0])
        writer = cv2.VideoWriter(sys.argv[2], cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    writer.write(image)
if writer is not None:
    writer.release()
print(f"{len(people)} people; see {sys.argv[2]}")
