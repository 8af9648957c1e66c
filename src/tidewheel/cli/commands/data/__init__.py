"""Events and features."""
