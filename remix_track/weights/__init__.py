"""Weight files: how they are read and written, and the ones that ship."""
