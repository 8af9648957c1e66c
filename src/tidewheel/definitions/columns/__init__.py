"""Columns, and what is computed of them."""
