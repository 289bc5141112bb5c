"""Crops of people harvested from footage."""
