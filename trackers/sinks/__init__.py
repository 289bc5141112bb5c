"""Where tracks go: text, video, tables, crops, vectors."""
