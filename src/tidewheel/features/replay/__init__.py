"""Backfill: features of many rows, by folding history again."""
