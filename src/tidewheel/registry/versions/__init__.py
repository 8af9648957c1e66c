"""Versions: named, marked, found."""
