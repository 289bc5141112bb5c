"""Drawn people and scenes with exact ground truth."""
