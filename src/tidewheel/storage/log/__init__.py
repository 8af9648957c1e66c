"""The event log on LMDB: one order, ids taken once, quarantine."""
