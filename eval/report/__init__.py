"""Scores as tables, JSON, CSV, Markdown and pages."""
