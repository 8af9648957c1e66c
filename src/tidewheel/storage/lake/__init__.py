"""The lake: Delta tables of all history."""
