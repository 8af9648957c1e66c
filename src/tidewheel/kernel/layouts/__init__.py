"""From aggregates to the shape of a state."""
