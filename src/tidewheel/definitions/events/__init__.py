"""Events and entities: the rows that come in, and what they should be like."""
