"""Verdicts on a candidate."""
