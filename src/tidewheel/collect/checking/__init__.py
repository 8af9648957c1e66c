"""Rows held to their declaration: one by one at the door, a table at a time in files."""
