"""The command lines: the only place that sees trackers and evaluation together, and the only one that prints."""
