"""Benchmarks and results on disk, and what is wrong with them."""
