"""Boxes, ids and trails on frames."""
