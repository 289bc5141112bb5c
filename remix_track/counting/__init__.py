"""Lines and zones that people cross and enter: how many, when, and for how long."""
