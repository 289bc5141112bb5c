"""Appearance: crops of people in, unit vectors out."""
