"""Frames in, tracks out: sources, detectors, the Deep SORT adapter, the pipeline, and sinks."""
