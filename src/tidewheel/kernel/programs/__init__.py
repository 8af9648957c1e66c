"""Expressions as programs, and the machine that runs them."""
