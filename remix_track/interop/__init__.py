"""Tracks in the files of annotation tools, and back: a file for each format, functions of rows and text."""
