"""Runs and versions through a workspace: registered, compared, imported, repeated."""
