"""Pointers moved through a workspace, and what watches them."""
