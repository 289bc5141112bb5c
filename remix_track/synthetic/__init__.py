"""Drawn people and scenes whose truth is exact."""
