"""A video and its tracks on one timeline, for the viewer of rerun (`pip install rerun-sdk`).

python examples/show_in_rerun.py video.mp4 tracks.rrd    # then: rerun tracks.rrd
"""

import sys

import rerun as rr

import remix_track

rr.init("remix-track")
rr.save(sys.argv[2])
xyxy = rr.Box2DFormat.XYXY
for frame in remix_track.track(sys.argv[1]):
    rr.set_time("video", duration=frame.time)
    rr.log("image", rr.Image(frame.image, color_model="BGR").compress(jpeg_quality=80))
    names = [f"person {id_}" for id_ in frame.ids]
    # A class is a colour, so that each id has its own.
    rr.log("image/people", rr.Boxes2D(array=frame.xyxy, array_format=xyxy, labels=names, class_ids=frame.ids % 2**16))
