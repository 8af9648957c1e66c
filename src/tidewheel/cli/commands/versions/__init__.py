"""Versions and what is said of them."""
