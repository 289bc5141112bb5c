"""Count people who cross a line, with the zones and annotators of supervision (pip install supervision).

python examples/count_crossings.py video.mp4 counted.mp4
"""

import sys

import supervision as sv

import remix_track

info = sv.VideoInfo.from_video_path(sys.argv[1])
middle = info.width // 2
feet = [sv.Position.BOTTOM_CENTER]
line = sv.LineZone(sv.Point(middle, 0), sv.Point(middle, info.height), triggering_anchors=feet)
annotators = [sv.BoxAnnotator(color_lookup=sv.ColorLookup.TRACK), sv.TraceAnnotator(color_lookup=sv.ColorLookup.TRACK)]
line_annotator = sv.LineZoneAnnotator()

with sv.VideoSink(sys.argv[2], info) as sink:
    for frame in remix_track.track(sys.argv[1]):
        people = frame.to_supervision()
        line.trigger(people)
        image = frame.image.copy()
        for annotator in annotators:
            image = annotator.annotate(image, people)
        sink.write_frame(line_annotator.annotate(image, line))
print(f"{line.in_count} to the right, {line.out_count} to the left; see {sys.argv[2]}")
