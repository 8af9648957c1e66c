"""From the log to the lake, and both as one history."""
