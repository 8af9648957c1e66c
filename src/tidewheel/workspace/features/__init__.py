"""Features through a workspace: states that are kept, backfills, reads, parity."""
