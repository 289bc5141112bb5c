"""From a source to tracked frames: detect and embed with ordered workers, track, live sources."""
