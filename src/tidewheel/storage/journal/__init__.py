"""The decision journal: segments of records, written before answers leave."""
