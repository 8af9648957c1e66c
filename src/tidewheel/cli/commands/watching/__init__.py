"""Watching what runs."""
