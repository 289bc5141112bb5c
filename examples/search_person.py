"""Find a person again: track with embeddings, then rank all tracks by their similarity to an image of the person.

python examples/search_person.py person.jpg gate.mp4 yard.mp4
"""

import sys
from pathlib import Path

import cv2
import numpy as np

import remix_track

image = cv2.imread(sys.argv[1])
assert image is not None, "give an image that shows the person and little else"
embedder = remix_track.load_embedder("default")
assert embedder is not None
query = embedder(image, np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32))[0]

found = []
for video in map(Path, sys.argv[2:]):
    run = remix_track.track(video, weights=embedder)  # loaded once, for the image and for all videos
    run.record(f"searched/{video.stem}", video=False, crops=True, embeddings=True)
    with np.load(f"searched/{video.stem}/embeddings.npz") as tracks:  # a mean unit vector for each track
        distances = 1 - tracks["embedding"] @ query  # cosine distances
        for row, distance in enumerate(distances):
            first, last = tracks["first_frame"][row], tracks["last_frame"][row]
            found.append((distance, video.stem, tracks["ids"][row], first, last))

for distance, name, person, first, last in sorted(found)[:10]:
    print(f"{distance:.3f}  {name}  id {person}, frames {first} to {last}: searched/{name}/crops/{person}/")
