"""Artifacts: files named by their content."""
