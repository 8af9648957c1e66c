"""Planning and running features: backfill by replay, the stream, the online read, and the check that they agree."""
