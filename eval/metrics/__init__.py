"""CLEAR, identity and HOTA metrics from matches."""
