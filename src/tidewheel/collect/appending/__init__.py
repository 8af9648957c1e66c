"""Into the log: events as they come, decisions from the journal."""
