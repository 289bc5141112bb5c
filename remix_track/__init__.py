"""remix-track: people in video keep their identity."""
