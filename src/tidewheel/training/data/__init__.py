"""A model's rows: gathered point-in-time, split, encoded and checked."""
