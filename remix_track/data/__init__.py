"""Crops to learn from: labelled multi-camera sets, unlabelled videos, how they are read, changed and mixed."""
