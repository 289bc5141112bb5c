"""Which result box is which truth box."""
