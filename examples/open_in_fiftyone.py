"""A tracked video as a data set of FiftyOne, in which each person has an index (`pip install fiftyone`).

python examples/open_in_fiftyone.py video.mp4    # then: fiftyone app launch remix-track
"""

import sys

import fiftyone as fo

import remix_track

sample = fo.Sample(filepath=sys.argv[1])
for frame in remix_track.track(sys.argv[1]):
    height, width = frame.image.shape[:2]
    corners = (frame.xyxy / [width, height, width, height]).tolist()
    boxes = [[left, top, right - left, bottom - top] for left, top, right, bottom in corners]
    rows = zip(frame.ids.tolist(), boxes, strict=True)
    people = [fo.Detection(label="person", index=id_, bounding_box=box) for id_, box in rows]
    sample.frames[frame.index] = fo.Frame(people=fo.Detections(detections=people))
dataset = fo.Dataset("remix-track", overwrite=True, persistent=True)
dataset.add_sample(sample)
print(f"{len(sample.frames)} frames in the data set {dataset.name}")
