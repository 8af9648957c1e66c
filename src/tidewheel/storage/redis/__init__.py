"""Feature state on Redis or Valkey."""
