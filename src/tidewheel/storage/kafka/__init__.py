"""The event log over a Kafka broker."""
