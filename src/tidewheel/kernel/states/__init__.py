"""States: folded, read, replayed."""
