"""The same numbers counted by other programs."""
