"""Feature groups: aggregates of events, by a key."""
