"""Frames in, tracks out: sources, detectors, the trackers, the pipeline, and sinks."""
