"""From the detections of one frame after another to tracks: one life cycle, two assemblies of parts."""
