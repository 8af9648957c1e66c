"""Keeping a workspace: schedules, clearing up, erasure, tokens."""
