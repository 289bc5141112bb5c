"""Studies: many trainings that differ in a few settings, run one after another, and what came out beside each other."""
