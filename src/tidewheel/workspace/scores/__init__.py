"""Scores computed ahead, through a workspace."""
