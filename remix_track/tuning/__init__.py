"""The tracker's settings chosen for one's own clips."""
