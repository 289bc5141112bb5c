"""Tracks after their video has ended: which are one person, and where they were in between."""
