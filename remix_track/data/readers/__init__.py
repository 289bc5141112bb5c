"""Published data sets and own crops, read into sets of crops."""
