"""Feature state on LMDB."""
