"""MOT benchmark evaluation: files in, numbers out. Needs numpy, scipy and motmetrics; never torch."""
