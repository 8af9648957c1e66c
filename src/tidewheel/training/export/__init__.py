"""Versions in forms that other runtimes read, with what that costs in accuracy."""
